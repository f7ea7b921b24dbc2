"""Services: list, update by verb or by id, delete."""

from typing import Any

from kilonova.api.identifiers import number_of, uuid_of
from kilonova.api.parameters import TRUE_TEXTS
from kilonova.api.request import Request
from kilonova.api.services import view
from kilonova.api.zones import seen_since, tell_schedulers, zones
from kilonova.db.repository import aggregates, services
from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.model.ids import HostName
from kilonova.model.service import COMPUTE, Service


class HostInUse(Conflict):
    pass


async def index(request: Request) -> dict[str, Any]:
    found = await services.listed(request.world.db)
    host, binary = request.one("host"), request.one("binary")
    named, since = await zones(request), seen_since(request)
    return {
        "services": [
            view.full(request, service, named, since)
            for service in found
            if host in (None, "", service.host) and binary in (None, "", service.binary)
        ]
    }


async def update(request: Request) -> dict[str, Any]:
    return await (_by_id(request) if request.version >= 53 else _by_verb(request))


# -- below 2.53 --------------------------------------------------------------------------------------------------------


async def _by_verb(request: Request) -> dict[str, Any]:
    """`{id}` is what to do. Errors: NotFound for a verb unknown at the version, HostBinaryNotFound."""
    verb, body = request.params["id"], request.body
    host, binary = body["host"], body["binary"]
    named = {"host": host, "binary": binary}
    if verb == "enable":
        await _set(request, binary, host, disabled=0, disabled_reason=None)
        return {"service": {**named, "status": "enabled"}}
    if verb == "disable":
        await _set(request, binary, host, disabled=1, disabled_reason=None)
        return {"service": {**named, "status": "disabled"}}
    if verb == "disable-log-reason":
        reason = body.get("disabled_reason")
        if not reason:
            raise BadRequest("Missing disabled reason field")
        await _set(request, binary, host, disabled=1, disabled_reason=reason)
        return {"service": {**named, "status": "disabled", "disabled_reason": reason}}
    if verb == "force-down" and request.version >= 11:
        if "forced_down" not in body:
            raise BadRequest("Missing forced_down field")
        forced_down = body["forced_down"] in (True, *TRUE_TEXTS)
        await _set(request, binary, host, forced_down=int(forced_down))
        return {"service": {**named, "forced_down": forced_down}}
    raise NotFound("Unknown action")


async def _set(request: Request, binary: str, host: str, **columns: Any) -> None:
    async with request.world.db.begin() as tx:
        service = await services.named(tx, binary, host)
        await services.change(tx, service.id, request.world.clock.now(), **columns)
    tell_schedulers(request, host)


# -- since 2.53 --------------------------------------------------------------------------------------------------------


async def _by_id(request: Request) -> dict[str, Any]:
    service_id = uuid_of(request.params["id"])
    columns = _changes(request.body)
    async with request.world.db.begin() as tx:
        service = await services.get(tx, service_id)
        if service.binary != COMPUTE:
            raise BadRequest(
                f"Updating a {service.binary} service is not supported. Only nova-compute services can be updated."
            )
        await services.change(tx, service.id, request.world.clock.now(), **columns)
        changed = await services.get(tx, service_id)
    tell_schedulers(request, service.host)
    return {"service": view.full(request, changed, await zones(request), seen_since(request))}


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    """Errors: BadRequest when nothing would change, or a reason comes without its disabling."""
    status, reason = body.get("status"), body.get("disabled_reason")
    if reason is not None and status != "disabled":
        raise BadRequest("Specifying disabled_reason requires that status is 'disabled'.")
    columns: dict[str, Any] = {}
    if status is not None:
        columns |= {"disabled": int(status == "disabled"), "disabled_reason": reason}
    if "forced_down" in body:
        columns["forced_down"] = int(body["forced_down"] in (True, *TRUE_TEXTS))
    if not columns:
        raise BadRequest("No updates were requested. Fields 'status' or 'forced_down' should be specified.")
    return columns


# -- delete ------------------------------------------------------------------------------------------------------------


async def delete(request: Request) -> None:
    """A compute service goes with its host's record, its places in aggregates and its provider. Errors: HostInUse."""
    identifier = request.params["id"]
    world = request.world
    async with world.db.begin() as tx:
        if request.version >= 53:
            service = await services.get(tx, uuid_of(identifier))
        else:
            service = await services.numbered(tx, number_of(identifier))
        if service.binary == COMPUTE:
            if await services.servers_on(tx, service.host):
                raise HostInUse(
                    "Unable to delete compute service that is hosting instances. Migrate or delete the instances first."
                )
            if await services.moves_of(tx, service.host):
                raise HostInUse(
                    "Unable to delete compute service that has in-progress migrations. "
                    "Complete the migrations or delete the instances first."
                )
            await aggregates.leave_all(tx, service.host, world.clock.now())
            await services.delete_host(tx, service.host)
        await services.delete(tx, service)
    await _forget(request, service)


async def _forget(request: Request, service: Service) -> None:
    if service.binary != COMPUTE:
        return
    if request.world.placement is not None:
        await request.world.placement.forget(HostName(service.host))
    tell_schedulers(request, service.host)
