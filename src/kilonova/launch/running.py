"""What a running cloud says of itself in its state directory, and whether it still lives."""

import asyncio
import fcntl
import os
from pathlib import Path

import msgspec

from kilonova.launch.private_file import write_private
from kilonova.model.errors import Conflict

_LOCK = "lock"
_RUNNING = "running.json"

# Who only looks holds the lock for a moment.
_PATIENCE_S = 1.0
_PAUSE_S = 0.02


class Running(msgspec.Struct, kw_only=True):
    """`config_file` is the nova.conf it was started with, if any."""

    pid: int
    base_url: str
    driver: str
    config_file: str | None = None


class AlreadyRunning(Conflict):
    def __init__(self, where: object) -> None:
        super().__init__(f"a cloud runs already on {where}")


class Life:
    """A lock on the state directory that ends with the process, however that ends: a process id may be another's later.

    A whole cloud has it alone; processes with some of the services share it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._running = root / _RUNNING
        self._file = -1

    async def begin(self, *, alone: bool) -> None:
        """Errors: AlreadyRunning."""
        self._file = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        tries = int(_PATIENCE_S / _PAUSE_S)
        while not _locked(self._file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
            if not (tries := tries - 1):
                raise AlreadyRunning(self._root)
            await asyncio.sleep(_PAUSE_S)
        if alone:
            self._running.unlink(missing_ok=True)

    def announce(self, *, base_url: str, driver: str, config_file: Path | None = None) -> None:
        named = None if config_file is None else str(config_file.resolve())
        running = Running(pid=os.getpid(), base_url=base_url, driver=driver, config_file=named)
        write_private(self._running, msgspec.json.encode(running).decode())

    def end(self) -> None:
        self._running.unlink(missing_ok=True)
        os.close(self._file)


def running_cloud(state_dir: Path) -> Running | None:
    """The cloud that runs on this state directory and is healthy; None where it died, is stopped or only starts."""
    try:
        file = os.open(state_dir / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if _locked(file, fcntl.LOCK_EX):
            return None
        return msgspec.json.decode((state_dir / _RUNNING).read_bytes(), type=Running)
    except (OSError, msgspec.DecodeError):
        return None
    finally:
        os.close(file)


def _locked(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
