"""Where the servers of some hosts would go: each to the best other host, the biggest first; each takes its room."""

from collections.abc import Iterable, Sequence

import msgspec

from kilonova.scheduler.explanation import explain, sentence
from kilonova.scheduler.host import HostState
from kilonova.simulation.placing import NotFitted, Placed, Placing


class Departure(msgspec.Struct, frozen=True):
    """A server that has to leave `source`; `target` is None where nobody takes it, for the reason in `why`."""

    placed: Placed
    source: HostState
    target: HostState | None
    why: str = ""


def evacuate(placing: Placing, servers: Sequence[Placed], now: float, *, told: bool = False) -> list[Departure]:
    """Move all of them, hosts that are not enabled being no target; `told`: with reasons for those who cannot."""
    found = []
    for placed in sorted(servers, key=_size, reverse=True):
        source = placed.host
        try:
            request = placing.request(placed.wanted, now, placed.members)
        except NotFitted as error:
            found.append(Departure(placed, source, None, str(error)))
            continue
        target = placing.best(placed.wanted, request)
        if target is not None:
            placing.move(placed, target)
            found.append(Departure(placed, source, target))
        else:
            why = sentence(explain(placing.fleet, placing.stock.rules, request).counts) if told else ""
            found.append(Departure(placed, source, None, why))
    return found


def _size(placed: Placed) -> tuple[int, int]:
    """What is biggest is hardest to place."""
    return placed.wanted.needs.get("MEMORY_MB", 0), placed.wanted.needs.get("VCPU", 0)


def empty(placing: Placing, hosts: Iterable[HostState], servers: Iterable[Placed], now: float) -> list[Departure]:
    """Take the hosts out and move everything off them."""
    gone = set(hosts)
    for host in gone:
        placing.enable(host, False)
    return evacuate(placing, [placed for placed in servers if placed.host in gone], now, told=True)
