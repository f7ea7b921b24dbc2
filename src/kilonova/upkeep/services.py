"""A host's compute service: in maintenance or not, and the reason for it."""

from typing import Any

import msgspec

from kilonova.model.errors import NotFound
from kilonova.upkeep.admin import Admin

REASON = "drained for maintenance"


class NoSuchHost(NotFound):
    pass


class HostService(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    host: str
    zone: str
    status: str
    state: str
    disabled_reason: str | None = None

    @property
    def enabled(self) -> bool:
        return self.status == "enabled"


async def services(admin: Admin) -> list[HostService]:
    found = await admin.compute("GET", "/os-services?binary=nova-compute")
    return [msgspec.convert(one, HostService) for one in found["services"]]


async def service_of(admin: Admin, host: str) -> HostService:
    """Errors: NoSuchHost."""
    for one in await services(admin):
        if one.host == host:
            return one
    raise NoSuchHost(f"there is no compute host {host}")


async def disable(admin: Admin, service: HostService, reason: str) -> None:
    """A host that is out already keeps the reason it has."""
    if service.enabled:
        await _set(admin, service, {"status": "disabled", "disabled_reason": reason})


async def enable(admin: Admin, service: HostService) -> None:
    await _set(admin, service, {"status": "enabled"})


async def _set(admin: Admin, service: HostService, body: dict[str, Any]) -> None:
    await admin.compute("PUT", f"/os-services/{service.id}", json=body)
