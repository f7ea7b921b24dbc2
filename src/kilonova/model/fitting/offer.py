"""What of its hardware a host offers to guests, by nova.conf."""

from collections.abc import Iterable, Mapping

import msgspec

from kilonova.model.errors import BadRequest
from kilonova.model.fitting.cpu_sets import parse_cpus
from kilonova.model.fitting.device_spec import DeviceSpec, allowed, read_device_spec
from kilonova.model.fitting.host import Hardware, HostCell, Pages


class BadOffer(BadRequest):
    """nova.conf offers what makes no sense."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """`dedicated`, `shared`: [compute] cpu_dedicated_set and cpu_shared_set, None where they are not set.

    `reserved_pages`: (NUMA cell, size in KiB) → pages. `devices`: [pci] device_spec, matched in order.
    """

    dedicated: frozenset[int] | None = None
    shared: frozenset[int] | None = None
    reserved_pages: Mapping[tuple[int, int], int] = {}
    devices: tuple[DeviceSpec, ...] = ()

    @property
    def floats(self) -> frozenset[int]:
        """The CPUs that guests without any of their own may run on; empty: all of them."""
        return self.shared or frozenset()


def read_offer(*, dedicated: str, shared: str, reserved_huge_pages: Iterable[str], device_spec: Iterable[str]) -> Offer:
    """Errors: BadOffer, InvalidCpuSet."""
    cpus = parse_cpus(dedicated) if dedicated else None
    others = parse_cpus(shared) if shared else None
    if cpus and others and cpus & others:
        raise BadOffer("The '[compute] cpu_dedicated_set' and '[compute] cpu_shared_set' must be disjoint.")
    return Offer(
        dedicated=cpus,
        shared=others,
        reserved_pages=dict(_reserved(line) for line in reserved_huge_pages),
        devices=tuple(_device_spec(line) for line in device_spec),
    )


def _reserved(line: str) -> tuple[tuple[int, int], int]:
    """`node:0,size:2048,count:64`"""
    try:
        values = {key.strip(): int(value) for key, value in (part.split(":") for part in line.split(","))}
        return (values["node"], values["size"]), values["count"]
    except (ValueError, KeyError) as error:
        raise BadOffer(f"The 'reserved_huge_pages' option {line!r} is not node:N,size:KIB,count:PAGES") from error


def _device_spec(line: str) -> DeviceSpec:
    try:
        return read_device_spec(line)
    except ValueError as error:
        raise BadOffer(f"Invalid [pci]device_spec config: {line!r}: {error}") from error


def offered(hardware: Hardware, offer: Offer) -> Hardware:
    """`hardware` as the driver found it (all CPUs shared), cut down to what guests may have."""
    topology = hardware.topology
    if topology is not None:
        topology = msgspec.structs.replace(topology, cells=tuple(_cell(cell, offer) for cell in topology.cells))
    return Hardware(topology=topology, devices=allowed(hardware.devices, offer.devices))


def _cell(cell: HostCell, offer: Offer) -> HostCell:
    """Without any set all CPUs are shared; with a dedicated one only, no other is for guests."""
    cpus = cell.shared | cell.dedicated
    shared = cpus if offer.dedicated is None and offer.shared is None else cpus & (offer.shared or frozenset())
    return msgspec.structs.replace(
        cell,
        shared=shared,
        dedicated=cpus & (offer.dedicated or frozenset()),
        pages=tuple(_pages(cell.id, pages, offer) for pages in cell.pages),
    )


def _pages(cell: int, pages: Pages, offer: Offer) -> Pages:
    return msgspec.structs.replace(pages, reserved=offer.reserved_pages.get((cell, pages.size_kib), 0))
