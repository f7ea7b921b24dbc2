"""Flavors as operators make them: create, describe, delete."""

import math
from typing import Any

from kilonova.api.flavors import view
from kilonova.api.parameters import FALSE_TEXTS
from kilonova.api.request import Request
from kilonova.db.repository import flavors
from kilonova.model.errors import BadRequest


async def create(request: Request) -> dict[str, Any]:
    """Errors: FlavorExists, BadRequest for a factor that is no number of use."""
    asked = request.body["flavor"]
    identifier = asked.get("id")
    flavor_id = request.world.new_id() if identifier is None else str(identifier)
    async with request.world.db.begin() as tx:
        await flavors.insert(
            tx,
            id=flavor_id,
            name=asked["name"],
            vcpus=int(asked["vcpus"]),
            memory_mib=int(asked["ram"]),
            root_gib=int(asked["disk"]),
            ephemeral_gib=int(asked.get("OS-FLV-EXT-DATA:ephemeral", 0)),
            swap_mib=int(asked.get("swap", 0)),
            rxtx_factor=_factor(asked.get("rxtx_factor", 1.0)),
            is_public=int(asked.get("os-flavor-access:is_public", True) not in (False, *FALSE_TEXTS)),
            description=asked.get("description"),
            created_at=request.world.clock.now(),
        )
        made = await flavors.get(tx, flavor_id, project_id=None)
    return {"flavor": view.full(request, made)}


def _factor(given: str | float) -> float:
    """Digits as text pass the schema whatever they amount to."""
    factor = float(given)
    if not math.isfinite(factor) or factor <= 0:
        raise BadRequest(f"Invalid input received: rxtx_factor must be greater than 0: {given}")
    return factor


async def update(request: Request) -> dict[str, Any]:
    flavor_id = request.params["id"]
    async with request.world.db.begin() as tx:
        await flavors.get(tx, flavor_id, project_id=None)
        await flavors.describe(tx, flavor_id, request.body["flavor"]["description"])
        changed = await flavors.get(tx, flavor_id, project_id=None)
    return {"flavor": view.full(request, changed)}


async def delete(request: Request) -> None:
    async with request.world.db.begin() as tx:
        await flavors.delete(tx, request.params["id"])
