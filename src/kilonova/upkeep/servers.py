"""Servers as an administrator sees them, and the moves that their record tells of."""

from typing import Any

import msgspec

from kilonova.model.errors import NotFound
from kilonova.upkeep.admin import Admin


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The flavor that a server carries with it; sizes in GiB but for `ram` and `swap`, which are in MiB."""

    original_name: str
    vcpus: int
    ram: int
    disk: int
    ephemeral: int
    swap: int
    extra_specs: dict[str, str] = {}


class ServerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """`task` is None when nothing is being done with it; `zone` the one it must be in, or None."""

    id: str
    name: str
    project_id: str
    status: str
    task: str | None
    host: str | None
    zone: str | None
    flavor: Facts
    image_id: str | None
    image_properties: dict[str, str]
    hints: dict[str, list[str]] = {}


def record(shown: dict[str, Any]) -> ServerRecord:
    image = shown["image"] or {}
    return ServerRecord(
        id=shown["id"],
        name=shown["name"],
        project_id=shown["tenant_id"],
        status=shown["status"],
        task=shown["OS-EXT-STS:task_state"],
        host=shown["OS-EXT-SRV-ATTR:host"],
        zone=shown.get("pinned_availability_zone"),
        flavor=msgspec.convert(shown["flavor"], Facts),
        image_id=image.get("id"),
        image_properties={key: str(value) for key, value in image.get("properties", {}).items() if value is not None},
        hints={name: _texts(value) for name, value in (shown.get("scheduler_hints") or {}).items()},
    )


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


async def servers_on(admin: Admin, host: str | None = None) -> list[ServerRecord]:
    """Of all projects; on one host, or everywhere."""
    where = "" if host is None else f"&host={host}"
    return [record(shown) for shown in await admin.all_of(f"/servers/detail?all_tenants=1{where}", "servers")]


async def server(admin: Admin, server_id: str) -> ServerRecord | None:
    """None when it is gone."""
    try:
        return record((await admin.compute("GET", f"/servers/{server_id}"))["server"])
    except NotFound:
        return None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A migration. `kind`: migration, live-migration, resize, evacuation."""

    uuid: str
    instance_uuid: str
    status: str
    kind: str
    source_compute: str | None
    dest_compute: str | None


async def unconfirmed_from(admin: Admin, host: str) -> list[Move]:
    """Moves off a host that keep their old place there until somebody confirms or reverts them."""
    found = await admin.all_of(f"/os-migrations?source_compute={host}&status=finished", "migrations")
    moves = [_move(one) for one in found]
    return [one for one in moves if one.source_compute == host and one.kind in ("migration", "resize")]


async def newest_move(admin: Admin, server_id: str) -> Move | None:
    found = await admin.compute("GET", f"/os-migrations?instance_uuid={server_id}&limit=1")
    return _move(found["migrations"][0]) if found["migrations"] else None


def _move(shown: dict[str, Any]) -> Move:
    return msgspec.convert({**shown, "kind": shown["migration_type"]}, Move)


async def last_words(admin: Admin, server_id: str) -> str:
    """What the newest action of a server says of its end; empty when it says nothing."""
    actions = (await admin.compute("GET", f"/servers/{server_id}/os-instance-actions?limit=1"))["instanceActions"]
    if not actions:
        return ""
    path = f"/servers/{server_id}/os-instance-actions/{actions[0]['request_id']}"
    action = (await admin.compute("GET", path))["instanceAction"]
    details = [str(event["details"]) for event in action.get("events", ()) if event.get("details")]
    return details[-1] if details else str(action.get("message") or "")
