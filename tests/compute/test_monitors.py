"""What a host measures of itself, by Nova's names."""

from pathlib import Path

import pytest

from kilonova.compute.monitors import Monitors


def write(proc: Path, user: int, system: int, idle: int, iowait: int) -> None:
    (proc / "stat").write_text(f"cpu  {user} 0 {system} {idle} {iowait} 0 0 0 0 0\ncpu0 1 2 3 4 5 6 7 0 0 0\n")
    (proc / "cpuinfo").write_text("processor\t: 0\ncpu MHz\t\t: 2400.5\n")


async def test_shares_are_of_the_time_since_the_last_look(tmp_path: Path) -> None:
    monitors = Monitors(("cpu.virt_driver",), proc=tmp_path)
    write(tmp_path, 100, 100, 800, 0)
    first = await monitors.metrics()
    assert first["cpu.user.time"] == 1e9
    assert first["cpu.frequency"] == 2400.5
    assert "cpu.percent" not in first
    write(tmp_path, 160, 120, 810, 10)
    second = await monitors.metrics()
    assert {name: round(value, 6) for name, value in second.items() if name.endswith("percent")} == {
        "cpu.user.percent": 0.6,
        "cpu.kernel.percent": 0.2,
        "cpu.idle.percent": 0.1,
        "cpu.iowait.percent": 0.1,
        "cpu.percent": 0.8,
    }


async def test_the_real_machine_can_be_measured() -> None:
    assert (await Monitors(("cpu.virt_driver",)).metrics())["cpu.idle.time"] > 0


async def test_nothing_is_measured_unless_asked_for_and_unknown_monitors_are_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await Monitors(()).metrics() == {}
    assert await Monitors(("gpu.heat",)).metrics() == {}
    assert "there is no gpu.heat" in caplog.text
