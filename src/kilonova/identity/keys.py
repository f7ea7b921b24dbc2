"""Fernet keys in a directory, laid out and rotated as Keystone does.

Files are named by number. `0` is staged: it will be the next primary, and every process can already read with it. The
highest number is the primary and encrypts; those between still decrypt. Processes sharing the directory notice a
rotation by the directory's time.
"""

import logging
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

log = logging.getLogger(__name__)


class KeyRing:
    """Errors of all methods but `rotate`: OSError when the directory cannot be read."""

    def __init__(self, directory: Path, *, max_active: int = 3) -> None:
        self._directory = directory
        self._max_active = max_active
        self._seen = -1
        self._keys: MultiFernet | None = None

    def ensure(self) -> None:
        """Make the directory, a primary and a staged key where there are none."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in (0, 1):
            if number == 0 or not self._numbers(above=0):
                _write(self._directory / str(number), Fernet.generate_key(), replace=False)

    def rotate(self) -> None:
        """The staged key becomes primary, a new one is staged, the oldest beyond `max_active` go."""
        self.ensure()
        staged = self._directory / "0"
        following = max(self._numbers(above=0)) + 1
        # Copied, then replaced: at no moment is the key that others may have encrypted with missing.
        _write(self._directory / str(following), staged.read_bytes(), replace=False)
        _write(staged, Fernet.generate_key(), replace=True)
        kept = sorted(self._numbers(above=0), reverse=True)
        for number in kept[max(self._max_active - 1, 1) :]:
            (self._directory / str(number)).unlink(missing_ok=True)

    def seal(self, data: bytes, *, at: float) -> bytes:
        """`data` encrypted by the primary; `at` in seconds since 1970 is written into the token."""
        return self._current().encrypt_at_time(data, int(at))

    def open(self, token: bytes) -> bytes | None:
        """What was sealed by any active key, whatever its age; None when it was not."""
        try:
            return self._current().decrypt(token)
        except InvalidToken:
            return None

    def _current(self) -> MultiFernet:
        changed = os.stat(self._directory).st_mtime_ns
        if self._keys is None or changed != self._seen:
            numbers = self._numbers(above=0)
            found = [self._read(str(number)) for number in [*sorted(numbers, reverse=True), 0]]
            self._keys = MultiFernet([Fernet(key) for key in found if key is not None])
            self._seen = changed
        return self._keys

    def _read(self, name: str) -> bytes | None:
        path = self._directory / name
        try:
            if path.stat().st_mode & 0o077:
                log.warning("key file readable by others, closing it: %s", path)
                path.chmod(0o600)
            return path.read_bytes()
        except FileNotFoundError:
            # Another process rotated it away just now.
            return None

    def _numbers(self, *, above: int) -> list[int]:
        return [int(path.name) for path in self._directory.iterdir() if path.name.isdigit() and int(path.name) > above]


def _write(path: Path, key: bytes, *, replace: bool) -> None:
    """Atomically, mode 0600; without `replace` an existing file wins (another process was first)."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, key)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        if replace:
            os.replace(temporary, path)
        else:
            os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)
