"""How full a fleet is when a request is refused for the first time: our weighing, and Nova's min-max weighing.

    python benchmarks/first_refusal.py [FLEET.yaml]

The default is `benchmarks/fleets/published.yaml`: 600 hosts of four sizes, filled from empty with servers that stay.
Both decide on the same requests in the same order with the default multipliers; nova.conf's `weight_normalization` is
the only difference. Min-max looks at every host for every request: it takes minutes, and has one seed, not three.
"""

import sys
import time
from pathlib import Path

import msgspec

from kilonova.simulation.description import read
from kilonova.simulation.run import simulate

PUBLISHED = Path(__file__).parent / "fleets" / "published.yaml"


def main() -> None:
    description = read(Path(sys.argv[1]) if len(sys.argv) > 1 else PUBLISHED)
    print(description.name)
    print(f"{'weighing':22} {'seed':>4} {'placed before':>14} {'memory used at':>15} {'memory used':>12} "
          f"{'refused first':>14} {'took':>7}")  # fmt: skip
    print(f"{'':22} {'':>4} {'the 1st refusal':>14} {'the 1st refusal':>15} {'at the end':>12}")
    runs = [("capacity", 0), ("capacity", 1), ("capacity", 2), ("min_max", 0)]
    for name, seed in runs:
        began = time.perf_counter()
        scheduler = {**description.scheduler, "weight_normalization": name}
        result = simulate(msgspec.structs.replace(description, scheduler=scheduler), seed=seed)
        first = result.first_refusal
        assert first is not None
        print(f"{name:22} {seed:4} {first.placed:14,} {first.used['MEMORY_MB']:15.1%} "
              f"{result.used['MEMORY_MB']:12.1%} {first.kind:>14} {time.perf_counter() - began:6.1f}s",
              flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
