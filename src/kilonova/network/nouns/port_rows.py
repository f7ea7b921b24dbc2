"""Ports as rows, for all that make ports: users, DHCP, routers, floating addresses."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.db.statement import delete_by, insert_into
from kilonova.network import addresses
from kilonova.network.addresses import Given
from kilonova.network.nouns.noun import Row
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work, new_id

DHCP = "network:dhcp"
INTERFACE = "network:router_interface"
GATEWAY = "network:router_gateway"
FLOATING = "network:floatingip"

_encode = msgspec.json.encode

# Neutron's base_mac.
_VENDOR = "fa:16:3e"


def new_mac(work: Work) -> str:
    number = work.world.rng.getrandbits(24)
    return f"{_VENDOR}:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


async def insert(work: Work, network_id: str, given: Sequence[Given], **columns: Any) -> Row:
    """A port with these addresses, a member of `groups`. Errors: AlreadyThere when an address or MAC is taken."""
    row = work.new_row({"id": new_id(work.world.rng), "mac_address": new_mac(work), "status": "DOWN"}, **_DEFAULTS)
    row.update(columns, network_id=network_id, fixed_ips=_encode([one.shown() for one in given]).decode())
    groups = row.pop("groups", [])
    row["security_groups"] = _encode(groups).decode()
    await work.tx.execute(insert_into(t.ports), **row)
    await addresses.record(work, row["id"], network_id, given)
    await join(work, row["id"], groups)
    return row


_DEFAULTS: dict[str, Any] = {
    "project_id": "",
    "name": "",
    "description": "",
    "admin_state_up": 1,
    "device_id": "",
    "device_owner": "",
    "host": "",
    "vif_type": "unbound",
    "vnic_type": "normal",
    "profile": "{}",
    "allowed_address_pairs": "[]",
    "extra_dhcp_opts": "[]",
    "port_security_enabled": 1,
    "dns_name": "",
}


async def join(work: Work, port_id: str, groups: Sequence[str]) -> None:
    for group in groups:
        await work.tx.execute(insert_into(t.port_groups), group_id=group, port_id=port_id)
    work.groups.update(groups)


async def leave(work: Work, row: Row) -> None:
    await work.tx.execute(delete_by(t.port_groups, ("port_id",)), port_id=row["id"])
    work.groups.update(msgspec.json.decode(row["security_groups"]))


async def readdress(work: Work, row: Row, given: Sequence[Given]) -> Row:
    """Give the port exactly these addresses; those it has already stay as they are."""
    before = as_given(row)
    kept = {(one.subnet_id, one.address) for one in before} & {(one.subnet_id, one.address) for one in given}
    for one in before:
        if (one.subnet_id, one.address) not in kept:
            await work.tx.execute(
                delete_by(t.addresses, ("subnet_id", "address")), subnet_id=one.subnet_id, address=one.address
            )
    new = [one for one in given if (one.subnet_id, one.address) not in kept]
    await addresses.record(work, row["id"], row["network_id"], new)
    shown = _encode([one.shown() for one in given]).decode()
    work.networks.add(row["network_id"])
    work.groups.update(msgspec.json.decode(row["security_groups"]))
    return await rows.change(work.tx, t.ports, row, {"fixed_ips": shown}, work.now)


async def remove(work: Work, row: Row) -> None:
    """The port with its addresses and memberships. Quota is the caller's affair."""
    await addresses.forget(work, row["id"])
    await leave(work, row)
    await work.tx.execute(delete_by(t.ports), id=row["id"])
    work.networks.add(row["network_id"])
    if row["host"]:
        work.left.add(row["host"])


def fixed_ips(row: Row) -> list[dict[str, str]]:
    found: list[dict[str, str]] = msgspec.json.decode(row["fixed_ips"])
    return found


def as_given(row: Row) -> list[Given]:
    """The port's addresses, for `readdress` to keep: their places stay unsaid."""
    return [Given(one["subnet_id"], one["ip_address"], None) for one in fixed_ips(row)]
