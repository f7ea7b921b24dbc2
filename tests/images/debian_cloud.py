"""A Debian 12 cloud image with cloud-init, made with mmdebstrap: what a user's own image looks like to the cloud."""

import hashlib
import os
import tempfile
from pathlib import Path

from kilonova.image.tiny.bootdisk import BootDisk, assemble
from kilonova.image.tiny.tools import run
from tests.images.store import image_store
from tests.leftovers import named

_PACKAGES = (
    "linux-image-cloud-amd64", "initramfs-tools", "systemd-sysv", "udev", "dbus", "cloud-init", "cloud-guest-utils",
    "ifupdown", "isc-dhcp-client", "openssh-server", "sudo", "iproute2", "iputils-ping", "qemu-guest-agent",
    "e2fsprogs", "netbase", "ca-certificates",
)  # fmt: skip
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*")
# Root may log in with its key, as in the image tiny. The wait for other clouds' metadata is spared, and whatever makes
# a guest without KVM start longer than it must: keys of many types, modules for other distributions and other machines.
_SETTINGS = """\
datasource_list: [ ConfigDrive, OpenStack, None ]
disable_root: false
ssh_genkeytypes: [ ed25519 ]
cloud_init_modules:
- seed_random
- write-files
- growpart
- resizefs
- set_hostname
- update_etc_hosts
- users-groups
- ssh
cloud_config_modules: [ locale, set-passwords, runcmd ]
cloud_final_modules: [ scripts-user, final-message ]
"""
_RAMDISK_MODULES = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic")
_FILE_SYSTEMS = "LABEL=cloudroot / ext4 errors=remount-ro 0 1\n"
# Without the check of the timer, which fails on busy machines.
_COMMAND_LINE = "root=LABEL=cloudroot ro console=tty1 console=ttyS0,115200 quiet net.ifnames=0 no_timer_check"
_ROOT_MIB = 1500


async def debian_cloud_image() -> Path:
    """The image, qcow2 of some 180 MB: kept from an earlier run, or made now, which takes root and two minutes."""
    recipe = repr((_PACKAGES, _LEFT_OUT, _SETTINGS, _RAMDISK_MODULES, _FILE_SYSTEMS, _COMMAND_LINE, _ROOT_MIB))
    target = image_store() / f"debian-12-cloud-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}.qcow2"
    if not target.exists():
        with tempfile.TemporaryDirectory(prefix=named("debian"), dir=image_store()) as work_dir:
            await _make(target, Path(work_dir))
    return target


async def _make(target: Path, work_dir: Path) -> None:
    root = await _system(work_dir)
    kernel, ramdisk = (_only(root / "boot", pattern) for pattern in ("vmlinuz-*", "initrd.img-*"))
    disk = BootDisk(kernel, ramdisk, _COMMAND_LINE, root, "cloudroot", root_mib=_ROOT_MIB)
    await assemble(disk, target, work_dir=work_dir)


async def _system(work_dir: Path) -> Path:
    """The tree of a Debian that has cloud-init."""
    settings, file_systems = work_dir / "90-source.cfg", work_dir / "fstab"
    settings.write_text(_SETTINGS)
    file_systems.write_text(_FILE_SYSTEMS)
    ramdisk, modules = work_dir / "ours", work_dir / "modules"
    ramdisk.write_text("MODULES=list\n")
    modules.write_text("\n".join(_RAMDISK_MODULES) + "\n")
    root = work_dir / "system"
    await run(
        "mmdebstrap", "--variant=minbase", "--mode=root", '--aptopt=APT::Install-Recommends "false"',
        f"--include={','.join(_PACKAGES)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        # Before the kernel comes, which makes its ramdisk by them.
        '--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"',
        f"--essential-hook=copy-in {ramdisk} /etc/initramfs-tools/conf.d",
        f"--essential-hook=copy-in {modules} /usr/share/initramfs-tools/modules.d",
        f"--customize-hook=copy-in {settings} /etc/cloud/cloud.cfg.d",
        f"--customize-hook=copy-in {file_systems} /etc",
        "bookworm", root, *_mirrors(),
    )  # fmt: skip
    return root


def _mirrors() -> list[str]:
    """Debian's own, unless KILONOVA_DEBIAN_MIRROR names one nearer."""
    mirror = os.environ.get("KILONOVA_DEBIAN_MIRROR", "http://deb.debian.org/debian")
    # Named, because a distribution that is not Debian does not trust it by itself.
    source = f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror}"
    return [f"{source} bookworm main", f"{source} bookworm-updates main"]


def _only(directory: Path, pattern: str) -> Path:
    (found,) = directory.glob(pattern)
    return found
