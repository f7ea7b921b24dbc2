"""Giving out addresses. Unique by constraint: two that choose the same one at once, and one of them chooses again."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

import msgspec

from kilonova.db.statement import delete_by, insert_into
from kilonova.network.errors import (
    HTTPBadRequest,
    InvalidIpForNetwork,
    InvalidIpForSubnet,
    IpAddressAlreadyAllocated,
    IpAddressGenerationFailure,
)
from kilonova.network.pools import host_address, makes_own_address, own_address, place_of, spans_of
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work

# How many places one look covers.
_WINDOW = 32
_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class Given:
    """An address for a port."""

    subnet_id: str
    address: str
    place: int | None

    def shown(self) -> dict[str, str]:
        return {"subnet_id": self.subnet_id, "ip_address": self.address}


async def choose(
    work: Work, network_id: str, subnets: Sequence[dict[str, Any]], wanted: Sequence[dict[str, str]] | None, mac: str
) -> list[Given]:
    """Addresses for a new port: those `wanted` ({subnet_id, ip_address}, either may lack), or one per IP version.

    Errors: IpAddressGenerationFailure, IpAddressAlreadyAllocated, InvalidIpForNetwork, InvalidIpForSubnet,
    HTTPBadRequest.
    """
    if wanted is None:
        return await _one_per_version(work, network_id, subnets, mac)
    return [await _wanted(work, network_id, subnets, one, mac) for one in wanted]


async def _one_per_version(work: Work, network_id: str, subnets: Sequence[dict[str, Any]], mac: str) -> list[Given]:
    given = [_slaac(subnet, mac) for subnet in subnets if makes_own_address(subnet)]
    for version in (4, 6):
        pooled = [s for s in subnets if s["ip_version"] == version and not makes_own_address(s)]
        if not pooled:
            continue
        found = await _first_free(work, pooled)
        if found is None:
            raise IpAddressGenerationFailure(network_id)
        given.append(found)
    return given


async def _wanted(
    work: Work, network_id: str, subnets: Sequence[dict[str, Any]], one: dict[str, str], mac: str
) -> Given:
    subnet_id, address = one.get("subnet_id"), one.get("ip_address")
    if subnet_id is not None:
        subnets = [subnet for subnet in subnets if subnet["id"] == subnet_id]
        if not subnets:
            raise HTTPBadRequest(
                f"Invalid input for operation: Failed to create port on network {network_id}, because fixed_ips "
                f"included invalid subnet {subnet_id}."
            )
    if address is None:
        if len(subnets) == 1 and makes_own_address(subnets[0]):
            return _slaac(subnets[0], mac)
        found = await _first_free(work, subnets)
        if found is None:
            raise IpAddressGenerationFailure(network_id)
        return found
    return await _named(work, subnets, address, named_subnet=subnet_id is not None)


async def _named(work: Work, subnets: Sequence[dict[str, Any]], address: str, *, named_subnet: bool) -> Given:
    for subnet in subnets:
        net = ip_network(subnet["cidr"])
        if ip_address(address) in net:
            if not host_address(net, address):
                raise InvalidIpForSubnet(address)
            if await work.tx.fetch_value(rows.ADDRESS, subnet_id=subnet["id"], address=address) is not None:
                raise IpAddressAlreadyAllocated(address, subnet["id"])
            return Given(subnet["id"], address, place_of(net, address))
    raise InvalidIpForSubnet(address) if named_subnet else InvalidIpForNetwork(address)


async def _first_free(work: Work, subnets: Sequence[dict[str, Any]]) -> Given | None:
    for subnet in subnets:
        net = ip_network(subnet["cidr"])
        place = await _free_place(work, subnet["id"], spans_of(net, _decode(subnet["allocation_pools"])))
        if place is not None:
            work.world.places[subnet["id"]] = place
            return Given(subnet["id"], str(net.network_address + place), place)
    return None


async def _free_place(work: Work, subnet_id: str, spans: list[tuple[int, int]]) -> int | None:
    """The next free place after the one given last, so that an address rests before it is used again."""
    after = work.world.places.get(subnet_id, -1)
    for low, high in spans:
        first = max(low, after + 1)
        if first <= high:
            last = min(high, first + _WINDOW - 1)
            taken = {
                row[0] for row in await work.tx.fetch_all(rows.PLACES, subnet_id=subnet_id, first=first, last=last)
            }
            for place in range(first, last + 1):
                if place not in taken:
                    return place
    return await _gap(work, subnet_id, spans)


async def _gap(work: Work, subnet_id: str, spans: list[tuple[int, int]]) -> int | None:
    """The first free place of all: each pool's start, or the end of a run of taken ones."""
    for low, high in spans:
        if not await work.tx.fetch_all(rows.PLACES, subnet_id=subnet_id, first=low, last=low):
            return low
        for (place,) in await work.tx.fetch_all(rows.GAPS, subnet_id=subnet_id, first=low, last=high):
            if low <= place <= high:
                return int(place)
    return None


def _slaac(subnet: dict[str, Any], mac: str) -> Given:
    address = own_address(subnet["cidr"], mac)
    return Given(subnet["id"], address, place_of(ip_network(subnet["cidr"]), address))


async def record(work: Work, port_id: str, network_id: str, given: Sequence[Given]) -> None:
    """Errors: AlreadyThere when another was quicker."""
    for one in given:
        await work.tx.execute(
            insert_into(t.addresses),
            subnet_id=one.subnet_id,
            address=one.address,
            place=one.place,
            port_id=port_id,
            network_id=network_id,
        )


async def forget(work: Work, port_id: str) -> None:
    await work.tx.execute(delete_by(t.addresses, ("port_id",)), port_id=port_id)
