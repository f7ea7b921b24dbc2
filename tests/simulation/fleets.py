"""Small fleets, described and at random."""

import json

from hypothesis import strategies as st

from kilonova.scheduler.host import HostState
from kilonova.simulation.description import Description, parse
from kilonova.simulation.placing import Placing

SMALL = """
name: small
ratios: {cpu: 2.0}
reserved: {memory_mib: 0}
hosts:
  - {name: a, count: 6, vcpus: 8, memory_gib: 32, disk_gib: 500, zone: a, racks: 3}
  - {name: b, count: 4, vcpus: 16, memory_gib: 64, disk_gib: 500, zone: b, racks: 2, traits: [CUSTOM_FAST]}
flavors:
  small: {vcpus: 1, memory_gib: 2, disk_gib: 10}
  large: {vcpus: 4, memory_gib: 16, disk_gib: 40}
  fast: {vcpus: 2, memory_gib: 8, disk_gib: 10, extra_specs: {"trait:CUSTOM_FAST": required}}
requests:
  - {flavor: small, share: 6}
  - {flavor: large, share: 2, zone: a}
  - {flavor: fast, share: 1, group: {policy: anti-affinity, size: 3}}
arrivals: {per_hour: 20}
lifetimes: {mean: 6h}
run: {for: 3d, samples: 40}
"""


def small(more: str = "") -> Description:
    """SMALL with some of its parts replaced."""
    ours = {line.partition(":")[0] for line in more.splitlines() if line and not line.startswith((" ", "-"))}
    kept, keeping = [], True
    for line in SMALL.splitlines():
        if line and not line.startswith((" ", "-")):
            keeping = line.partition(":")[0] not in ours
        if keeping:
            kept.append(line)
    return parse("\n".join(kept) + "\n" + more)


def over_allocated(placing: Placing) -> list[HostState]:
    return [host for host in placing.fleet if any(host.free(name) < 0 for name in host.profile.inventories)]


@st.composite
def descriptions(draw: st.DrawFn) -> Description:
    """A few hosts of some kinds, requests of some kinds, moves among them; always with an end."""
    zones = st.sampled_from(["a", "b"])
    hosts = [
        {
            "name": f"h{number}",
            "count": draw(st.integers(1, 4)),
            "vcpus": draw(st.integers(1, 16)),
            "memory_gib": draw(st.integers(1, 64)),
            "disk_gib": draw(st.integers(0, 200)),
            "zone": draw(zones),
        }
        for number in range(draw(st.integers(1, 3)))
    ]
    flavors = {
        f"f{number}": {
            "vcpus": draw(st.integers(1, 8)),
            "memory_gib": draw(st.integers(1, 32)),
            "disk_gib": draw(st.integers(0, 50)),
        }
        for number in range(draw(st.integers(1, 3)))
    }
    policies = st.sampled_from(["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"])
    requests = [
        {
            "flavor": name,
            "share": draw(st.integers(1, 5)),
            **({"zone": draw(zones)} if draw(st.booleans()) else {}),
            **({"group": {"policy": draw(policies), "size": draw(st.integers(1, 4))}} if draw(st.booleans()) else {}),
        }
        for name in flavors
    ]
    document = {
        "hosts": hosts,
        "flavors": flavors,
        "requests": requests,
        "arrivals": {"per_hour": draw(st.integers(1, 100)), "pattern": draw(st.sampled_from(["even", "poisson"]))},
        "lifetimes": {"mean": f"{draw(st.integers(1, 30))}h"},
        "maintenance": [{"at": "6h", "for": "3h", "hosts": ["h0" if hosts[0]["count"] == 1 else "h0-1"]}],
        "balancing": {"every": "5h", "moves": 3},
        "run": {"for": "1d", "servers": draw(st.integers(1, 200)), "samples": 10},
    }
    # JSON is YAML.
    return parse(json.dumps(document))
