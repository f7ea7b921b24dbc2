"""Which PCI devices of a host guests may have: nova.conf's [pci] device_spec.

Source of the keys and their meaning: nova/pci/devspec.py.
"""

import json
import re
from collections.abc import Iterable

import msgspec

from kilonova.model.fitting.pci import PciDevice

Value = str | int | bool | dict[str, str] | None

ANY = "*"
_PARTS = ("domain", "bus", "slot", "function")
# `managed`, `live_migratable` and `remote_managed` of one value are what we do anyhow.
_KEYS = {
    "vendor_id", "product_id", "address", "devname", "physical_network", "resource_class", "traits", "managed",
    "live_migratable", "remote_managed", "trusted",
}  # fmt: skip


class DeviceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """`address`: one device with its virtual functions; or `pattern`: regular expressions for its four parts.

    `interface` is the network device of it, or of its physical function.
    """

    vendor_id: str = ANY
    product_id: str = ANY
    address: str | None = None
    pattern: tuple[str, ...] = ()
    interface: str | None = None
    physical_network: str | None = None
    resource_class: str | None = None
    traits: frozenset[str] = frozenset()

    def matches(self, device: PciDevice, holder: str | None) -> bool:
        """`holder` is the address of the device that has the network device `interface`."""
        # A physical function stands for its virtual ones too.
        family = (device.address, device.parent)
        return (
            self.vendor_id in (ANY, device.vendor_id)
            and self.product_id in (ANY, device.product_id)
            and (self.address is None or self.address in family)
            and all(re.fullmatch(*pair) for pair in zip(self.pattern, _parts(device.address), strict=False))
            and (self.interface is None or (holder is not None and holder in family))
        )

    def applied(self, device: PciDevice) -> PciDevice:
        """The device as guests may ask for it."""
        return msgspec.structs.replace(
            device,
            physical_network=self.physical_network,
            resource_class=self.resource_class,
            traits=device.traits | self.traits,
        )


def read_device_spec(text: str) -> DeviceSpec:
    """One line of JSON. Errors: ValueError with what is wrong."""
    values = msgspec.convert(json.loads(text), dict[str, Value])
    if unknown := values.keys() - _KEYS:
        raise ValueError(f"unknown {', '.join(sorted(unknown))}")
    if "devname" in values and "address" in values:
        raise ValueError("devname and address are two ways to say the same")
    address = values.get("address")
    exact = isinstance(address, str) and ANY not in address and len(list(filter(None, _parts(address)))) == len(_PARTS)
    return DeviceSpec(
        vendor_id=str(values.get("vendor_id", ANY)),
        product_id=str(values.get("product_id", ANY)),
        address=str(address) if exact else None,
        pattern=() if exact or address is None else _pattern(address),
        interface=None if "devname" not in values else str(values["devname"]),
        physical_network=_network(values),
        resource_class=None if values.get("resource_class") is None else str(values["resource_class"]),
        traits=frozenset(filter(None, (trait.strip() for trait in str(values.get("traits") or "").split(",")))),
    )


def _network(values: dict[str, Value]) -> str | None:
    """`null` is a network of tunnels; not to be there at all, none."""
    return None if "physical_network" not in values else str(values["physical_network"] or "")


def _pattern(address: Value) -> tuple[str, ...]:
    """From `*:81:00.*`, of which leading parts may be left out, or from regular expressions by part."""
    if isinstance(address, dict):
        if unknown := address.keys() - set(_PARTS):
            raise ValueError(f"an address has no {', '.join(sorted(unknown))}")
        return tuple(_compiled(address.get(part, ".*")) for part in _PARTS)
    place, _, function = str(address).partition(".")
    given = place.split(":")
    if len(given) >= len(_PARTS):
        raise ValueError(f"{address} is no PCI address")
    parts = [*[ANY] * (len(_PARTS) - 1 - len(given)), *given, function]
    return tuple(".*" if part in (ANY, "") else re.escape(part) for part in parts)


def _compiled(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern} is no regular expression: {error}") from error
    return pattern


def _parts(address: str) -> list[str]:
    return address.replace(".", ":").split(":")


def allowed(devices: Iterable[PciDevice], specs: Iterable[DeviceSpec]) -> tuple[PciDevice, ...]:
    """Each device as the first spec that matches has it; without those that none does."""
    found, wanted = list(devices), list(specs)
    holders = {device.interface: device.address for device in found if device.interface is not None}
    matched = (
        (device, next((spec for spec in wanted if spec.matches(device, holders.get(spec.interface or ""))), None))
        for device in found
    )
    return tuple(spec.applied(device) for device, spec in matched if spec is not None)
