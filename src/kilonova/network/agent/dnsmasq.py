"""One dnsmasq in a namespace. It outlives the agent and is found again by its pid file. Blocking."""

import os
import select
import shutil
import signal
from collections.abc import Iterable
from pathlib import Path

from kilonova.network.agent.commands import inside, run

_STOP_S = 5.0


class Dnsmasq:
    """Its files are in `directory`."""

    def __init__(self, directory: Path, namespace: str) -> None:
        self._directory = directory
        self._namespace = namespace
        self._config = directory / "dnsmasq.conf"
        self._pid_file = directory / "dnsmasq.pid"

    def configure(self, lines: Iterable[str]) -> bool:
        """True when what runs was told otherwise."""
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return written(self._config, "\n".join([f"pid-file={self._pid_file}", *lines]) + "\n")

    def restart(self) -> None:
        """The namespace must exist. Errors: NetworkUnavailable."""
        self.stop()
        with inside(self._namespace):
            run("dnsmasq", f"--conf-file={self._config}")

    def pid(self) -> int | None:
        """The running dnsmasq of ours, if any."""
        try:
            pid = int(self._pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        # A zombie has no command line; a stranger with a recycled number has another.
        return pid if f"--conf-file={self._config}".encode() in command else None

    def stop(self) -> None:
        """Happy to find nothing running."""
        pid = self.pid()
        if pid is None:
            return
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            signal.pidfd_send_signal(process, signal.SIGTERM)
            # Its pid file goes before its sockets do, so wait for the process itself.
            select.select([process], [], [], _STOP_S)
        finally:
            os.close(process)

    def remove(self) -> None:
        """Stop it and forget its files."""
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)


def written(path: Path, text: str) -> bool:
    """True when the file was not like that before."""
    if path.exists() and path.read_text() == text:
        return False
    path.write_text(text)
    return True
