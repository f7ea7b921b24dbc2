"""Moves of a server to another host: migrate, live migrate, evacuate. Texts: Nova's."""

from typing import Any

import msgspec

from kilonova.api.parameters import TRUE_TEXTS
from kilonova.api.request import Request
from kilonova.api.servers.acting import Acting, acting
from kilonova.api.servers.find import find_server, owner_of, statuses_of
from kilonova.contract import work
from kilonova.contract.compute import FlavorOf
from kilonova.contract.scheduler import RequestSpec
from kilonova.db.repository import hosts, migrations, servers
from kilonova.db.repository.migrations import Migration
from kilonova.model.errors import BadRequest, Conflict
from kilonova.model.hypervisor import TAKES_GUESTS
from kilonova.model.server import Server, TaskState, VmState
from kilonova.model.server_actions import NotReady


class HostDown(Conflict):
    def __init__(self) -> None:
        super().__init__("Service is unavailable at this time.")


class HostStillUp(BadRequest):
    def __init__(self, host: str) -> None:
        super().__init__(f"Compute service of {host} is still in use.")


async def record_migration(it: Acting, kind: str, *, status: str = "pre-migrating", new: FlavorOf | None = None) -> str:
    """A new migration record; its id. Where it leads is not known yet."""
    server = it.server
    old = msgspec.json.decode(server.flavor, type=FlavorOf)
    migration = Migration(
        id=it.request.world.new_id(),
        server_id=server.id,
        project_id=server.project_id,
        user_id=server.user_id,
        migration_type=kind,
        status=status,
        source_compute=server.host,
        source_node=server.node,
        dest_compute=None,
        dest_node=None,
        old_flavor=old,
        new_flavor=new or old,
        old_vm_state=server.vm_state,
    )
    await migrations.add(it.tx, migration, it.request.world.clock.now())
    return migration.id


async def check_host_up(it: Acting) -> None:
    """Errors: HostDown."""
    if (await statuses_of(it.request, (it.server.host,))).get(it.server.host or "") == "DOWN":
        raise HostDown


async def is_up(request: Request, host: str) -> bool:
    return (await statuses_of(request, (host,))).get(host) in ("UP", "MAINTENANCE")


async def _named(request: Request, server: Server, host: str | None) -> str | None:
    """A host to go to, which must be another one. Errors: BadRequest."""
    if host is None:
        return None
    if await hosts.host_named(request.world.db, host=host, node=None) is None:
        raise BadRequest(f"Compute host {host} could not be found.")
    if host == server.host:
        raise BadRequest("Cannot migrate to the host where the server exists.")
    return host


async def migrate(request: Request) -> None:
    """Cold, as a resize without a flavor; from 2.56 to a named host. Errors: BadRequest, HostDown, WrongState."""
    asked = request.body["migrate"] if request.version >= 56 else None
    host = (asked or {}).get("host")
    server = await find_server(request)
    if host is not None:
        request.allow("os_compute_api:os-migrate-server:migrate:host", owner_of(server))
    async with acting(request, "migrate") as it:
        host = await _named(request, it.server, host)
        await check_host_up(it)
        migration_id = await record_migration(it, "migration")
        await it.begin(
            work.MigrateServer(server_id=it.server.id, migration_id=migration_id, host=host), TaskState.RESIZE_PREP
        )


async def migrate_live(request: Request) -> None:
    """202; below 2.34 what would fail for want of a host is told at once. Errors: BadRequest, HostDown, WrongState."""
    asked = request.body["os-migrateLive"]
    server = await find_server(request)
    if asked["host"] is not None:
        request.allow("os_compute_api:os-migrate-server:migrate_live:host", owner_of(server))
    force = _truth(asked.get("force"))
    if force and asked["host"] is None:
        raise BadRequest("Can't force to a non-provided destination")
    async with acting(request, "os-migrateLive") as it:
        host = await _live_target(it, asked["host"], force=force)
        await _check_live(it, asked)
        if not await is_up(request, it.server.host or ""):
            raise BadRequest(f"Compute service of {it.server.host} is unavailable at this time.")
        migration_id = await record_migration(it, "live-migration", status="queued")
        await it.begin(
            work.LiveMigrateServer(server_id=it.server.id, migration_id=migration_id, host=host, force=force),
            TaskState.MIGRATING,
        )


async def _live_target(it: Acting, host: str | None, *, force: bool) -> str | None:
    """From 2.30 a named host is asked before the answer; a host that is down is told as well. Errors: BadRequest."""
    request = it.request
    if host is None:
        return None
    if await hosts.host_named(request.world.db, host=host, node=None) is None:
        raise BadRequest(f"Compute host {host} could not be found.")
    if host == it.server.host:
        raise BadRequest(f"Unable to migrate instance ({it.server.id}) to current host ({host}).")
    if not force and not await is_up(request, host):
        raise BadRequest(f"Compute service of {host} is unavailable at this time.")
    return host


async def _check_live(it: Acting, asked: dict[str, Any]) -> None:
    """Below 2.34 the caller hears at once that no host would take the server. Errors: BadRequest."""
    if it.request.version >= 34:
        return
    spec = msgspec.json.decode(it.server.request_spec or "{}", type=RequestSpec)
    spec = msgspec.structs.replace(
        spec,
        requested_host=asked["host"],
        force_host=None,
        extra_specs=spec.extra_specs | {f"trait:{TAKES_GUESTS}": "required"},
        ignore_hosts=(it.server.host,) if it.server.host else (),
    )
    told = await it.request.world.scheduler.explain(spec, 1, ())
    if told.refusal is not None:
        raise BadRequest("No valid host was found. There are not enough hosts available.")


async def evacuate(request: Request) -> dict[str, Any] | None:
    """From a host that is down. Errors: BadRequest where it is up, Conflict, WrongState."""
    asked = request.body["evacuate"]
    force = _truth(asked.get("force"))
    if force and asked.get("host") is None:
        raise BadRequest("Can't force to a non-provided destination")
    await find_server(request)
    password = asked.get("adminPass") or request.world.secret(request.world.settings.password_length)
    async with acting(request, "evacuate") as it:
        if not it.server.host:
            raise NotReady(it.server.id)
        host = await _refuge(it, asked.get("host"))
        if await is_up(request, it.server.host):
            raise HostStillUp(it.server.host)
        if request.version < 95:
            await servers.keep(it.tx, it.server.id, {"admin_password": password})
        migration_id = await record_migration(it, "evacuation", status="accepted")
        runs = it.server.vm_state != VmState.STOPPED and request.version < 95
        what = work.EvacuateServer(
            server_id=it.server.id, migration_id=migration_id, host=host, force=force, start=runs
        )
        # Whatever was being done on the lost host makes way.
        await it.begin(what, TaskState.REBUILDING, preempt=it.server.task_state is not None)
    if request.version >= 14 or not request.world.settings.enable_instance_password:
        return None
    return {"adminPass": password}


async def _refuge(it: Acting, host: str | None) -> str | None:
    """Errors: BadRequest."""
    if host is None:
        return None
    if await hosts.host_named(it.request.world.db, host=host, node=None) is None:
        raise BadRequest(f"Compute host {host} not found.")
    if host == it.server.host:
        raise BadRequest("The target host can't be the same one.")
    return host


def _truth(value: Any) -> bool:
    return value is True or value in TRUE_TEXTS
