"""The guest's kernel and its modules: the machine's cloud kernel, else its package, downloaded and not installed."""

import gzip
import lzma
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kilonova.aio.blocking import blocking
from kilonova.image.tiny.tools import GuestBuildFailed, GuestToolMissing, run

# Debian's small kernel, then Ubuntu's. Each depends on an image package with a version in its name.
_KERNEL_PACKAGES = ("linux-image-cloud-amd64", "linux-image-virtual")


@dataclass(frozen=True, slots=True)
class Kernel:
    release: str
    """As `uname -r` says it, such as 6.1.0-30-cloud-amd64."""
    image: Path
    modules: Path
    """The directory that holds the release's .ko files."""


def installed_kernel(root: Path = Path("/")) -> Kernel | None:
    """The newest cloud or virtual kernel under `root` that we may read and whose modules are there."""
    found = sorted((root / "boot").glob("vmlinuz-*"), key=_version, reverse=True)
    for image in found:
        release = image.name.removeprefix("vmlinuz-")
        modules = root / "lib/modules" / release
        if not modules.is_dir():
            modules = root / "usr/lib/modules" / release
        if os.access(image, os.R_OK) and modules.is_dir() and (root != Path("/") or "cloud" in release):
            return Kernel(release, image, modules)
    return None


def _version(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", path.name)]


async def find_kernel(work_dir: Path) -> Kernel:
    """The machine's own cloud kernel, or a downloaded one unpacked under `work_dir`. Errors: GuestToolMissing."""
    kernel = installed_kernel()
    if kernel is not None:
        return kernel
    unreadable = await blocking(_unreadable_kernels)
    try:
        return await _downloaded_kernel(work_dir / "kernel")
    except GuestBuildFailed as error:
        if unreadable:
            raise GuestToolMissing(
                f"/boot/{unreadable[0]}",
                f"chmod a+r /boot/{unreadable[0]} (as root)",
                reason="is readable by root only, and no other could be downloaded",
            ) from error
        raise GuestToolMissing(
            "a Linux kernel for guests",
            f"apt-get update && apt-get install --no-install-recommends {_KERNEL_PACKAGES[0]}",
            reason="is neither installed nor to be downloaded with apt",
        ) from error


def _unreadable_kernels() -> list[str]:
    return [path.name for path in Path("/boot").glob("vmlinuz-*cloud*") if not os.access(path, os.R_OK)]


async def _downloaded_kernel(directory: Path) -> Kernel:
    packages = await _kernel_packages()
    for package in packages:
        await download(package, directory)
    kernel = await blocking(installed_kernel, directory)
    if kernel is None:
        raise GuestBuildFailed(f"no kernel in {', '.join(packages)}")
    return kernel


async def _kernel_packages() -> list[str]:
    """The packages, by name with version, that hold the kernel image and its modules."""
    for meta in _KERNEL_PACKAGES:
        images = await _depends(meta, r"linux-image-\d\S+")
        if images:
            return [images[0], *await _depends(images[0], r"linux-modules-\d\S+")]
    raise GuestBuildFailed(f"apt knows none of {', '.join(_KERNEL_PACKAGES)}")


async def _depends(package: str, pattern: str) -> list[str]:
    try:
        said = (await run("apt-cache", "depends", "--important", package)).decode()
    except GuestBuildFailed:
        return []
    return re.findall(rf"Depends: ({pattern})", said)


async def download(package: str, directory: Path) -> None:
    """Unpack a package of the machine's distribution under `directory`, not installing it. Errors: GuestBuildFailed."""
    inbox = directory / f"{package}.deb.d"
    inbox.mkdir(parents=True, exist_ok=True)
    await run("apt-get", "download", package, cwd=inbox)
    for archive in inbox.glob("*.deb"):
        await run("dpkg-deb", "-x", archive, directory)
        archive.unlink()
    inbox.rmdir()


async def collect_modules(kernel: Kernel, wanted: Iterable[str], target: Path) -> list[str]:
    """Copy the modules `wanted` and all they need, unpacked, to `target`; their names in the order to load them.

    What the kernel has built in, or this release does not know, is left out.
    """
    files = await blocking(_module_files, kernel.modules)
    order: dict[str, bytes] = {}
    for name in wanted:
        await _collect(name, files, order)
    for name, content in order.items():
        await blocking((target / f"{name}.ko").write_bytes, content)
    return list(order)


def _module_files(directory: Path) -> dict[str, Path]:
    return {_module_name(path.name.split(".ko")[0]): path for path in directory.rglob("*.ko*")}


def _module_name(name: str) -> str:
    return name.replace("-", "_")


async def _collect(name: str, files: dict[str, Path], order: dict[str, bytes]) -> None:
    name = _module_name(name)
    if name in order or name not in files:
        return
    content = await _module_content(files[name])
    for needed in _needs(content):
        await _collect(needed, files, order)
    order[name] = content


def _needs(module: bytes) -> list[str]:
    """The modules it must be loaded after, as the module itself says (`depends=` in its section .modinfo)."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name for name in found[1].decode().split(",") if name] if found else []


async def _module_content(path: Path) -> bytes:
    match path.suffix:
        case ".zst":
            return await run("zstd", "-dqc", path)
        case ".xz":
            return lzma.decompress(await blocking(path.read_bytes))
        case ".gz":
            return gzip.decompress(await blocking(path.read_bytes))
        case _:
            return await blocking(path.read_bytes)
