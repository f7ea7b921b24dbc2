"""PCI devices: what hosts have, what aliases and ports ask for, and who gets which.

Source of names and rules: nova.conf's [pci]alias, nova/pci/request.py and stats.py.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import msgspec

from kilonova.model.fitting.asked import Asked
from kilonova.model.fitting.errors import (
    ImagePciNumaPolicyForbidden,
    InvalidHardwareRequest,
    InvalidPciNumaAffinity,
    PciInvalidAlias,
    PciRequestAliasNotDefined,
)

POLICIES = ("required", "legacy", "preferred", "socket")
STANDARD, PHYSICAL, VIRTUAL, VDPA = "type-PCI", "type-PF", "type-VF", "vdpa"
# The physical network of devices for networks that are tunnels: `null` in nova.conf.
TUNNELS = ""
_FIELDS = {
    "name", "vendor_id", "product_id", "device_type", "numa_policy", "resource_class", "traits", "capability_type",
    "live_migratable",
}  # fmt: skip


class PciDevice(msgspec.Struct, frozen=True, kw_only=True):
    """`address` as `0000:81:00.1`; `parent` is the address of a virtual function's physical one.

    `interface`: its network device, such as `eth2`. `physical_network`: None for what is no network card.
    """

    address: str
    vendor_id: str
    product_id: str
    type: str = STANDARD
    numa_node: int | None = None
    parent: str | None = None
    interface: str | None = None
    physical_network: str | None = None
    resource_class: str | None = None
    traits: frozenset[str] = frozenset()


class PciSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a device must be; None: anything."""

    vendor_id: str | None = None
    product_id: str | None = None
    type: str | None = None
    physical_network: str | None = None
    resource_class: str | None = None
    traits: frozenset[str] = frozenset()

    def likes(self, device: PciDevice) -> bool:
        """Physical functions and vDPA devices go only to those that ask for them by type."""
        return (
            self.vendor_id in (None, device.vendor_id)
            and self.product_id in (None, device.product_id)
            and (self.type == device.type or (self.type is None and device.type in (STANDARD, VIRTUAL)))
            and self.physical_network in (None, device.physical_network)
            and self.resource_class in (None, device.resource_class)
            and self.traits <= device.traits
        )


class PciAlias(msgspec.Struct, frozen=True, kw_only=True):
    """Any of `specs` will do."""

    name: str
    policy: str = "legacy"
    specs: tuple[PciSpec, ...] = ()


class PciRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is the alias, or the port's id."""

    name: str
    count: int = 1
    specs: tuple[PciSpec, ...]
    policy: str = "legacy"

    def likes(self, device: PciDevice) -> bool:
        return any(spec.likes(device) for spec in self.specs)


class FittedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A device given to a guest for the request of that name; the rest as in PciDevice."""

    address: str
    name: str
    numa_node: int | None = None
    vendor_id: str = ""
    product_id: str = ""
    parent: str | None = None
    physical_network: str | None = None

    @classmethod
    def of(cls, device: PciDevice, name: str) -> Self:
        return cls(
            address=device.address,
            name=name,
            numa_node=device.numa_node,
            vendor_id=device.vendor_id,
            product_id=device.product_id,
            parent=device.parent,
            physical_network=device.physical_network,
        )


class Affinity(msgspec.Struct, frozen=True, kw_only=True):
    """Where the guest is: the host cells it has (none: it floats), and all those of the same sockets.

    `sockets_known`: the host tells of every cell which socket it is in.
    """

    cells: frozenset[int] = frozenset()
    socket_cells: frozenset[int] = frozenset()
    sockets_known: bool = False

    def allows(self, policy: str, device: PciDevice) -> bool:
        if not self.cells or policy == "preferred" or device.numa_node in self.cells:
            return True
        if policy == "legacy":
            return device.numa_node is None
        return policy == "socket" and self.sockets_known and device.numa_node in self.socket_cells

    def distance(self, device: PciDevice) -> int:
        return 0 if device.numa_node in self.cells else 1 if device.numa_node is None else 2


def read_aliases(texts: Iterable[str]) -> dict[str, PciAlias]:
    """nova.conf's `alias` lines, JSON each, by name. Errors: PciInvalidAlias."""
    found: dict[str, PciAlias] = {}
    for text in texts:
        alias = _read_alias(text)
        known = found.get(alias.name)
        if known is None:
            found[alias.name] = alias
            continue
        if known.policy != alias.policy:
            raise PciInvalidAlias(f"NUMA policy mismatch for alias '{alias.name}'")
        if known.specs[0].type != alias.specs[0].type:
            raise PciInvalidAlias(f"Device type mismatch for alias '{alias.name}'")
        found[alias.name] = msgspec.structs.replace(known, specs=known.specs + alias.specs)
    return found


def _read_alias(text: str) -> PciAlias:
    try:
        values = msgspec.convert(json.loads(text), dict[str, str])
    except ValueError as error:
        raise PciInvalidAlias(str(error)) from error
    unknown = values.keys() - _FIELDS
    if unknown or not values.get("name"):
        raise PciInvalidAlias(f"unknown {', '.join(sorted(unknown))}" if unknown else "'name' is a required property")
    policy = values.get("numa_policy") or "legacy"
    if policy not in POLICIES or values.get("device_type", STANDARD) not in (STANDARD, PHYSICAL, VIRTUAL):
        raise PciInvalidAlias(f"{text} has an unknown numa_policy or device_type")
    if not ("vendor_id" in values and "product_id" in values) and "resource_class" not in values:
        raise PciInvalidAlias(
            f"The PCI alias(es) {values['name']} does not have vendor_id and product_id fields set or "
            "resource_class field set."
        )
    spec = PciSpec(
        vendor_id=values.get("vendor_id"),
        product_id=values.get("product_id"),
        type=values.get("device_type"),
        resource_class=values.get("resource_class"),
        traits=frozenset(filter(None, (trait.strip() for trait in values.get("traits", "").split(",")))),
    )
    return PciAlias(name=values["name"].strip(), policy=policy, specs=(spec,))


def affinity_policy(asked: Asked) -> str | None:
    """Errors: ImagePciNumaPolicyForbidden, InvalidPciNumaAffinity."""
    flavor, image = asked.flavor("pci_numa_affinity_policy"), asked.image("pci_numa_affinity_policy")
    if flavor and image and flavor != image:
        raise ImagePciNumaPolicyForbidden
    policy = flavor or image
    if policy and policy not in POLICIES:
        raise InvalidPciNumaAffinity(policy)
    return policy


def requests_of(
    asked: Asked, aliases: Mapping[str, PciAlias], ports: Sequence[PciRequest] = ()
) -> tuple[PciRequest, ...]:
    """What `pci_passthrough:alias` (`gpu:1,nic:2`) asks for, and the `ports`. Errors: BadHardware."""
    policy = affinity_policy(asked)
    found = [msgspec.structs.replace(port, policy=policy or port.policy) for port in ports]
    for part in asked.extra_specs.get("pci_passthrough:alias", "").split(","):
        if not part.strip():
            continue
        name, _, count = (piece.strip() for piece in part.partition(":"))
        if name not in aliases:
            raise PciRequestAliasNotDefined(name)
        if not (count or "1").isdigit():
            raise InvalidHardwareRequest(f"Invalid number of PCI devices: {part.strip()}")
        alias = aliases[name]
        found.append(PciRequest(name=name, count=int(count or "1"), specs=alias.specs, policy=policy or alias.policy))
    return tuple(request for request in found if request.count)


def free_devices(devices: Sequence[PciDevice], taken: frozenset[str]) -> list[PciDevice]:
    """A physical function is free while none of its virtual ones is taken, and they while it is not."""
    cut = {device.parent for device in devices if device.address in taken}
    return [
        device
        for device in devices
        if device.address not in taken and device.address not in cut and device.parent not in taken
    ]


def assign(requests: Sequence[PciRequest], free: Sequence[PciDevice], place: Affinity) -> list[FittedDevice] | str:
    """A device for each that is asked for, the nearest that leave enough for the rest; or what is lacking."""
    for request in requests:
        liked = [device for device in free if request.likes(device)]
        near = [device for device in liked if place.allows(request.policy, device)]
        if len(near) < request.count:
            where = "" if len(liked) < request.count else f" near its NUMA cells (policy {request.policy})"
            have = len(near) if where else len(liked)
            return f"PCI {request.name}: {have} of {request.count} devices free{where}"
    slots = [request for request in requests for _ in range(request.count)]
    # The choosiest first: their failure is found before anything hangs on it.
    slots.sort(key=lambda request: sum(request.likes(device) for device in free))
    chosen = _Search(slots, free, place).run()
    if chosen is None:
        return "PCI devices: not enough for all that is asked for at once"
    return [FittedDevice.of(device, request.name) for request, device in chosen]


class _Search:
    """Tries devices slot by slot. Devices that nothing tells apart are tried once."""

    def __init__(self, slots: Sequence[PciRequest], free: Sequence[PciDevice], place: Affinity) -> None:
        self._slots = slots
        self._place = place
        # Virtual functions first: a whole physical one is worth more.
        self._free = sorted(free, key=lambda one: (place.distance(one), one.type == PHYSICAL, one.address))
        self._dead: set[tuple[int, frozenset[str]]] = set()

    def run(self) -> list[tuple[PciRequest, PciDevice]] | None:
        return self._fill(0, ())

    def _fill(self, number: int, chosen: tuple[PciDevice, ...]) -> list[tuple[PciRequest, PciDevice]] | None:
        if number == len(self._slots):
            return list(zip(self._slots, chosen, strict=True))
        taken = frozenset(device.address for device in chosen)
        if (number, taken) in self._dead:
            return None
        request = self._slots[number]
        tried: set[tuple[object, ...]] = set()
        for device in free_devices(self._free, taken):
            if not request.likes(device) or not self._place.allows(request.policy, device):
                continue
            kind = _kind(device)
            if kind in tried:
                continue
            tried.add(kind)
            found = self._fill(number + 1, (*chosen, device))
            if found is not None:
                return found
        self._dead.add((number, taken))
        return None


def _kind(device: PciDevice) -> tuple[object, ...]:
    """Equal for devices that are as good as one another for whatever may be asked. A physical function is unique."""
    own = device.address if device.type == PHYSICAL else device.parent
    return (
        own,
        device.vendor_id,
        device.product_id,
        device.type,
        device.numa_node,
        device.physical_network,
        device.resource_class,
        device.traits,
    )
