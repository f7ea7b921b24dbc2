"""How full a fleet is when a request is refused for the first time: our weighing, and Nova's min-max weighing.

    python benchmarks/first_refusal.py [FLEET.yaml]

The default is `benchmarks/fleets/published.yaml`: 600 hosts of four sizes, filled from empty with servers that stay.
Both ways decide on the same requests in the same order; ours is the scheduler as it is, the other compares the hosts of
each request with one another, as Nova's weighers do with the default multipliers. Three seeds.
"""

import sys
import time
from pathlib import Path

import numpy as np

from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Request
from kilonova.simulation.description import Description, read
from kilonova.simulation.placing import Decide
from kilonova.simulation.run import Run
from kilonova.simulation.stock import Stock

PUBLISHED = Path(__file__).parent / "fleets" / "published.yaml"


def min_max(stock: Stock) -> Decide:
    """Free memory, vCPU and disk of the hosts that pass, each from 0 (the least) to 1 (the most), added up."""
    hosts = list(stock.fleet)
    suits: dict[object, list[HostState]] = {}

    def decide(request: Request, count: int) -> list[HostState]:
        shape = stock.rules.shape(request)
        if shape not in suits:
            good = {
                profile.number
                for profile in stock.fleet.profiles
                if all(one.judge(profile, request) is None for one in stock.rules.on_profiles)
            }
            suits[shape] = [host for host in hosts if host.profile.number in good]
        passing = [
            host
            for host in suits[shape]
            if all(host.free(name) >= amount for name, amount in request.needs.items())
            and all(one.judge(host, request) is None for one in stock.rules.checks(request))
        ]
        if not passing:
            return []
        free = np.array([(host.free_memory, host.free_vcpu, host.free_disk) for host in passing], dtype=float)
        low, high = free.min(axis=0), free.max(axis=0)
        scores = ((free - low) / np.where(high > low, high - low, 1)).sum(axis=1)
        return [passing[index] for index in np.argsort(-scores, kind="stable")[:count]]

    return decide


def main() -> None:
    description: Description = read(Path(sys.argv[1]) if len(sys.argv) > 1 else PUBLISHED)
    print(description.name)
    print(f"{'weighing':22} {'seed':>4} {'placed before':>14} {'memory used at':>15} {'memory used':>12} "
          f"{'refused first':>14} {'took':>7}")  # fmt: skip
    print(f"{'':22} {'':>4} {'the 1st refusal':>14} {'the 1st refusal':>15} {'at the end':>12}")
    for seed in (0, 1, 2):
        for name, decider in (("each by its capacity", None), ("min-max per request", min_max)):
            began = time.perf_counter()
            result = Run(description, seed=seed, decider=decider).run()
            first = result.first_refusal
            assert first is not None
            print(f"{name:22} {seed:4} {first.placed:14,} {first.used['MEMORY_MB']:15.1%} "
                  f"{result.used['MEMORY_MB']:12.1%} {first.kind:>14} {time.perf_counter() - began:6.1f}s",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
