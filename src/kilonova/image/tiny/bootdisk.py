"""A disk that boots, made without root: MBR, a FAT partition with syslinux and the kernel, ext4 from a directory."""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from kilonova.aio.blocking import blocking
from kilonova.image.tiny.tools import GuestToolMissing, install_command, run

_MIB = 1 << 20
_SECTORS_PER_MIB = _MIB // 512
_MBR_CODE = Path("/usr/lib/syslinux/mbr/mbr.bin")
# Room in the ext4 file system beside the files: its journal (4 MiB), tables, and what the first boot writes.
_ROOT_SPARE_MIB = 12


@dataclass(frozen=True, slots=True)
class BootDisk:
    """What the disk is made of. `root` becomes the ext4 named `label`, of `root_mib` MiB (None: what it takes)."""

    kernel: Path
    ramdisk: Path
    command_line: str
    root: Path
    label: str
    root_mib: int | None = None


async def assemble(disk: BootDisk, target: Path, *, work_dir: Path) -> None:
    """Write the disk to `target` as a compressed qcow2. `target` appears complete or not at all.

    Errors: GuestToolMissing, GuestBuildFailed.
    """
    boot = await _boot_file_system(disk, work_dir / "boot.fat")
    root = await _root_file_system(disk, work_dir / "root.ext4")
    raw = work_dir / "disk.raw"
    await blocking(_lay_out, raw, boot, root)
    # Beside the target, so that the last step is a rename; named by the work directory, so that two builds do not meet.
    part = target.with_name(f"{target.name}.{work_dir.name}.part")
    try:
        await run("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", raw, part)
        await blocking(os.replace, part, target)
    finally:
        await blocking(part.unlink, missing_ok=True)
    for path in (boot, root, raw):
        await blocking(path.unlink)


async def _boot_file_system(disk: BootDisk, path: Path) -> Path:
    content = disk.kernel.stat().st_size + disk.ramdisk.stat().st_size
    await blocking(_make_sparse, path, content // _MIB + 4)
    settings = path.with_name("syslinux.cfg")
    settings.write_text(
        "DEFAULT linux\nPROMPT 0\nTIMEOUT 1\nSERIAL 0 115200\n"
        f"LABEL linux\n LINUX vmlinuz\n INITRD initrd\n APPEND {disk.command_line}\n"
    )
    await run("mkfs.fat", "-n", "BOOT", path)
    for source, name in ((disk.kernel, "vmlinuz"), (disk.ramdisk, "initrd"), (settings, "syslinux.cfg")):
        await run("mcopy", "-i", path, source, f"::{name}")
    await run("syslinux", "--install", path)
    return path


async def _root_file_system(disk: BootDisk, path: Path) -> Path:
    size_mib = disk.root_mib or await blocking(_size_mib, disk.root) + _ROOT_SPARE_MIB
    await blocking(_make_sparse, path, size_mib)
    # The journal stays: without one a guest that is reset finds its file system unmountable.
    journal = ("-J", "size=4") if size_mib < 256 else ()
    await run(
        "mke2fs", "-q", "-t", "ext4", "-F", "-L", disk.label, "-b", "4096", "-m", "0", *journal,
        "-E", "root_owner=0:0", "-d", disk.root, path,
    )  # fmt: skip
    if os.geteuid() != 0:
        await _give_to_root(disk.root, path)
    return path


async def _give_to_root(tree: Path, path: Path) -> None:
    """mke2fs keeps the owner of each file, which is whoever builds; inside the guest it must be root."""
    names = await blocking(lambda: [f"/{entry.relative_to(tree)}" for entry in sorted(tree.rglob("*"))])
    orders = "".join(f'sif "{name}" uid 0\nsif "{name}" gid 0\n' for name in names)
    await run("debugfs", "-w", "-f", "-", path, stdin=orders.encode())


def _lay_out(raw: Path, boot: Path, root: Path) -> None:
    if not _MBR_CODE.exists():
        raise GuestToolMissing("mbr.bin", install_command("syslinux-common"))
    boot_mib, root_mib = (path.stat().st_size // _MIB for path in (boot, root))
    _make_sparse(raw, 1 + boot_mib + root_mib + 1)
    with raw.open("r+b", buffering=0) as disk:
        disk.write(_MBR_CODE.read_bytes()[:440])
        disk.seek(446)
        disk.write(_partition(1, boot_mib, kind=0x0C, bootable=True))
        disk.write(_partition(1 + boot_mib, root_mib, kind=0x83, bootable=False))
        disk.write(bytes(32) + b"\x55\xaa")
        for start_mib, source in ((1, boot), (1 + boot_mib, root)):
            disk.seek(start_mib * _MIB)
            _copy_sparse(source, disk.fileno())


def _partition(start_mib: int, size_mib: int, *, kind: int, bootable: bool) -> bytes:
    # The three bytes of each cylinder-head-sector address say "beyond reach": everything reads the sectors.
    beyond = b"\xfe\xff\xff"
    start, size = start_mib * _SECTORS_PER_MIB, size_mib * _SECTORS_PER_MIB
    return struct.pack("<B3sB3sII", 0x80 if bootable else 0, beyond, kind, beyond, start, size)


def _copy_sparse(source: Path, target: int) -> None:
    """Copy to where `target` stands, leaving zeros unwritten."""
    with source.open("rb") as reader:
        while block := reader.read(_MIB):
            if block.count(0) == len(block):
                os.lseek(target, len(block), os.SEEK_CUR)
            else:
                os.write(target, block)


def _make_sparse(path: Path, size_mib: int) -> None:
    with path.open("wb") as file:
        file.truncate(size_mib * _MIB)


def _size_mib(tree: Path) -> int:
    """In MiB, rounded up: each file in blocks of 4 KiB, links and directories one block."""
    blocks = sum(1 + path.lstat().st_size // 4096 for path in tree.rglob("*"))
    return blocks * 4096 // _MIB + 1
