"""What a host measures of itself for the scheduler: Nova's monitor cpu.virt_driver, by its names for metrics.

Times are nanoseconds since the machine started, percents shares from 0 to 1 since the last look, the frequency MHz.
Source: Linux' /proc/stat (in USER_HZ, a hundredth of a second) and /proc/cpuinfo.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from kilonova.aio.blocking import blocking

log = logging.getLogger(__name__)

CPU = "cpu.virt_driver"
# Nova's other way to name it.
_NAMES = frozenset({CPU, "virt_driver"})
_NS_PER_TICK = 10_000_000


class CpuTimes(msgspec.Struct, frozen=True):
    """Ticks in each state, of all CPUs together."""

    user: int
    kernel: int
    idle: int
    iowait: int

    @property
    def total(self) -> int:
        return self.user + self.kernel + self.idle + self.iowait


class Monitors:
    """Those that are `enabled`, by nova.conf's `compute_monitors`; unknown ones are named in the log."""

    def __init__(self, enabled: Sequence[str], *, proc: Path = Path("/proc")) -> None:
        self._on = any(name in _NAMES for name in enabled)
        self._proc = proc
        self._last: CpuTimes | None = None
        for name in set(enabled) - _NAMES:
            log.warning("compute_monitors: there is no %s; there is %s", name, CPU)

    async def metrics(self) -> dict[str, float]:
        """Nothing where none is enabled, and percents from the second look on."""
        if not self._on:
            return {}
        times, frequency = await blocking(self._read)
        last, self._last = self._last, times
        found = {
            "cpu.frequency": frequency,
            "cpu.user.time": float(times.user * _NS_PER_TICK),
            "cpu.kernel.time": float(times.kernel * _NS_PER_TICK),
            "cpu.idle.time": float(times.idle * _NS_PER_TICK),
            "cpu.iowait.time": float(times.iowait * _NS_PER_TICK),
        }
        if last is not None and times.total > last.total:
            found |= _shares(last, times)
        return found

    def _read(self) -> tuple[CpuTimes, float]:
        fields = (self._proc / "stat").read_text().split("\n", 1)[0].split()[1:]
        user, nice, system, idle, iowait, irq, softirq = (int(field) for field in fields[:7])
        lines = (self._proc / "cpuinfo").read_text().splitlines()
        frequency = next((float(line.split(":")[1]) for line in lines if line.startswith("cpu MHz")), 0.0)
        return CpuTimes(user + nice, system + irq + softirq, idle, iowait), frequency


def _shares(last: CpuTimes, now: CpuTimes) -> dict[str, float]:
    passed = now.total - last.total
    idle = (now.idle - last.idle) / passed
    iowait = (now.iowait - last.iowait) / passed
    return {
        "cpu.user.percent": (now.user - last.user) / passed,
        "cpu.kernel.percent": (now.kernel - last.kernel) / passed,
        "cpu.idle.percent": idle,
        "cpu.iowait.percent": iowait,
        "cpu.percent": 1.0 - idle - iowait,
    }
