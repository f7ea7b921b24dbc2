"""Version documents, schemas, and what the cloud tells about imports and tasks."""

from starlette.responses import Response

from kilonova.image.schemas import SCHEMAS
from kilonova.image.world import ImageRequest
from kilonova.model.errors import BadRequest, NotFound
from kilonova.web.response import json_response

# Each is a step of the Image API that is whole here; 2.8 and from 2.10 on are several stores, caches and their kin.
_VERSIONS = ("v2.9", "v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0")


def _document(request: ImageRequest) -> dict[str, list[dict[str, object]]]:
    links = [{"rel": "self", "href": f"{request.base}/v2/"}]
    return {
        "versions": [
            {"id": version, "status": "SUPPORTED" if index else "CURRENT", "links": links}
            for index, version in enumerate(_VERSIONS)
        ]
    }


async def choices(request: ImageRequest) -> Response:
    return json_response(_document(request), 300)


async def versions(request: ImageRequest) -> Response:
    return json_response(_document(request))


async def schema(request: ImageRequest) -> Response:
    found = SCHEMAS.get(request.params["name"])
    if found is None:
        raise NotFound("The resource could not be found.")
    return json_response(found)


async def import_methods(request: ImageRequest) -> Response:
    described = {"description": "Import methods available.", "type": "array", "value": []}
    return json_response({"import-methods": described})


async def start_import(request: ImageRequest) -> Response:
    """There are no methods, so whichever is named is the wrong one."""
    image = await request.world.visible(request.caller, request.params["image_id"])
    raise BadRequest(f"Unknown import method for image {image.id}: this cloud has none; upload to {image.id}/file.")


async def tasks(request: ImageRequest) -> Response:
    return json_response({"tasks": [], "first": "/v2/tasks", "schema": "/v2/schemas/tasks"})


async def image_tasks(request: ImageRequest) -> Response:
    """What is being done to an image: nothing is done later here."""
    await request.world.visible(request.caller, request.params["image_id"])
    return json_response({"tasks": []})
