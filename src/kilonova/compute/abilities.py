"""What a host's hypervisor can do beyond the core."""

from typing import Any

from kilonova.compute.host import Host
from kilonova.model.errors import NotSupported


def able(host: Host, ability: Any) -> Any:
    """The hypervisor, known to have `ability` (one of the protocols of virt.hypervisor). Errors: NotSupported."""
    if not isinstance(host.hypervisor, ability):
        raise NotSupported(f"The hypervisor of {host.name} cannot do this: {ability.__name__}.")
    return host.hypervisor
