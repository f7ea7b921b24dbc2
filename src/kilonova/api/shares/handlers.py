"""Shares of a server: there are none, and none can be found to attach."""

from typing import Any

from kilonova.api import parameters
from kilonova.api.parameters import Schema
from kilonova.api.request import Request
from kilonova.api.servers.find import find_any_server
from kilonova.api.validation import Query, Schemas
from kilonova.model.errors import NotFound
from kilonova.model.server import VmState
from kilonova.model.server_actions import WrongState

# The tag names the file system inside of the guest.
_TAG: Schema = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^[\w-]*$"}
CREATE = Schemas.every(parameters.body("share", {"share_id": parameters.uuid, "tag": _TAG}, ("share_id",)))
QUERY = Query((1, {}), strict_from=97)


class ShareNotFound(NotFound):
    def __init__(self, share_id: str) -> None:
        super().__init__(f"Share {share_id} could not be found.")
        self.share_id = share_id


async def index(request: Request) -> dict[str, Any]:
    await find_any_server(request)
    return {"shares": []}


async def show(request: Request) -> None:
    await find_any_server(request)
    raise ShareNotFound(request.params["id"])


async def create(request: Request) -> None:
    """Errors: WrongState unless the server is stopped, ShareNotFound."""
    server = await find_any_server(request)
    if server.vm_state != VmState.STOPPED:
        raise WrongState(server.id, "attach share", "vm_state", server.vm_state)
    raise ShareNotFound(request.body["share"]["share_id"])


async def delete(request: Request) -> None:
    """Errors: WrongState unless the server is stopped or broken, ShareNotFound."""
    server = await find_any_server(request)
    if server.vm_state not in (VmState.STOPPED, VmState.ERROR):
        raise WrongState(server.id, "detach share", "vm_state", server.vm_state)
    raise ShareNotFound(request.params["id"])
