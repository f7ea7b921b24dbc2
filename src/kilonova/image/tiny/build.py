"""Builds the image `tiny`: busybox, an SSH server, the guest agent where it can be had, and the scripts of `guest/`.

What the guest does is told by its scripts; its words on the serial console start with `tiny: `. Takes 3 to 6 seconds
on two cores, some more when the kernel must be downloaded first; the result has about 20 MB.
"""

import hashlib
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

from kilonova.aio.blocking import blocking
from kilonova.image.tiny.archive import initial_ramdisk
from kilonova.image.tiny.bootdisk import BootDisk, assemble
from kilonova.image.tiny.kernel import Kernel, collect_modules, download, find_kernel, installed_kernel
from kilonova.image.tiny.tools import GuestBuildFailed, GuestToolMissing, install_command, program, run

# Counts up when the way of building changes, not only its ingredients.
_FORMAT = 1
# Without the check of its timer: on a busy machine without KVM the timer may miss the moment, and the kernel gives up.
_COMMAND_LINE = "root=LABEL=tinyroot console=tty1 console=ttyS0,115200 quiet loglevel=4 no_timer_check"
_PASSWORD = "tiny"

# Disks, CD-ROM (the config drive), network, power button, agent, balloon: all that QEMU's `pc` machine shows a guest.
_MODULES = (
    "virtio_pci", "virtio_net", "virtio_blk", "virtio_scsi", "sd_mod", "sr_mod", "ata_piix", "isofs", "vfat",
    "nls_ascii", "nls_cp437", "nls_iso8859-1", "nls_utf8", "button", "evdev", "virtio_console", "virtio_rng",
    "virtio_balloon", "crc32c_generic", "libcrc32c",
)  # fmt: skip

_DIRECTORIES = (
    "bin", "sbin", "usr/bin", "usr/sbin", "etc", "proc", "sys", "dev", "run", "tmp", "root", "new", "mnt",
)  # fmt: skip

# Where each file of guest/ lives inside.
_PLACES = {
    "tinyinit": "sbin/tinyinit",
    "shutdown": "sbin/shutdown",
    "chpasswd": "usr/sbin/chpasswd",
    "json-paths": "usr/bin/json-paths",
    "inittab": "etc/inittab",
    "issue": "etc/issue",
    "rc.boot": "etc/rc.boot",
    "rc.down": "etc/rc.down",
    "net-up": "etc/net-up",
    "udhcpc.sh": "etc/udhcpc.sh",
    "hotplug": "etc/hotplug",
    "fetch-config": "etc/fetch-config",
    "ssh-up": "etc/ssh-up",
    "acpi-power": "etc/acpi-power",
}


async def cached_tiny(cache_dir: Path, *, tell: Callable[[str], None] = lambda words: None) -> Path:
    """The image, from `cache_dir` when it was built there of the same ingredients, else built now (20 MB, qcow2).

    `tell` hears each part of the building before it begins. Errors: GuestToolMissing, GuestBuildFailed.
    """
    target = cache_dir / f"tiny-{await blocking(cache_key)}.qcow2"
    if not target.exists():
        await blocking(cache_dir.mkdir, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="tiny-build-", dir=cache_dir) as work_dir:
            await build_tiny(target, work_dir=Path(work_dir), tell=tell)
    return target


def cache_key() -> str:
    """Sixteen hexadecimal digits that change with what the image is made of: scripts, programs, the installed kernel.

    Errors: GuestToolMissing.
    """
    digest = hashlib.sha256(f"{_FORMAT} {_COMMAND_LINE} {_MODULES}".encode())
    for name, content in _guest_files():
        digest.update(name.encode() + content)
    for tool in ("busybox", "dropbear", "resize2fs"):
        digest.update(program(tool).read_bytes())
    kernel = installed_kernel()
    digest.update(b"downloaded" if kernel is None else kernel.release.encode())
    return digest.hexdigest()[:16]


async def build_tiny(target: Path, *, work_dir: Path, tell: Callable[[str], None] = lambda words: None) -> None:
    """Build the image as a compressed qcow2 at `target`, which appears complete or not at all.

    `work_dir` takes up to 250 MB meanwhile and is the caller's to remove. Errors: GuestToolMissing, GuestBuildFailed.
    """
    tell("kernel and modules")
    kernel = await find_kernel(work_dir)
    applets = await _applets()
    ramdisk = await _build_ramdisk(kernel, work_dir, await blocking(_new_tree, work_dir / "ramdisk", applets))
    tell("programs: busybox, SSH server, guest agent")
    root = await _build_root(work_dir, await blocking(_new_tree, work_dir / "root", applets))
    tell("file systems and boot loader")
    disk = BootDisk(kernel.image, ramdisk, _COMMAND_LINE, root, "tinyroot")
    await assemble(disk, target, work_dir=work_dir)


async def _build_ramdisk(kernel: Kernel, work_dir: Path, tree: Path) -> Path:
    modules = tree / "lib/modules"
    modules.mkdir(parents=True)
    order = await collect_modules(kernel, _MODULES, modules)
    (tree / "etc/modules.order").write_text("".join(f"{name}\n" for name in order))
    _install(tree / "init", dict(_guest_files())["init"])
    ramdisk = work_dir / "initrd"
    await blocking(lambda: ramdisk.write_bytes(initial_ramdisk(tree)))
    return ramdisk


async def _build_root(work_dir: Path, tree: Path) -> Path:
    files = dict(_guest_files())
    for name, place in _PLACES.items():
        _install(tree / place, files[name])
    for name in ("init", "getty", "reboot", "poweroff", "halt"):
        (tree / "sbin" / name).symlink_to("/bin/busybox")
    await _install_accounts(tree)
    for tool, place in (("dropbear", "usr/sbin"), ("dropbearkey", "usr/bin"), ("resize2fs", "sbin")):
        await _install_program(tree, program(tool), place)
    await _install_agent(work_dir, tree)
    return tree


async def _install_accounts(tree: Path) -> None:
    hashed = (await run("busybox", "mkpasswd", "-m", "sha512", _PASSWORD)).decode().strip()
    for place, content in (
        ("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"),
        ("etc/group", "root:x:0:\n"),
        ("etc/shadow", f"root:{hashed}:19000:0:99999:7:::\n"),
        ("etc/shells", "/bin/sh\n"),
        ("etc/hostname", "tiny\n"),
        # Says that the password is the one everybody knows: see guest/ssh-up.
        ("etc/tiny/common-password", ""),
    ):
        _install(tree / place, content.encode(), mode=0o644)
    (tree / "etc/shadow").chmod(0o600)
    (tree / "root").chmod(0o700)


async def _install_agent(work_dir: Path, tree: Path) -> None:
    """The agent is welcome and not needed: without a mirror to download it from, or its libraries, it stays out."""
    unpacked = work_dir / "agent"
    try:
        await download("qemu-guest-agent", unpacked)
        await _install_program(tree, unpacked / "usr/sbin/qemu-ga", "usr/sbin")
    except (GuestBuildFailed, GuestToolMissing):
        (tree / "usr/sbin/qemu-ga").unlink(missing_ok=True)


async def _install_program(tree: Path, source: Path, place: str) -> None:
    """Copy a program and the libraries it is linked with. Errors: GuestBuildFailed when one of them is not here."""
    linked = await _linked(source)
    if "not found" in linked:
        raise GuestBuildFailed(f"{source.name} lacks libraries on this machine")
    _install(tree / place / source.name, await blocking(source.read_bytes))
    for library in re.findall(r"(/\S+) \(0x", linked):
        if not (tree / library[1:]).exists():
            _install(tree / library[1:], await blocking(Path(library).read_bytes))


async def _applets() -> list[str]:
    """The names busybox goes by. Errors: GuestToolMissing when it is not the static one, which needs no libraries."""
    if await _linked(program("busybox")):
        raise GuestToolMissing("busybox-static", install_command("busybox-static"))
    names = (await run("busybox", "--list")).decode().split()
    return [name for name in names if name not in {"busybox", "init"}]


async def _linked(source: Path) -> str:
    """What `ldd` says of a program; nothing when it is static."""
    try:
        return (await run("ldd", source)).decode()
    except GuestBuildFailed:
        return ""


def _new_tree(tree: Path, applets: list[str]) -> Path:
    """An empty root with busybox under all its names."""
    for place in _DIRECTORIES:
        (tree / place).mkdir(parents=True)
    (tree / "tmp").chmod(0o1777)
    shutil.copy(program("busybox"), tree / "bin/busybox")
    for name in applets:
        (tree / "bin" / name).symlink_to("/bin/busybox")
    return tree


def _install(path: Path, content: bytes, *, mode: int = 0o755) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(stat.S_IFREG | mode)


def _guest_files() -> Iterator[tuple[str, bytes]]:
    directory = resources.files("kilonova.image.tiny") / "guest"
    for entry in sorted(directory.iterdir(), key=lambda entry: entry.name):
        yield entry.name, entry.read_bytes()
