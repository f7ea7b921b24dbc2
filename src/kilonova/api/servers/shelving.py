"""A shelved server gets its host freed, and comes back."""

from kilonova.api.request import Request
from kilonova.api.servers.acting import acting
from kilonova.api.servers.placing import check_zone, repinned
from kilonova.contract.work import OffloadServer, UnshelveServer
from kilonova.db.repository import hosts
from kilonova.model.errors import BadRequest, Conflict
from kilonova.model.server import TaskState, VmState


async def offload(request: Request) -> None:
    async with acting(request, "shelveOffload") as it:
        await it.begin(OffloadServer(server_id=it.server.id), TaskState.SHELVING_OFFLOADING)


async def unshelve(request: Request) -> None:
    """To a zone (2.77) or host (2.91) only where it has none any more. Errors: BadRequest, Conflict, WrongState."""
    # The value was ignored before it could name a zone.
    asked = (request.body["unshelve"] or {}) if request.version >= 77 else {}
    zone, host = asked.get("availability_zone"), asked.get("host")
    if zone is not None:
        await check_zone(request, zone)
    if host is not None:
        request.allow("os_compute_api:os-shelve:unshelve_to_host")
        if await hosts.host_named(request.world.db, host=host, node=None) is None:
            raise BadRequest(f"Compute host {host} could not be found.")
    async with acting(request, "unshelve") as it:
        if asked and it.server.vm_state != VmState.SHELVED_OFFLOADED:
            raise Conflict(
                f"The server specified in unshelve request is not in shelved_offloaded state: {it.server.id}."
            )
        if "availability_zone" in asked:
            await it.change(pinned_zone=zone, request_spec=repinned(it.server, zone))
        work = UnshelveServer(server_id=it.server.id, host=host)
        await it.begin(work, TaskState.UNSHELVING)
