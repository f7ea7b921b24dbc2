"""Resize, and its end: confirm or revert."""

import msgspec

from kilonova.api.quota import how_many_fit, limits
from kilonova.api.request import Request
from kilonova.api.servers.acting import Acting, acting
from kilonova.api.servers.create import usable_flavor
from kilonova.api.servers.find import find_server
from kilonova.api.servers.hardware import check_asked, image_properties
from kilonova.api.servers.moving import check_host_up, record_migration
from kilonova.contract import work
from kilonova.contract.compute import FlavorOf
from kilonova.db.repository import migrations
from kilonova.db.repository.quotas import Usage
from kilonova.model.errors import BadRequest
from kilonova.model.server import TaskState


class SameFlavor(BadRequest):
    def __init__(self) -> None:
        super().__init__("When resizing, instances must change flavor!")


async def resize(request: Request) -> None:
    """202; the server shows RESIZE until its owner has to verify it. Errors: BadRequest, QuotaExceeded, WrongState."""
    asked = request.body["resize"]
    # Who may not resize learns nothing of flavors.
    await find_server(request)
    flavor = await usable_flavor(request, asked["flavorRef"])
    async with acting(request, "resize") as it:
        old = msgspec.json.decode(it.server.flavor, type=FlavorOf)
        _check(it, old, flavor)
        check_asked(request, flavor, image_properties(it.server))
        await check_host_up(it)
        await _check_quota(it, old, flavor)
        migration_id = await record_migration(it, "resize", new=flavor)
        await it.begin(
            work.ResizeServer(server_id=it.server.id, flavor_id=flavor.id, migration_id=migration_id),
            TaskState.RESIZE_PREP,
        )
        if "OS-DCF:diskConfig" in asked:
            await it.change(disk_config=asked["OS-DCF:diskConfig"])


def _check(it: Acting, old: FlavorOf, new: FlavorOf) -> None:
    if old.id == new.id:
        raise SameFlavor
    if it.server.image_id and old.root_gib and not new.root_gib:
        raise BadRequest("Server disk was unable to be resized because: Resize to zero disk flavor is not allowed.")


async def _check_quota(it: Acting, old: FlavorOf, new: FlavorOf) -> None:
    """Only what is more counts. Errors: QuotaExceeded."""
    more = Usage(0, max(new.vcpus - old.vcpus, 0), max(new.memory_mib - old.memory_mib, 0))
    if more == Usage():
        return
    server = it.server
    held = await limits(it.request, it.tx, server.project_id)
    whose = {"project_id": server.project_id, "user_id": server.user_id}
    await how_many_fit(it.tx, held, more, least=1, most=1, turn=it.tx, **whose)


async def confirm(request: Request) -> None:
    """Errors: BadRequest without a finished resize, WrongState."""
    async with acting(request, "confirmResize") as it:
        migration_id = await _finished(it)
        await it.begin(work.ConfirmResize(server_id=it.server.id, migration_id=migration_id))


async def revert(request: Request) -> None:
    async with acting(request, "revertResize") as it:
        migration_id = await _finished(it)
        await it.begin(work.RevertResize(server_id=it.server.id, migration_id=migration_id), TaskState.RESIZE_REVERTING)


async def _finished(it: Acting) -> str:
    found = await migrations.finished_of(it.tx, it.server.id)
    if found is None:
        raise BadRequest("Instance has not been resized.")
    return found
