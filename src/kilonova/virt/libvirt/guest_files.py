"""Where a guest's files are: one directory per guest, and nothing of it anywhere else.

Where hosts share the disks, sockets and logs are in another directory, of the host alone.
"""

from pathlib import Path
from typing import NamedTuple

from kilonova.model.ids import GuestId
from kilonova.virt.guest import GuestSpec, LocalDisk


class GuestFiles(NamedTuple):
    """`directory` is the real place, `short` a short name of the same one, for sockets.

    With a `mark` the directory is shared: each host that has the guest leaves one. `short` is a name of `own` then.
    """

    directory: Path
    short: Path
    own: Path | None = None
    mark: Path | None = None

    @property
    def root(self) -> Path:
        return self.directory / "root.qcow2"

    @property
    def kept_root(self) -> Path:
        """The root disk as it was before a resize."""
        return self.directory / "root.kept.qcow2"

    @property
    def rescue(self) -> Path:
        return self.directory / "rescue.qcow2"

    @property
    def config_drive(self) -> Path:
        return self.directory / "config-2.iso"

    @property
    def console_log(self) -> Path:
        return (self.own or self.directory) / "console.log"

    @property
    def vnc_socket(self) -> Path:
        return self.short / "vnc"

    @property
    def spice_socket(self) -> Path:
        return self.short / "spice"

    @property
    def serial_socket(self) -> Path:
        return self.short / "serial"

    @property
    def agent_socket(self) -> Path:
        """Where libvirt talks to the QEMU agent inside the guest."""
        return self.short / "agent"

    def local(self, disk: LocalDisk, number: int) -> Path:
        """The file of the guest's `number`-th disk (from 0) of that role."""
        if disk.role == "root":
            return self.root if number == 0 else self.directory / f"root{number}.qcow2"
        return self.directory / f"{disk.role}{number}.qcow2"

    def locals(self, spec: GuestSpec) -> list[tuple[LocalDisk, Path]]:
        """Each local disk of `spec` with its file, in order."""
        seen: dict[str, int] = {}
        found = []
        for disk in spec.disks:
            if isinstance(disk, LocalDisk):
                number = seen.get(disk.role, 0)
                seen[disk.role] = number + 1
                found.append((disk, self.local(disk, number)))
        return found


class Instances:
    """All guests' directories below a state directory, or with their disks in a `shared` one."""

    def __init__(self, state_dir: Path, short: Path, *, shared: Path | None = None, host: str = "") -> None:
        self._own = state_dir / "instances"
        self._short = short / "instances"
        self._host = host
        self.directory = self._own if shared is None else shared.absolute()

    def of(self, guest: GuestId) -> GuestFiles:
        files = GuestFiles(self.directory / guest, self._short / guest)
        if self.directory == self._own:
            return files
        return files._replace(own=self._own / guest, mark=files.directory / "hosts" / self._host)
