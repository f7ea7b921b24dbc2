"""Moves that even out the hosts' memory use, each with its gain; what goes where is the scheduler's to allow."""

import heapq
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from kilonova.model.ids import HostName
from kilonova.scheduler.host import HostState
from kilonova.simulation.placing import NotFitted, Placed, Placing

# Less is not worth a move: percentage points of the source's use above the target's that a move takes away.
WORTH_POINTS = 2.0
# Servers tried on the fullest host before the next fullest is looked at, and how many of these.
TRIED = 32
HOSTS_TRIED = 64


class Move(msgspec.Struct, frozen=True):
    """`gain_points`: by how many percentage points source and target came closer to one another."""

    placed: Placed
    source: HostState
    target: HostState
    gain_points: float


def propose(placing: Placing, servers: Sequence[Placed], limit: int, now: float) -> list[Move]:
    """Up to `limit` moves, the best first of each fullest host; they are carried out in `placing`."""
    on: dict[int, list[Placed]] = {}
    for placed in servers:
        on.setdefault(placed.host.number, []).append(placed)
    fullest = [(-use(host), host.number, host) for host in placing.fleet if on.get(host.number)]
    heapq.heapify(fullest)
    moves: list[Move] = []
    failures = 0
    moved: set[int] = set()
    while fullest and len(moves) < limit and failures < HOSTS_TRIED:
        _, number, host = heapq.heappop(fullest)
        move = _best(placing, host, [one for one in on[number] if id(one) not in moved], now)
        if move is None:
            failures += 1
            continue
        placing.move(move.placed, move.target)
        moved.add(id(move.placed))
        on[number].remove(move.placed)
        on.setdefault(move.target.number, []).append(move.placed)
        moves.append(move)
        if on[number]:
            heapq.heappush(fullest, (-use(host), number, host))
    return moves


def _best(placing: Placing, source: HostState, servers: list[Placed], now: float) -> Move | None:
    """The move off this host with the highest gain; servers of one kind stand for one another."""
    found: Move | None = None
    tried: set[int] = set()
    for placed in servers:
        if placed.wanted.number in tried or not placed.wanted.needs:
            continue
        if placed.members is None:
            tried.add(placed.wanted.number)
        if len(tried) > TRIED:
            break
        target = _target(placing, placed, now)
        if target is None:
            continue
        gain = _gain(source, target, placed)
        if gain >= WORTH_POINTS and (found is None or gain > found.gain_points):
            found = Move(placed, source, target, round(gain, 2))
    return found


def _target(placing: Placing, placed: Placed, now: float) -> HostState | None:
    """The best other host, the server itself not being in its own group's way."""
    if placed.members is not None:
        placed.members.add(placed.host.name, -1)
    try:
        avoid: frozenset[HostName] = frozenset((placed.host.name,))
        return placing.best(placed.wanted, placing.request(placed.wanted, now, placed.members, avoid))
    except NotFitted:
        return None
    finally:
        if placed.members is not None:
            placed.members.add(placed.host.name, 1)


def _gain(source: HostState, target: HostState, placed: Placed) -> float:
    amount = placed.wanted.needs.get("MEMORY_MB", 0)
    before = abs(use(source) - use(target))
    after = abs(use(source, -amount) - use(target, amount))
    return 100 * (before - after)


def deviation(hosts: Iterable[HostState]) -> float:
    """The standard deviation of memory use among hosts that take servers."""
    uses = [use(host) for host in hosts if host.enabled and host.profile.memory]
    return statistics.pstdev(uses) if uses else 0.0


def use(host: HostState, more: int = 0) -> float:
    """The share of its memory in use, `more` MiB included."""
    memory = host.profile.memory
    return (memory - host.free_memory + more) / memory if memory else 0.0
