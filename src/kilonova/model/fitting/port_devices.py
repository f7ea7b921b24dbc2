"""What ports on PCI devices of the host (SR-IOV) ask for, by their `binding:vnic_type`.

Source: nova/network/neutron.py, create_resource_requests.
"""

from kilonova.model.fitting.host import Fit
from kilonova.model.fitting.pci import PHYSICAL, TUNNELS, FittedDevice, PciRequest, PciSpec

DIRECT, MACVTAP, DIRECT_PHYSICAL = "direct", "macvtap", "direct-physical"
# Only who says so gets a whole physical function.
_TYPES = {DIRECT: None, MACVTAP: None, DIRECT_PHYSICAL: PHYSICAL}
ON_DEVICES = frozenset(_TYPES)
# What we write into a port's `binding:profile`.
_WRITTEN = ("pci_slot", "pci_vendor_info", "physical_network")


def port_request(port_id: str, vnic_type: str, physical_network: str | None) -> PciRequest:
    """One device that is on the port's network. `vnic_type` is one of `ON_DEVICES`."""
    spec = PciSpec(type=_TYPES[vnic_type], physical_network=physical_network or TUNNELS)
    return PciRequest(name=port_id, specs=(spec,))


def by_port(fit: Fit | None) -> dict[str, FittedDevice]:
    """The devices a server has, by what they are for: ports by their ids, others by their aliases."""
    return {} if fit is None else {device.name: device for device in fit.devices}


def binding_profile(profile: dict[str, object], device: FittedDevice | None) -> dict[str, object]:
    """A port's `binding:profile` once it is on `device`, or on none; what others wrote into it stays."""
    others = {key: value for key, value in profile.items() if key not in _WRITTEN}
    if device is None:
        return others
    return others | {
        "pci_slot": device.address,
        "pci_vendor_info": f"{device.vendor_id}:{device.product_id}",
        "physical_network": device.physical_network or None,
    }
