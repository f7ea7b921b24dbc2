"""Security groups a server is put into."""

from collections.abc import Sequence
from typing import Any

from kilonova.api.request import Request
from kilonova.api.servers.networks import Networks
from kilonova.model.errors import BadRequest

DEFAULT = "default"


async def wanted_groups(request: Request, asked: Sequence[Any] | None, networks: Networks) -> tuple[str, ...]:
    """Names or ids as asked, each once; every project has `default`. Errors: BadRequest."""
    names = tuple(dict.fromkeys(item["name"] for item in asked or () if item.get("name"))) or (DEFAULT,)
    others = [name for name in names if name != DEFAULT]
    if others and networks != "none":
        found = await request.world.network.security_groups(request.caller.token)
        known = {group.name for group in found} | {group.id for group in found}
        for name in others:
            if name not in known:
                raise BadRequest(f"Security group {name} not found for project {request.project_id}.")
    return names
