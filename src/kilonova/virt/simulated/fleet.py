"""Any number of simulated hosts over one journal."""

from pathlib import Path

from kilonova.aio.clock import Clock
from kilonova.virt.simulated.consoles import ConsolePort, screen, terminal
from kilonova.virt.simulated.faults import Faults
from kilonova.virt.simulated.hardware import SimulatedHardware
from kilonova.virt.simulated.host import SimulatedHypervisor
from kilonova.virt.simulated.journal import Journal


class SimulatedFleet:
    """The hosts of one process; `faults` concerns them all."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self.faults = Faults()
        self._journal = Journal(path)
        self._clock = clock
        self._consoles = {"vnc": ConsolePort(screen), "serial": ConsolePort(terminal)}
        self._hosts: dict[str, SimulatedHypervisor] = {}

    def host(
        self,
        name: str,
        *,
        vcpus: int = 64,
        memory_mib: int = 262_144,
        disk_gib: int = 4096,
        hardware: SimulatedHardware = SimulatedHardware(),
    ) -> SimulatedHypervisor:
        """The host of that name with the guests it had; the same object every time."""
        if name not in self._hosts:
            self._hosts[name] = SimulatedHypervisor(
                name,
                journal=self._journal,
                faults=self.faults,
                clock=self._clock,
                consoles=self._consoles,
                vcpus=vcpus,
                memory_mib=memory_mib,
                disk_gib=disk_gib,
                hardware=hardware,
            )
        return self._hosts[name]

    def close(self) -> None:
        """Let the file go; guests stay as they are."""
        for port in self._consoles.values():
            port.close()
        self._journal.close()
