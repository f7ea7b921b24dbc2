"""Availability zones: list and detail. A zone is available while any of its compute services is not disabled."""

from collections.abc import Sequence
from typing import Any

from kilonova.api.request import Request
from kilonova.api.zones import INTERNAL, seen_since, zones
from kilonova.db.repository import services
from kilonova.model.service import Service


async def index(request: Request) -> dict[str, Any]:
    enabled, disabled = await _zones(request)
    names = [name for name in enabled if name != INTERNAL]
    shown = [_zone(name, available=True, hosts=None) for name in names]
    return {"availabilityZoneInfo": shown + [_zone(name, available=False, hosts=None) for name in disabled]}


async def detail(request: Request) -> dict[str, Any]:
    enabled, disabled = await _zones(request)
    since = seen_since(request)
    shown = []
    for name, members in enabled.items():
        hosts = {
            host: {
                service.binary: {
                    "available": service.is_up(since),
                    "active": not service.disabled,
                    "updated_at": service.updated_at,
                }
                for service in there
            }
            for host, there in members.items()
        }
        shown.append(_zone(name, available=True, hosts=hosts))
    return {"availabilityZoneInfo": shown + [_zone(name, available=False, hosts=None) for name in disabled]}


def _zone(name: str, *, available: bool, hosts: dict[str, Any] | None) -> dict[str, Any]:
    return {"zoneName": name, "zoneState": {"available": available}, "hosts": hosts}


async def _zones(request: Request) -> tuple[dict[str, dict[str, list[Service]]], Sequence[str]]:
    """zone → host → enabled services, by name; and the zones that have disabled ones only."""
    named = await zones(request)
    enabled: dict[str, dict[str, list[Service]]] = {}
    others: set[str] = set()
    for service in await services.listed(request.world.db):
        zone = named.of_service(service)
        if service.disabled:
            others.add(zone)
        else:
            enabled.setdefault(zone, {}).setdefault(service.host, []).append(service)
    return dict(sorted(enabled.items())), sorted(others - enabled.keys() - {INTERNAL})
