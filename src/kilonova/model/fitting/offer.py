"""What of its hardware a host offers to guests, by nova.conf."""

import json
from collections.abc import Iterable, Mapping

import msgspec

from kilonova.model.errors import BadRequest
from kilonova.model.fitting.cpu_sets import parse_cpus
from kilonova.model.fitting.host import Hardware, HostCell, Pages
from kilonova.model.fitting.pci import PciDevice

Text = str | int | bool


class BadOffer(BadRequest):
    """nova.conf offers what makes no sense."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """`dedicated`, `shared`: [compute] cpu_dedicated_set and cpu_shared_set, None where they are not set.

    `reserved_pages`: (NUMA cell, size in KiB) → pages. `devices`: [pci] device_spec, matched in order.
    """

    dedicated: frozenset[int] | None = None
    shared: frozenset[int] | None = None
    reserved_pages: Mapping[tuple[int, int], int] = {}
    devices: tuple[Mapping[str, str], ...] = ()

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


def _device_spec(line: str) -> Mapping[str, str]:
    try:
        values = msgspec.convert(json.loads(line), dict[str, Text])
    except ValueError as error:
        raise BadOffer(f"Invalid [pci]device_spec config: {line!r}: {error}") from error
    return {key: str(value) for key, value in values.items()}


def offered(hardware: Hardware, offer: Offer) -> Hardware:
    """`hardware` as the driver found it (all CPUs shared), cut down to what guests may have."""
    topology = hardware.topology
    if topology is not None:
        topology = msgspec.structs.replace(topology, cells=tuple(_cell(cell, offer) for cell in topology.cells))
    devices = [_device(device, offer.devices) for device in hardware.devices]
    return Hardware(topology=topology, devices=tuple(device for device in devices if device is not None))


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


def _device(device: PciDevice, specs: Iterable[Mapping[str, str]]) -> PciDevice | None:
    """As the first spec that matches has it; None when none does."""
    for spec in specs:
        if all(_matches(device, key, spec[key]) for key in ("vendor_id", "product_id", "address") if key in spec):
            traits = frozenset(filter(None, (trait.strip() for trait in spec.get("traits", "").split(","))))
            return msgspec.structs.replace(
                device,
                physical_network=spec.get("physical_network"),
                resource_class=spec.get("resource_class"),
                traits=device.traits | traits,
            )
    return None


def _matches(device: PciDevice, key: str, wanted: str) -> bool:
    if key != "address":
        return bool(getattr(device, key) == wanted)
    if "*" not in wanted:
        # A physical function stands for its virtual ones too.
        return wanted in (device.address, device.parent)
    return all(part in ("*", "", own) for part, own in zip(_parts(wanted), _parts(device.address), strict=False))


def _parts(address: str) -> list[str]:
    """Domain, bus, slot, function."""
    return address.replace(".", ":").split(":")
