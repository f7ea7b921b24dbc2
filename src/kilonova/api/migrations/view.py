"""Migrations as clients see them, by version. Source of members: the API samples of migrations.

Who may not see hosts gets null in their place.
"""

from typing import Any

import msgspec

from kilonova.api.links import links
from kilonova.api.request import Request
from kilonova.contract.compute import FlavorOf
from kilonova.db.repository.migration_log import Move

_HOSTS = ("source_compute", "source_node", "dest_compute", "dest_node", "dest_host")


def recorded(request: Request, move: Move, numbers: dict[str, int], *, with_hosts: bool) -> dict[str, Any]:
    """In the record of all moves; `numbers` of flavors by their ids."""
    shown = _common(request, move, with_hosts=with_hosts) | {
        "instance_uuid": move.server_id,
        "old_instance_type_id": _number(move.old_flavor, numbers),
        "new_instance_type_id": _number(move.new_flavor, numbers),
    }
    if request.version >= 23:
        shown["migration_type"] = move.migration_type
        if move.is_live and move.in_progress:
            shown["links"] = links(request, f"servers/{move.server_id}/migrations", str(move.number))
    return shown


def running(request: Request, move: Move, *, with_hosts: bool) -> dict[str, Any]:
    """Below its server."""
    return _common(request, move, with_hosts=with_hosts) | {
        "server_uuid": move.server_id,
        "memory_total_bytes": move.memory_total,
        "memory_processed_bytes": move.memory_processed,
        "memory_remaining_bytes": move.memory_remaining,
        "disk_total_bytes": move.disk_total,
        "disk_processed_bytes": move.disk_processed,
        "disk_remaining_bytes": move.disk_remaining,
    }


def _common(request: Request, move: Move, *, with_hosts: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": move.number,
        "status": move.status,
        "created_at": move.created_at,
        "updated_at": move.updated_at,
    }
    shown |= {name: getattr(move, name) if with_hosts else None for name in _HOSTS}
    if request.version >= 59:
        shown["uuid"] = move.id
    if request.version >= 80:
        shown |= {"user_id": move.user_id, "project_id": move.project_id}
    return shown


def _number(flavor: str | None, numbers: dict[str, int]) -> int | None:
    return None if flavor is None else numbers.get(msgspec.json.decode(flavor, type=FlavorOf).id)
