"""A state directory has one cloud at a time, and one that died does not count."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kilonova.launch.running import AlreadyRunning, Life, running_cloud

HOLDER = """
import asyncio, sys, time
from pathlib import Path
from kilonova.launch.running import Life
life = Life(Path(sys.argv[1]))
asyncio.run(life.begin(alone=True))
life.announce(base_url="http://there", driver="simulated")
print("holds", flush=True)
time.sleep(60)
"""


def _holder(root: Path) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(root)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"holds\n"
    return process


async def test_a_cloud_that_was_killed_does_not_run_even_before_anyone_has_buried_it(tmp_path: Path) -> None:
    process = _holder(tmp_path)
    running = running_cloud(tmp_path)
    assert running is not None
    assert (running.pid, running.base_url) == (process.pid, "http://there")

    process.send_signal(signal.SIGKILL)
    # Dead, and a zombie until somebody asks how it ended.
    await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert running_cloud(tmp_path) is None
    await Life(tmp_path).begin(alone=True)
    process.wait()


async def test_a_second_cloud_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kilonova.launch.running._PATIENCE_S", 0.1)
    process = _holder(tmp_path)
    with pytest.raises(AlreadyRunning):
        await Life(tmp_path).begin(alone=True)
    with pytest.raises(AlreadyRunning):
        await Life(tmp_path).begin(alone=False)
    process.kill()
    process.wait()


async def test_processes_with_parts_of_a_cloud_share_a_state_directory(tmp_path: Path) -> None:
    one, other = Life(tmp_path), Life(tmp_path)
    await one.begin(alone=False)
    await other.begin(alone=False)
    other.announce(base_url="http://here", driver="")
    assert running_cloud(tmp_path) is not None
    other.end()
    one.end()
    assert running_cloud(tmp_path) is None
