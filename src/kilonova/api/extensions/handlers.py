"""Extensions: list and show."""

from typing import Any

from kilonova.api.extensions.known import EXTENSIONS
from kilonova.api.request import Request
from kilonova.model.errors import NotFound

# When the list was closed; and the namespace that no schema was ever published under.
_UPDATED = "2014-12-03T00:00:00Z"
_NAMESPACE = "http://docs.openstack.org/compute/ext/fake_xml"


async def index(request: Request) -> dict[str, Any]:
    return {"extensions": [_shown(alias, name) for alias, name in EXTENSIONS.items()]}


async def show(request: Request) -> dict[str, Any]:
    alias = request.params["id"]
    if alias not in EXTENSIONS:
        raise NotFound("The resource could not be found.")
    return {"extension": _shown(alias, EXTENSIONS[alias])}


def _shown(alias: str, name: str) -> dict[str, Any]:
    return {
        "alias": alias,
        "name": name,
        "description": f"{name} ({alias}).",
        "links": [],
        "namespace": _NAMESPACE,
        "updated": _UPDATED,
    }
