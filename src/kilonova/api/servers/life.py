"""Update and delete a server, and what changes nothing but its record: lock, state, restore."""

from typing import Any

from kilonova.api.accept import store
from kilonova.api.request import Request
from kilonova.api.servers.access import access_addresses
from kilonova.api.servers.acting import Acting, acting
from kilonova.api.servers.external_events import refresh_addresses
from kilonova.api.servers.find import owner_of, statuses_of
from kilonova.api.servers.placing import check_zone, repinned
from kilonova.api.servers.view import Views
from kilonova.contract.work import DeleteServer, RestoreServer, SoftDeleteServer
from kilonova.db.repository import servers
from kilonova.model.server import Server, TaskState, VmState


async def update(request: Request) -> dict[str, Any]:
    """Names and addresses, in any state; the answer is the server as it is then."""
    body = request.body["server"]
    if body.get("pinned_availability_zone"):
        await check_zone(request, body["pinned_availability_zone"])
    async with acting(request, None) as it:
        changes = _changes(body)
        if "pinned_availability_zone" in body:
            changes["request_spec"] = repinned(it.server, body["pinned_availability_zone"])
        if changes:
            await it.change(**changes)
        server = await servers.get(it.tx, it.server.id, project_id=None)
    return {"server": await changed_view(request, server)}


_COLUMNS = {
    "name": "name",
    "description": "description",
    "hostname": "hostname",
    "accessIPv4": "access_ip_v4",
    "accessIPv6": "access_ip_v6",
    "OS-DCF:diskConfig": "disk_config",
    "pinned_availability_zone": "pinned_zone",
}


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    changes = {_COLUMNS[name]: value for name, value in body.items()}
    return changes | access_addresses(body)


async def changed_view(request: Request, server: Server, **options: Any) -> dict[str, Any]:
    """What an update or a rebuild answers."""
    views = Views(request)
    if views.shows_host_status and request.version >= 75:
        views.host_statuses = await statuses_of(request, (server.host,))
    return views.changed(server, **options)


async def delete(request: Request) -> None:
    """Always accepted, even twice, in any state; whatever is being done to the server makes way.

    Where the cloud keeps deleted servers for a while, one that has run is only put aside.
    """
    if request.world.settings.reclaim_instance_interval_s > 0:
        async with acting(request, "delete") as it:
            if it.server.launched_at is not None and it.server.host:
                await _put_aside(it)
                return
    await _delete(request, "delete")


async def _put_aside(it: Acting) -> None:
    server = it.server
    if server.task_state in (TaskState.SOFT_DELETING, TaskState.DELETING) or server.vm_state == VmState.SOFT_DELETED:
        return
    await it.begin(SoftDeleteServer(server_id=server.id), TaskState.SOFT_DELETING, preempt=True)


async def force_delete(request: Request) -> None:
    await _delete(request, "forceDelete")


async def _delete(request: Request, action: str) -> None:
    async with acting(request, action) as it:
        if it.server.task_state == TaskState.DELETING:
            # The saga is on its way already; a second one would only wait for it.
            return
        await store(request, it.tx, DeleteServer(server_id=it.server.id), preempt=True)
        await it.change(task_state=TaskState.DELETING.value)


async def restore(request: Request) -> None:
    async with acting(request, "restore") as it:
        await it.begin(RestoreServer(server_id=it.server.id), TaskState.RESTORING)


async def reset_state(request: Request) -> None:
    """For admins: say that a server is `active` or in `error`, whatever it was, and forget its task."""
    state = request.body["os-resetState"]["state"]
    async with acting(request, None) as it:
        await it.change(vm_state=VmState(state).value, task_state=None)


async def inject_network_info(request: Request) -> None:
    """What the network service has of its interfaces now is what the server shows. Errors: Locked.

    The guest learns of it by DHCP, metadata or config drive: there is nothing to inject.
    """
    async with acting(request, "injectNetworkInfo") as it:
        server = it.server
    request.world.tasks.start(refresh_addresses(request, server), name="refresh addresses")


async def lock(request: Request) -> None:
    """By its own project, or (for others' servers) by an admin, which then outranks the project."""
    value = request.body["lock"]
    reason = value.get("locked_reason") if request.version >= 73 and isinstance(value, dict) else None
    async with acting(request, None) as it:
        who = _locks_as(request, it.server)
        if it.server.locked and who == "owner":
            return
        await it.change(locked_by=who, locked_reason=reason)
        await it.record("lock")


async def unlock(request: Request) -> None:
    """Errors: PolicyForbids for what an admin locked."""
    async with acting(request, None) as it:
        if it.server.locked_by not in (None, _locks_as(request, it.server)):
            request.allow("os_compute_api:os-lock-server:unlock:unlock_override", owner_of(it.server))
        await it.change(locked_by=None, locked_reason=None)
        await it.record("unlock")


def _locks_as(request: Request, server: Server) -> str:
    return "owner" if request.caller.project_id == server.project_id else "admin"
