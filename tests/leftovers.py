"""What tests that were killed left on the machine: directories, processes, devices and rules go before others begin.

Servers of tests die with them (`tests.servers.process`); this is for what lives on its own: clouds in the background,
their guests and networks.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from kilonova.network.agent.host_network import HostNetwork
from kilonova.network.agent.names import prefix_for
from tests.images.store import image_store

# A state directory lies at most so deep below the directory of a session.
_DEPTH = 5


def named(what: str) -> str:
    """How the name of a temporary directory begins that is told to be left over once this process is gone."""
    return f"kilonova-{what}-{os.getpid()}-"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Once for all processes of tests: the workers of pytest-xdist begin after their master has been here."""
    if os.environ.get("PYTEST_XDIST_WORKER") is None:
        # There is no other way to ask before the first test.
        factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
        places = (Path(tempfile.gettempdir()), Path("/dev/shm"), image_store())
        for directory in left_over(factory.getbasetemp().parent, places):
            remove(directory)


def left_over(sessions: Path, places: Iterable[Path]) -> Iterator[Path]:
    """Directories of pytest's in `sessions`, and `named` ones in `places`, whose processes are gone."""
    for lock in sessions.glob("pytest-*/.lock"):
        if _dead(_text(lock)):
            yield lock.parent
    for place in places:
        for found in place.glob("kilonova-*-*-*"):
            if _dead(found.name.split("-")[-2]):
                yield found


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _dead(pid: str) -> bool:
    return pid.isdigit() and not Path("/proc", pid).exists()


def remove(directory: Path) -> None:
    """With the processes whose command lines name it, and the networks of the clouds in it."""
    for process in Path("/proc").glob("[0-9]*"):
        # The directory itself, or what is in it; not one whose name merely begins alike.
        words = _text(process / "cmdline").replace("\0", " ") + " "
        if any(f"{directory}{end}" in words for end in "/ "):
            os.kill(int(process.name), signal.SIGKILL)
    if os.geteuid() == 0:
        _remove_networks(directory)
    shutil.rmtree(directory, ignore_errors=True)


def _remove_networks(directory: Path) -> None:
    """Those of each state directory below, told by its name."""
    present = "".join(_said(*words) for words in (("ip", "-br", "link"), ("ip", "netns"), ("nft", "list", "tables")))
    for state_dir in _directories(directory, _DEPTH):
        prefix = prefix_for(state_dir)
        if prefix in present:
            HostNetwork(prefix=prefix, state_dir=state_dir).remove_all()
            for line in present.splitlines():
                if line.startswith(f"netg-{prefix}-"):
                    _said("ip", "netns", "delete", line.split()[0])


def _said(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout if shutil.which(words[0]) else ""


def _directories(top: Path, depth: int) -> Iterator[Path]:
    yield top
    if depth and top.is_dir():
        for entry in os.scandir(top):
            if entry.is_dir(follow_symlinks=False):
                yield from _directories(Path(entry.path), depth - 1)
