"""A hypervisor without hardware: keeps its guests across process kills, and fails or dawdles on demand.

`SimulatedFleet` is one file and any number of hosts; `fleet.host(name, …)` is a Hypervisor with every ability.
It owns no tables and runs in the process of its caller.
"""

from kilonova.virt.simulated.faults import Faults
from kilonova.virt.simulated.fleet import SimulatedFleet
from kilonova.virt.simulated.host import SimulatedHypervisor

__all__ = ["Faults", "SimulatedFleet", "SimulatedHypervisor"]
