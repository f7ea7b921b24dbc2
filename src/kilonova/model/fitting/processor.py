"""The sockets, cores and threads a guest sees. Rules: nova/virt/hardware.py, get_best_cpu_topology."""

from typing import NamedTuple

from kilonova.model.fitting.asked import Asked
from kilonova.model.fitting.errors import (
    ImageVcpuLimitsRangeExceeded,
    ImageVcpuLimitsRangeImpossible,
    ImageVcpuTopologyRangeExceeded,
    InvalidHardwareRequest,
)

NO_LIMIT = 65536


class Processor(NamedTuple):
    """As a preference or a limit 0 stands for "does not matter"."""

    sockets: int
    cores: int
    threads: int


def processor(asked: Asked) -> Processor:
    """The best that the limits allow: nearest to the preference, then with few threads, then with many sockets.

    Errors: InvalidHardwareRequest, ImageVcpuLimitsRangeExceeded, ImageVcpuTopologyRangeExceeded,
    ImageVcpuLimitsRangeImpossible.
    """
    preferred, limits = preference(asked)
    most = Processor(*(min(asked.vcpus, limit) for limit in limits))
    possible = _possible(asked.vcpus, most)
    if not possible:
        raise ImageVcpuLimitsRangeImpossible(most, asked.vcpus)

    def rank(one: Processor) -> tuple[int, int, int, int]:
        alike = sum(wanted != 0 and wanted == has for wanted, has in zip(preferred, one, strict=True))
        return alike, one.sockets * one.cores, one.sockets, one.threads

    return max(possible, key=rank)


def preference(asked: Asked) -> tuple[Processor, Processor]:
    """(preferred, limits)."""
    flavor_limits, image_limits = _of_flavor(asked, "cpu_max_"), _of_image(asked, "cpu_max_")
    if any(0 < ours < theirs for ours, theirs in zip(flavor_limits, image_limits, strict=True)):
        raise ImageVcpuLimitsRangeExceeded(image_limits, flavor_limits)
    limits = Processor(*(b or a or NO_LIMIT for a, b in zip(flavor_limits, image_limits, strict=True)))
    flavor, image = _of_flavor(asked, "cpu_"), _of_image(asked, "cpu_")
    if _beyond(image, limits):
        raise ImageVcpuTopologyRangeExceeded(image, limits)
    if any(image):
        return image, limits
    # The image's limits may have made what the flavor prefers impossible.
    return (Processor(0, 0, 0) if _beyond(flavor, limits) else flavor), limits


def _beyond(one: Processor, limits: Processor) -> bool:
    return any(has > limit for has, limit in zip(one, limits, strict=True))


def _possible(vcpus: int, most: Processor) -> list[Processor]:
    return [
        Processor(sockets, cores, vcpus // (sockets * cores))
        for sockets in range(1, most.sockets + 1)
        if vcpus % sockets == 0
        for cores in range(1, most.cores + 1)
        if vcpus % (sockets * cores) == 0 and vcpus // (sockets * cores) <= most.threads
    ]


def _of_flavor(asked: Asked, prefix: str) -> Processor:
    return Processor(*(_number(asked.flavor(prefix + part)) for part in Processor._fields))


def _of_image(asked: Asked, prefix: str) -> Processor:
    return Processor(*(_number(asked.image(prefix + part)) for part in Processor._fields))


def _number(text: str | None) -> int:
    try:
        return int(text or 0)
    except ValueError as error:
        raise InvalidHardwareRequest(f"Invalid flavor extra spec. Error: {error}") from None
