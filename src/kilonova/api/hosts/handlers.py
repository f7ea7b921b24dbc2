"""Hosts: list, show, update; power actions, which no driver offers."""

from collections.abc import Iterable
from typing import Any

from kilonova.api.parameters import Schema
from kilonova.api.request import Request
from kilonova.api.validation import Query, Schemas
from kilonova.api.zones import tell_schedulers, zones
from kilonova.db.repository import host_usage, hypervisors, services
from kilonova.db.repository.host_usage import Used
from kilonova.model.errors import NotFound, NotSupported
from kilonova.model.hypervisor import ComputeHostNotFound, Hypervisor
from kilonova.model.service import COMPUTE, HostBinaryNotFound, Service

LIST_QUERY = Query((1, {"zone": {"type": "string"}}))
ANY_QUERY = Query((1, {}))

_SWITCH: Schema = {"type": "string", "enum": ["enable", "disable", "Enable", "Disable", "ENABLE", "DISABLE"]}
_PLAIN: Schema = {"type": "object", "properties": {"status": _SWITCH, "maintenance_mode": _SWITCH}}
UPDATE = Schemas.every(
    {**_PLAIN, "anyOf": [{"required": ["status"]}, {"required": ["maintenance_mode"]}], "additionalProperties": False}
)


class HostNotFound(NotFound):
    def __init__(self, host: str) -> None:
        super().__init__(f"Host {host} could not be found.")
        self.host = host


async def index(request: Request) -> dict[str, Any]:
    named = await zones(request)
    wanted = request.one("zone")
    return {
        "hosts": [
            {"host_name": one.host, "service": one.binary.removeprefix("nova-"), "zone": named.of_service(one)}
            for one in await services.listed(request.world.db)
            if not one.disabled and wanted in (None, "", named.of_service(one))
        ]
    }


async def show(request: Request) -> dict[str, Any]:
    """The host's amounts, what its servers have, and the same by project."""
    name = request.params["id"]
    hypervisor = await hypervisors.of_host(request.world.db, name)
    if hypervisor is None:
        raise ComputeHostNotFound(name)
    by_project = await host_usage.by_project(request.world.db, name)
    rows = [_total(hypervisor), _sum(name, "(used_now)", by_project.values())]
    rows.append(_sum(name, "(used_max)", by_project.values()))
    rows += [_sum(name, project_id, [used]) for project_id, used in sorted(by_project.items())]
    return {"host": [{"resource": row} for row in rows]}


def _total(hypervisor: Hypervisor) -> dict[str, Any]:
    return {
        "host": hypervisor.host,
        "project": "(total)",
        "cpu": hypervisor.vcpus,
        "memory_mb": hypervisor.memory_mib,
        "disk_gb": hypervisor.disk_gib,
    }


def _sum(host: str, project: str, used: Iterable[Used]) -> dict[str, Any]:
    listed = list(used)
    return {
        "host": host,
        "project": project,
        "cpu": sum(one.vcpus for one in listed),
        "memory_mb": sum(one.memory_mib for one in listed),
        "disk_gb": sum(one.disk_gib for one in listed),
    }


async def update(request: Request) -> dict[str, Any]:
    """Errors: HostNotFound, NotSupported for a maintenance mode."""
    name, body = request.params["id"], request.body
    service = await _service(request, name)
    if "maintenance_mode" in body:
        raise NotSupported("Virt driver does not implement host maintenance mode.")
    disabled = body["status"].lower() == "disable"
    async with request.world.db.begin() as tx:
        await services.change(tx, service.id, request.world.clock.now(), disabled=int(disabled), disabled_reason=None)
    tell_schedulers(request, name)
    return {"host": name, "status": "disabled" if disabled else "enabled"}


async def power(request: Request) -> None:
    """Reboot, shutdown, startup. Errors: HostNotFound, NotSupported."""
    await _service(request, request.params["id"])
    raise NotSupported("Virt driver does not implement host power management.")


async def _service(request: Request, host: str) -> Service:
    try:
        return await services.named(request.world.db, COMPUTE, host)
    except HostBinaryNotFound as error:
        raise HostNotFound(host) from error
