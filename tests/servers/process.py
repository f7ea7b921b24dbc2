"""Start and stop server processes that must not outlive the tests."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.leftovers import named

# In bytes: what two processes' database servers take in the end, with plenty to spare. Containers often have 64 MiB.
_ROOM = 4 << 30


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def need(program: str | Path, package: str) -> str:
    """The program's path; the test fails with the command that installs it when it is missing."""
    found = shutil.which(program)
    if found is None:
        pytest.fail(f"{program} is missing: apt-get install -y {package}", pytrace=False)
    return found


def server_directory(name: str) -> Path:
    """A new directory that other users may enter: the servers give up root. In memory, where there is plenty."""
    directory = Path(tempfile.mkdtemp(prefix=named(name), dir=memory()))
    directory.chmod(0o755)
    return directory


def memory() -> Path | None:
    """Where files may live that no power cut need spare, and writing waits for no disk; None where room is scarce."""
    place = Path("/dev/shm")
    roomy = place.is_dir() and min(shutil.disk_usage(place).free, _free_memory()) > _ROOM
    return place if roomy else None


def _free_memory() -> int:
    """In bytes: what programs may still take."""
    (line,) = (line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024


class Server:
    """A server in the foreground, its output in `log`. It gets SIGTERM when the tests die, however they die."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._command = [need("setpriv", "util-linux"), "--pdeathsig=TERM", *_as(user), "--", *command]
        self._log = log
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, ready: Callable[[], bool], *, timeout_s: float = 120.0) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self._environment
            )
        deadline = time.monotonic() + timeout_s
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                pytest.fail(f"{self._command} did not start:\n{self._log.read_text()[-4000:]}", pytrace=False)
            time.sleep(0.05)

    def stop(self, *, ask_with: int = signal.SIGTERM) -> None:
        if self._process is None:
            return
        self._process.send_signal(ask_with)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def run(command: Sequence[str], *, user: str | None = None, environment: Mapping[str, str] | None = None) -> None:
    """Run a program to its end; its words are shown when it fails."""
    wrapped = [need("setpriv", "util-linux"), *_as(user), "--", *command] if _as(user) else list(command)
    done = subprocess.run(wrapped, capture_output=True, text=True, env={**os.environ, **(environment or {})})
    if done.returncode:
        pytest.fail(f"{command} failed:\n{done.stdout}\n{done.stderr}", pytrace=False)


def succeeds(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


def _as(user: str | None) -> list[str]:
    if user is None or os.geteuid() != 0:
        return []
    return [f"--reuid={user}", f"--regid={user}", "--clear-groups"]


def answers(port: int, *, say: bytes = b"", expect: bytes = b"") -> bool:
    """Whether something listens on `port` and, told `say`, answers something that begins with `expect`."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            if not say:
                return True
            connection.sendall(say)
            return connection.recv(64).startswith(expect)
    except OSError:
        return False
