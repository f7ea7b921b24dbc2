"""How long a scheduling decision takes in process, and what a host costs in memory.

    python benchmarks/scheduler_decision.py [HOSTS …]

Half-full fleets of 8 hardware classes in 3 zones with 2 of 6 aggregates each; 40 and then 990 shapes of request (a zone
and two or three traits: about one host in twenty suits); a decision with its reservation, the oldest server released
after each, untimed. `unique traits`: every host is a kind of its own. Microseconds by the clock: asking for CPU time
goes through the kernel, which by itself slows what follows. A yardstick beside tells how fast the machine is just now.
"""

import gc
import random
import sys
import time
import timeit
import tracemalloc

from kilonova.contract.placement import Inventory
from kilonova.contract.scheduler import RequestSpec
from kilonova.model.ids import HostName, ServerId
from kilonova.scheduler.decision import Decision
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.host import Aggregate, HostState, Make
from kilonova.scheduler.rules import Rules
from kilonova.scheduler.settings import SchedulerSettings

NOW = 1_800_000_000.0
TRAITS = [f"CUSTOM_T{number}" for number in range(40)]
FLAVORS = [(1, 1024, 10), (2, 4096, 20), (4, 8192, 40), (8, 16384, 80), (2, 16384, 20), (16, 32768, 160)]
ROUNDS = 5000


def build(count: int, rng: random.Random, *, unique: bool) -> Fleet:
    fleet = Fleet(SchedulerSettings())
    classes = [
        (
            frozenset(rng.sample(TRAITS, 20)),
            tuple(
                sorted(
                    {
                        "VCPU": Inventory(total=cpus, allocation_ratio=4.0, max_unit=cpus),
                        "MEMORY_MB": Inventory(total=memory, reserved=512, max_unit=memory),
                        "DISK_GB": Inventory(total=4000, max_unit=4000),
                    }.items()
                )
            ),
        )
        for cpus, memory in ((32, 131072), (64, 262144), (96, 393216), (128, 524288)) * 2
    ]
    pairs = [tuple(Aggregate(str(number), ()) for number in sorted(rng.sample(range(6), 2))) for _ in range(15)]
    for number in range(count):
        traits, inventories = rng.choice(classes)
        if unique:
            traits = traits | {f"CUSTOM_HOST_{number}"}
        host = fleet.add(
            HostName(f"compute-{number:06}"),
            Make(
                zone=rng.choice("abc"),
                aggregates=rng.choice(pairs),
                traits=traits,
                hypervisor_type="QEMU",
                hypervisor_version=8002000,
                inventories=inventories,
            ),
        )
        host.seen_at = NOW
        part = rng.random()
        host.use({name: int(inventory.capacity * part) for name, inventory in inventories})
    fleet.settle_all()
    return fleet


def specs(count: int, rng: random.Random) -> list[RequestSpec]:
    shapes = []
    for _ in range(count):
        traits = rng.sample(TRAITS, rng.choice((2, 3)))
        vcpus, memory, disk = rng.choice(FLAVORS)
        shapes.append(
            RequestSpec(
                server_id=ServerId("x"),
                project_id="p",
                user_id="u",
                vcpus=vcpus,
                memory_mib=memory,
                root_gib=disk,
                availability_zone=rng.choice("abc"),
                extra_specs={f"trait:{trait}": "required" for trait in traits},
            )
        )
    return shapes


def run(hosts: int, shapes: int, *, unique: bool) -> None:
    rng = random.Random(hosts + shapes)
    gc.collect()
    tracemalloc.start()
    began = time.perf_counter()
    fleet = build(hosts, rng, unique=unique)
    built = time.perf_counter() - began
    memory = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    rules = Rules(fleet.settings)
    decision = Decision(fleet, rules)
    wanted = specs(shapes, rng)
    placed: list[tuple[HostState, dict[str, int]]] = []
    times: list[float] = []
    refusals: list[float] = []
    gc.freeze()
    for turn in range(ROUNDS + 2 * shapes):
        spec = rng.choice(wanted) if turn >= shapes else wanted[turn]
        started = time.perf_counter_ns()
        request = rules.request(spec, now=NOW)
        found = decision.best(request, 1)
        if found:
            fleet.take(found[0], request.needs, servers=1)
        taken = time.perf_counter_ns() - started
        if turn >= 2 * shapes:
            (times if found else refusals).append(taken / 1000)
        if found:
            placed.append((found[0], request.needs))
        if len(placed) > 200:
            host, needs = placed.pop(0)
            fleet.take(host, {name: -amount for name, amount in needs.items()}, servers=-1)
    name = f"{hosts:>7} hosts, {shapes:>3} shapes{', unique traits' if unique else ''}"
    print(
        f"{name:40} found: {shown(times)}  refused: {shown(refusals)}  "
        f"yardstick {yardstick():4.1f}  "
        f"memory {memory / hosts * 1000:5.2f} MB per 1,000 hosts, built in {built:5.2f} s (traced)"
    )
    gc.unfreeze()


def yardstick() -> float:
    """Microseconds that summing up a thousand numbers takes."""
    return min(timeit.repeat("sum(range(1000))", number=1000, repeat=5)) * 1000


def shown(times: list[float]) -> str:
    if not times:
        return "none"
    times.sort()
    return f"{len(times):4} median {times[len(times) // 2]:6.1f} p99 {times[len(times) * 99 // 100]:7.1f}"


def main() -> None:
    for hosts in [int(word) for word in sys.argv[1:]] or [1000, 10000, 100000]:
        for shapes in (40, 990):
            run(hosts, shapes, unique=False)
        run(hosts, 40, unique=True)


if __name__ == "__main__":
    main()
