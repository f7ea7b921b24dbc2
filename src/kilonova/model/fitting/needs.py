"""What a flavor with an image needs of a host: CPUs by placement's names, and what has to be fitted."""

from collections.abc import Mapping, Sequence

from kilonova.model.fitting.asked import Asked
from kilonova.model.fitting.fit import Wanted
from kilonova.model.fitting.guest import guest_topology
from kilonova.model.fitting.pci import PciAlias, PciRequest, requests_of
from kilonova.model.fitting.policies import cpu_wish, resources_asked
from kilonova.model.fitting.processor import processor

_OF_FLAVOR = ("hw:cpu_policy", "hw:numa_nodes", "hw:mem_page_size", "pci_passthrough:alias", "resources")
_OF_IMAGE = ("hw_cpu_policy", "hw_numa_nodes")


def cpu_amounts(asked: Asked) -> dict[str, int]:
    """VCPU and PCPU; where `resources:` names one of them, nothing else counts. Errors: BadHardware."""
    named = {name: resources_asked(asked, name) for name in ("VCPU", "PCPU")}
    if any(named.values()):
        return named
    wish = cpu_wish(asked)
    if not wish.pins:
        return {"VCPU": asked.vcpus}
    return {"VCPU": asked.vcpus - len(wish.dedicated), "PCPU": len(wish.dedicated) + wish.overhead}


def may_be_fitted(asked: Asked) -> bool:
    """False for nearly all: certain, and quick. True: worth a closer look."""
    return any(key.startswith(_OF_FLAVOR) for key in asked.extra_specs) or any(
        key.startswith(_OF_IMAGE) for key in asked.properties
    )


def wanted(asked: Asked, aliases: Mapping[str, PciAlias], ports: Sequence[PciRequest] = ()) -> Wanted:
    """`ports`: what the server's ports want of PCI devices. Errors: BadHardware."""
    return Wanted(topology=guest_topology(asked), devices=requests_of(asked, aliases, ports))


def check_hardware(asked: Asked, aliases: Mapping[str, PciAlias]) -> None:
    """Everything a flavor and an image say of hardware makes sense together. Errors: BadHardware."""
    wanted(asked, aliases)
    processor(asked)
