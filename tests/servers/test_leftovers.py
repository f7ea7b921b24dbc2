"""What a killed test leaves is found and taken away by the next run; what lives is let be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kilonova.network.agent.host_network import HostNetwork
from kilonova.network.agent.names import prefix_for
from tests.leftovers import left_over, named, remove
from tests.network.conftest import shell


@pytest.fixture
def dead_pid() -> int:
    """Of a process that is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid


def test_directories_of_dead_processes_are_left_over(tmp_path: Path, dead_pid: int) -> None:
    places, sessions = tmp_path / "places", tmp_path / "sessions"
    for directory in (
        mine := places / f"{named('mariadb')}x1",
        dead := places / mine.name.replace(str(os.getpid()), str(dead_pid)),
        running := sessions / "pytest-1",
        killed := sessions / "pytest-2",
        ended := sessions / "pytest-3",
    ):
        directory.mkdir(parents=True)
    (running / ".lock").write_text(str(os.getpid()))
    (killed / ".lock").write_text(str(dead_pid))

    assert set(left_over(sessions, [places])) == {dead, killed}
    assert ended.exists()


def test_a_process_goes_with_the_directory_it_works_on_and_no_other(tmp_path: Path) -> None:
    left, other = tmp_path / "pytest-1", tmp_path / "pytest-11"
    processes = []
    for directory in (left, other):
        directory.mkdir()
        (directory / "log").touch()
        processes.append(subprocess.Popen(["tail", "-f", str(directory / "log")]))
    try:
        remove(left)

        assert processes[0].wait(10) == -9
        assert processes[1].poll() is None
        assert (left.exists(), other.exists()) == (False, True)
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_network_of_a_cloud_goes_with_its_directory(tmp_path: Path) -> None:
    state = tmp_path / "pytest-1" / "popen-gw0" / "test_one0" / "state"
    state.mkdir(parents=True)
    bridge = HostNetwork(prefix=prefix_for(state), state_dir=state).names.bridge("aaaaaaaa-0000-4000-8000-000000000001")
    shell("ip", "link", "add", "name", bridge, "type", "bridge")
    try:
        remove(tmp_path / "pytest-1")

        assert bridge not in shell("ip", "-br", "link").stdout
    finally:
        shell("ip", "link", "delete", "dev", bridge, check=False)
