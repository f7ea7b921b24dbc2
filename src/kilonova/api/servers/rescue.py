"""Rescue: the server runs another image with its own disk beside it."""

from kilonova.api.request import Request
from kilonova.api.servers.acting import acting
from kilonova.api.servers.find import find_server
from kilonova.api.servers.images import usable_image
from kilonova.contract.work import RescueServer
from kilonova.model.errors import BadRequest
from kilonova.model.server import TaskState


async def rescue(request: Request) -> dict[str, str] | None:
    """200 with the password the rescue system has. Errors: BadRequest, WrongState."""
    asked = request.body["rescue"] or {}
    image_id = asked.get("rescue_image_ref")
    server = await find_server(request)
    if not server.image_id and request.version < 87:
        raise BadRequest(f"Cannot rescue a volume-backed instance {server.id}")
    if image_id is not None:
        await usable_image(request, image_id)
    password = asked.get("adminPass") or request.world.secret(request.world.settings.password_length)
    async with acting(request, "rescue") as it:
        work = RescueServer(server_id=it.server.id, image_id=image_id, password=password)
        await it.begin(work, TaskState.RESCUING)
    return {"adminPass": password} if request.world.settings.enable_instance_password else None
