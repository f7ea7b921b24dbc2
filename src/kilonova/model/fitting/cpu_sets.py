"""Sets of CPUs as text: `0-3,^2,8`. Source of the syntax: nova.conf's cpu_shared_set."""

from collections.abc import Iterable
from itertools import groupby

from kilonova.model.fitting.errors import InvalidCpuSet

# A guest has fewer and no host has more; who writes 0-99999999 gets an error and not a full memory.
HIGHEST = 65535


def parse_cpus(text: str) -> frozenset[int]:
    """Numbers and ranges between commas, without those behind a `^`, wherever they stand. Errors: InvalidCpuSet."""
    wanted: set[int] = set()
    unwanted: set[int] = set()
    for part in (part.strip() for part in text.split(",")):
        if part:
            (unwanted if part.startswith("^") else wanted).update(_range(part))
    return frozenset(wanted - unwanted)


def _range(part: str) -> range:
    bounds = part.removeprefix("^").split("-", 1)
    try:
        first, last = int(bounds[0]), int(bounds[-1])
    except ValueError:
        first, last = 1, 0
    if not 0 <= first <= last <= HIGHEST:
        kind = "range" if len(bounds) > 1 else "exclusion" if part.startswith("^") else "inclusion"
        raise InvalidCpuSet(f"Invalid {kind} expression {part!r}")
    return range(first, last + 1)


def format_cpus(cpus: Iterable[int]) -> str:
    """`0-3,8`: neighbours as ranges."""
    parts = []
    for _, run in groupby(enumerate(sorted(set(cpus))), key=lambda pair: pair[1] - pair[0]):
        numbers = [cpu for _, cpu in run]
        parts.append(str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}")
    return ",".join(parts)
