"""What simulated guests survive a kill in: one append-only file of JSON lines, rewritten when mostly stale.

A line is handed to the kernel with one `write`, so it survives the death of the process (not of the machine). A line
cut short by a kill is dropped at the next start.
"""

import fcntl
import os
from pathlib import Path

import msgspec

from kilonova.model.ids import GuestId
from kilonova.virt.guest import GuestSpec, PowerState

# Rewriting costs a pass over the live guests; below this many lines it is not worth it.
_LEAST_LINES = 20_000


class GuestRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything a simulated host knows of one guest; `boots` counts its starts."""

    spec: GuestSpec
    state: PowerState = PowerState.SHUTDOWN
    boots: int = 0
    started_at: float = 0.0
    root_gib: int = 0
    kept_root_gib: int | None = None
    rescued: bool = False


class _Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    host: str
    guest: GuestId
    record: GuestRecord | None = None


def _as_path(kind: type, value: object) -> Path:
    # Paths are the only values in a record that JSON does not know.
    return Path(str(value))


_encoder = msgspec.json.Encoder(enc_hook=str)
_decoder = msgspec.json.Decoder(_Line, dec_hook=_as_path)

Guests = dict[str, dict[GuestId, GuestRecord]]


class Journal:
    """The file, and the guests read from it by host. One process at a time. Errors: BlockingIOError when taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.guests: Guests = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()
        self._lines = self._replay()

    def record(self, host: str, guest: GuestId, record: GuestRecord | None) -> None:
        """Keep `record` (None: the guest is gone)."""
        line = _Line(host=host, guest=guest, record=record)
        os.write(self._file, _encoder.encode(line) + b"\n")
        self._lines += 1
        if self._lines > _LEAST_LINES and self._lines > 4 * self._live():
            self._rewrite()

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> int:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file

    def _live(self) -> int:
        return sum(map(len, self.guests.values()))

    def _replay(self) -> int:
        content = self._path.read_bytes()
        whole = content.rfind(b"\n") + 1
        os.ftruncate(self._file, whole)
        lines = content[:whole].splitlines()
        for text in lines:
            line = _decoder.decode(text)
            guests = self.guests.setdefault(line.host, {})
            if line.record is None:
                guests.pop(line.guest, None)
            else:
                guests[line.guest] = line.record
        return len(lines)

    def _rewrite(self) -> None:
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            for host, guests in self.guests.items():
                for guest, record in guests.items():
                    file.write(_encoder.encode(_Line(host=host, guest=guest, record=record)) + b"\n")
        fresh.replace(self._path)
        self.close()
        self._file = self._open()
        self._lines = self._live()
