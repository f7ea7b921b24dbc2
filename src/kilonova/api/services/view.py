"""A service as clients see it, by version. Source of members and types: the API samples of services."""

from typing import Any

from kilonova.api.request import Request
from kilonova.api.zones import Zones
from kilonova.model.service import Service
from kilonova.model.time import Timestamp


def full(request: Request, service: Service, zones: Zones, seen_since: Timestamp) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": service.id if request.version >= 53 else service.number,
        "binary": service.binary,
        "host": service.host,
        "zone": zones.of_service(service),
        "status": service.status,
        "disabled_reason": service.disabled_reason,
        "state": "up" if service.is_up(seen_since) else "down",
        "updated_at": service.updated_at,
    }
    if request.version >= 11:
        shown["forced_down"] = bool(service.forced_down)
    return shown
