"""What a flavor with an image needs of a host: CPUs by placement's names, and what has to be fitted."""

from collections.abc import Mapping

from kilonova.model.fitting.asked import Asked
from kilonova.model.fitting.fit import Wanted
from kilonova.model.fitting.guest import guest_topology
from kilonova.model.fitting.pci import PciAlias, requests_of
from kilonova.model.fitting.policies import cpu_wish, resources_asked
from kilonova.model.fitting.processor import processor


def cpu_amounts(asked: Asked) -> dict[str, int]:
    """VCPU and PCPU; where `resources:` names one of them, nothing else counts. Errors: BadHardware."""
    named = {name: resources_asked(asked, name) for name in ("VCPU", "PCPU")}
    if any(named.values()):
        return named
    wish = cpu_wish(asked)
    if not wish.pins:
        return {"VCPU": asked.vcpus}
    return {"VCPU": asked.vcpus - len(wish.dedicated), "PCPU": len(wish.dedicated) + wish.overhead}


def wanted(asked: Asked, aliases: Mapping[str, PciAlias]) -> Wanted:
    """Errors: BadHardware."""
    return Wanted(topology=guest_topology(asked), devices=requests_of(asked, aliases))


def check_hardware(asked: Asked, aliases: Mapping[str, PciAlias]) -> None:
    """Everything a flavor and an image say of hardware makes sense together. Errors: BadHardware."""
    wanted(asked, aliases)
    processor(asked)
