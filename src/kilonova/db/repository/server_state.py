"""What sagas write of a server, and the record a host is told. Listing and showing is in `servers`."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from sqlalchemy import bindparam, select

from kilonova.contract.compute import BlockDevice, FlavorOf, InjectedFile, NetworkRequest, ServerRecord, Vif
from kilonova.contract.scheduler import RequestSpec
from kilonova.db.database import Reader, Transaction
from kilonova.db.statement import Statement, delete_by, insert_into, update_columns
from kilonova.db.tables.servers import block_devices, servers
from kilonova.model.ids import HostName, ServerId
from kilonova.model.server import ServerNotFound
from kilonova.model.time import Timestamp

_encode = msgspec.json.Encoder().encode

# In system_metadata: the image a shelved server comes back from.
SHELVED_IMAGE = "shelved_image_id"
# There as well, as JSON: the files for its config drive.
INJECTED_FILES = "injected_files"

Networks = tuple[NetworkRequest, ...] | Literal["auto", "none"]


class ServerState(msgspec.Struct, frozen=True):
    """The few columns most sagas decide by; same order as `_STATE`."""

    id: ServerId
    project_id: str
    user_id: str
    name: str
    host: HostName | None
    node: str | None
    availability_zone: str | None
    vm_state: str
    task_state: str | None
    power_state: int
    image_id: str | None
    launched_at: Timestamp | None
    deleted: int
    flavor: str
    vifs: str
    request_spec: str
    system_metadata: str

    def flavor_of(self) -> FlavorOf:
        return msgspec.json.decode(self.flavor, type=FlavorOf)

    def interfaces(self) -> list[Vif]:
        return msgspec.json.decode(self.vifs, type=list[Vif])

    def spec(self) -> RequestSpec:
        return msgspec.json.decode(self.request_spec, type=RequestSpec)

    def kept(self) -> dict[str, str]:
        """system_metadata: what sagas keep between two actions (old flavor, image properties …)."""
        return msgspec.json.decode(self.system_metadata, type=dict[str, str])


_C = servers.c
_STATE = Statement(
    select(
        _C.id,
        _C.project_id,
        _C.user_id,
        _C.name,
        _C.host,
        _C.node,
        _C.availability_zone,
        _C.vm_state,
        _C.task_state,
        _C.power_state,
        _C.image_id,
        _C.launched_at,
        _C.deleted,
        _C.flavor,
        _C.vifs,
        _C.request_spec,
        _C.system_metadata,
    ).where(_C.id == bindparam("id"))
)
_TASK = Statement(select(_C.task_state).where(_C.id == bindparam("id")))
_RECORD = Statement(
    select(
        _C.id,
        _C.number,
        _C.name,
        _C.hostname,
        _C.project_id,
        _C.user_id,
        _C.flavor,
        _C.image_id,
        _C.key_name,
        _C.key_data,
        _C.user_data,
        _C.metadata,
        _C.config_drive,
        _C.availability_zone,
        _C.launch_index,
        _C.reservation_id,
        _C.system_metadata,
        _C.request_spec,
        _C.networks,
        _C.security_groups,
        _C.vifs,
        _C.vm_state,
    ).where(_C.id == bindparam("id"), _C.deleted == 0)
)
_DEVICES = Statement(
    select(
        block_devices.c.id,
        block_devices.c.source_type,
        block_devices.c.destination_type,
        block_devices.c.boot_index,
        block_devices.c.image_id,
        block_devices.c.volume_id,
        block_devices.c.snapshot_id,
        block_devices.c.volume_size,
        block_devices.c.volume_type,
        block_devices.c.delete_on_termination,
        block_devices.c.device_name,
        block_devices.c.disk_bus,
        block_devices.c.guest_format,
        block_devices.c.tag,
        block_devices.c.attachment_id,
    )
    .where(block_devices.c.server_id == bindparam("server_id"))
    .order_by(block_devices.c.created_at, block_devices.c.id)
)
_PORTS = Statement(select(_C.networks, _C.vifs).where(_C.id == bindparam("id")))
_ON_HOST = Statement(
    select(_C.id, _C.vm_state, _C.task_state, _C.power_state).where(_C.host == bindparam("host"), _C.deleted == 0)
)


async def state_of(db: Reader, server_id: ServerId, *, even_deleted: bool = False) -> ServerState:
    """Errors: ServerNotFound."""
    row = await db.fetch_one(_STATE, id=server_id)
    if row is None or (row[12] and not even_deleted):
        raise ServerNotFound(server_id)
    return ServerState(*row)


async def task_state_of(db: Reader, server_id: ServerId) -> str | None:
    found = await db.fetch_value(_TASK, id=server_id)
    return None if found is None else str(found)


async def change(tx: Transaction, server_id: ServerId, now: Timestamp, **columns: Any) -> None:
    """Set columns of a server; `updated_at` goes along."""
    columns["updated_at"] = now
    await tx.execute(update_columns(servers, tuple(sorted(columns))), by_id=server_id, **columns)


async def keep(tx: Transaction, server: ServerState, now: Timestamp, changes: Mapping[str, str | None]) -> None:
    """Change what sagas keep with the server; None forgets."""
    kept = server.kept()
    for name, value in changes.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = value
    await change(tx, server.id, now, system_metadata=_encode(kept).decode())


async def record_vifs(tx: Transaction, server_id: ServerId, now: Timestamp, vifs: tuple[Vif, ...]) -> None:
    """The interfaces, and `addresses` as every view shows them: by network name, fixed ones before floating ones."""
    await change(tx, server_id, now, vifs=_encode(vifs).decode(), addresses=_encode(addresses_of(vifs)).decode())


def addresses_of(vifs: tuple[Vif, ...] | list[Vif]) -> dict[str, list[dict[str, object]]]:
    """Source of names and order: Nova API, `addresses`."""
    fixed: dict[str, list[dict[str, object]]] = {}
    floating: dict[str, list[dict[str, object]]] = {}
    for vif in vifs:
        for kind, into, known in (("fixed", fixed, vif.addresses), ("floating", floating, vif.floating)):
            into.setdefault(vif.network_name, []).extend(
                {
                    "version": version,
                    "addr": address,
                    "OS-EXT-IPS:type": kind,
                    "OS-EXT-IPS-MAC:mac_addr": vif.mac,
                }
                for address, version in known
            )
    return {name: fixed[name] + floating[name] for name in fixed if fixed[name] or floating[name]}


async def devices_of(db: Reader, server_id: ServerId) -> tuple[BlockDevice, ...]:
    """The block device mappings, in the order they were asked for."""
    return tuple(_device(row) for row in await db.fetch_all(_DEVICES, server_id=server_id))


def _device(row: tuple[Any, ...]) -> BlockDevice:
    fields = BlockDevice.__struct_fields__
    values = dict(zip(fields, row, strict=True))
    values["delete_on_termination"] = bool(values["delete_on_termination"])
    return BlockDevice(**values)


async def record_devices(
    tx: Transaction, server_id: ServerId, now: Timestamp, devices: tuple[BlockDevice, ...]
) -> None:
    """Replace the mappings by `devices`, and what views show of the volumes among them."""
    await tx.execute(delete_by(block_devices, ("server_id",)), server_id=server_id)
    for device in devices:
        values = msgspec.structs.asdict(device)
        values["delete_on_termination"] = int(device.delete_on_termination)
        await tx.execute(insert_into(block_devices), server_id=server_id, created_at=now, **values)
    shown = [
        {"id": device.volume_id, "delete_on_termination": device.delete_on_termination}
        for device in devices
        if device.volume_id is not None and device.destination_type == "volume"
    ]
    await change(tx, server_id, now, volumes_attached=_encode(shown).decode())


async def record_of(db: Reader, server_id: ServerId) -> ServerRecord:
    """Who is this server: all a host needs. Errors: ServerNotFound."""
    row = await db.row(_RECORD, id=server_id)
    if row is None:
        raise ServerNotFound(server_id)
    spec = msgspec.json.decode(row.pop("request_spec"), type=RequestSpec)
    kept = msgspec.json.decode(row.pop("system_metadata"), type=dict[str, str])
    asked = msgspec.json.decode(row.pop("networks"))
    vifs = msgspec.json.decode(row.pop("vifs"), type=list[Vif])
    groups = msgspec.json.decode(row.pop("security_groups"))
    row["image_id"] = kept.get(SHELVED_IMAGE) or row["image_id"]
    row["flavor"] = msgspec.json.decode(row["flavor"], type=FlavorOf)
    row["metadata"] = msgspec.json.decode(row["metadata"])
    row["config_drive"] = bool(row["config_drive"])
    row["availability_zone"] = row["availability_zone"] or ""
    return ServerRecord(
        **row,
        image_properties=spec.image_properties,
        admin_password=kept.get("admin_password"),
        networks=msgspec.convert(asked, Networks),
        security_groups=tuple(group["name"] for group in groups),
        block_devices=await devices_of(db, server_id),
        vifs=tuple(vifs),
        device_ports=tuple(one.name for one in spec.port_devices),
        files=msgspec.json.decode(kept.get(INJECTED_FILES) or "[]", type=tuple[InjectedFile, ...]),
    )


async def given_ports(db: Reader, server_id: ServerId) -> set[str]:
    """Ports that are their owner's: asked for by id at boot, or attached later. They outlive the server."""
    row = await db.fetch_one(_PORTS, id=server_id)
    if row is None:
        return set()
    asked = msgspec.json.decode(row[0])
    named = {request["port_id"] for request in asked if isinstance(request, dict) and request.get("port_id")}
    vifs = msgspec.json.decode(row[1], type=list[Vif])
    return named | {vif.port_id for vif in vifs if not vif.created_here}


async def on_host(db: Reader, host: HostName) -> list[tuple[ServerId, str, str | None, int]]:
    """(id, vm_state, task_state, power_state) of the host's servers."""
    return [(ServerId(row[0]), row[1], row[2], row[3]) for row in await db.fetch_all(_ON_HOST, host=host)]
