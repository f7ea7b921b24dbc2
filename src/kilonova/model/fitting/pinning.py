"""Which of a cell's free dedicated CPUs a guest's become. Rules: nova/virt/hardware.py, _pack_instance_onto_cores."""

from collections.abc import Sequence
from itertools import chain, islice
from typing import NamedTuple

from kilonova.model.fitting.host import CellRoom


class Pinned(NamedTuple):
    """`cpus` in the order of the guest's; `emulator` beside them."""

    cpus: list[int]
    emulator: frozenset[int]


def pin(room: CellRoom, count: int, *, threads: str | None, overhead: int) -> Pinned | str:
    """`count` CPUs and `overhead` more by the thread policy, or what is lacking. A policy of None is `prefer`."""
    free, has = len(room.free), len(room.cell.dedicated)
    if free < count + overhead:
        more = " and one for emulator threads" if overhead else ""
        return f"{free} of {has} dedicated CPUs free, wanted {count}{more}"
    if threads == "isolate" and room.cell.threads_per_core > 1:
        return "its cores have threads, and thread policy isolate wants none"
    if threads == "require" and room.cell.threads_per_core < 2:
        return "its cores have no threads, and thread policy require wants them"
    cpus = _packed(room, count, least=2 if threads == "require" else 1) if count else []
    if cpus is None and threads == "require":
        return f"too few of its {free} free dedicated CPUs are threads of one core"
    cpus = sorted(room.free)[:count] if cpus is None else cpus
    return Pinned(cpus, frozenset(sorted(room.free - set(cpus))[:overhead]))


def _packed(room: CellRoom, count: int, *, least: int) -> list[int] | None:
    """The same number of threads on each core, as many as can be had: guests stay together and hosts fill evenly."""
    cores = [sorted(core) for core in room.free_cores]
    for threads in range(max((len(core) for core in cores), default=0), least - 1, -1):
        fitting = [core[:threads] for core in cores if len(core) >= threads]
        if len(fitting) * threads >= count:
            return _first(fitting, count)
    return None


def _first(cores: Sequence[Sequence[int]], count: int) -> list[int]:
    return list(islice(chain.from_iterable(cores), count))
