"""/v3/projects/{id}/tags."""

import jsonschema_rs
from starlette.responses import Response

from kilonova.identity.api import bodies
from kilonova.identity.api.documents import IdentityRequest, base
from kilonova.identity.api.projects import allowed_project, change_project
from kilonova.identity.errors import InvalidInput, Missing
from kilonova.web.response import empty, json_response

_tags = jsonschema_rs.validator_for(
    {"type": "object", "properties": {"tags": bodies.TAGS}, "required": ["tags"], "additionalProperties": False}
)
_tag = jsonschema_rs.validator_for(bodies.TAG)


async def list_tags(request: IdentityRequest) -> Response:
    project = await allowed_project(request, "list_project_tags")
    return _show(request, project["id"], project["tags"])


async def replace_tags(request: IdentityRequest) -> Response:
    project = await allowed_project(request, "update_project_tags")
    document = await request.document()
    if not _tags.is_valid(document):
        raise InvalidInput("Invalid input for field 'tags'.")
    await change_project(request, project["id"], {"tags": document["tags"]})
    return _show(request, project["id"], document["tags"])


async def delete_tags(request: IdentityRequest) -> Response:
    project = await allowed_project(request, "update_project_tags")
    await change_project(request, project["id"], {"tags": []})
    return empty()


async def check_tag(request: IdentityRequest) -> Response:
    project = await allowed_project(request, "get_project_tag")
    _require(request.params["tag"], project["tags"])
    return empty()


async def add_tag(request: IdentityRequest) -> Response:
    project = await allowed_project(request, "update_project_tags")
    tag = request.params["tag"]
    tags = [*project["tags"], *([tag] if tag not in project["tags"] else [])]
    if not _tag.is_valid(tag) or not _tags.is_valid({"tags": tags}):
        raise InvalidInput("Invalid input for field 'tags'.")
    await change_project(request, project["id"], {"tags": tags})
    return empty(201)


async def delete_tag(request: IdentityRequest) -> Response:
    project = await allowed_project(request, "update_project_tags")
    _require(request.params["tag"], project["tags"])
    kept = [tag for tag in project["tags"] if tag != request.params["tag"]]
    await change_project(request, project["id"], {"tags": kept})
    return empty()


def _require(tag: str, tags: list[str]) -> None:
    if tag not in tags:
        raise Missing("project tag", tag)


def _show(request: IdentityRequest, project_id: str, tags: list[str]) -> Response:
    return json_response({"tags": tags, "links": {"self": f"{base(request)}/projects/{project_id}/tags"}})
