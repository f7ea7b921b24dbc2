"""What this machine has and lacks: each finding with the command that mends it, as `doctor` tells it.

Nothing here changes the machine, except that the kernel may load its own network modules when asked for them.
"""

import asyncio
import importlib.util
import os
import platform
import shutil
import socket
from collections.abc import Awaitable, Sequence
from pathlib import Path

import msgspec

from kilonova.aio.blocking import blocking
from kilonova.image.tiny.kernel import installed_kernel
from kilonova.launch.packages import Ability, install_command, packages

# A guest of the smallest flavor takes 128 MiB, QEMU some 100 MiB beside it, the cloud itself 150 MiB.
_LEAST_MEMORY_MIB = 1024
# The image tiny, its cache, and a few overlays that grow.
_LEAST_DISK_MIB = 2048
_SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at. `mend` is a command, or words where no command helps; empty when all is well."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


async def examine(state_dir: Path, *, address: str = "127.0.0.1", port: int = 8774) -> list[Finding]:
    """Look at everything, at once; takes about 0.2 s. `address` and `port` are where the cloud would listen."""
    looks: list[Awaitable[Finding]] = [
        blocking(_root),
        blocking(_kvm),
        *(_tool(name, command, package) for name, command, package in _TOOLS),
        blocking(_binding),
        blocking(_system_libvirt),
        *_network(),
        blocking(_bridge_netfilter),
        blocking(_image_tools),
        blocking(_guest_kernel),
        blocking(_consoles),
        blocking(_disk, state_dir),
        blocking(_memory),
        blocking(_listen, address, port),
    ]
    return list(await asyncio.gather(*looks))


_TOOLS: Sequence[tuple[str, tuple[str, ...], str]] = (
    ("qemu", ("qemu-system-x86_64", "--version"), "qemu-system-x86"),
    ("qemu-img", ("qemu-img", "--version"), "qemu-utils"),
    ("libvirtd", ("libvirtd", "--version"), "libvirt-daemon-system"),
    ("virtlogd", ("virtlogd", "--version"), "libvirt-daemon-system"),
    ("dnsmasq", ("dnsmasq", "--version"), "dnsmasq-base"),
    ("nft", ("nft", "--version"), "nftables"),
    ("ip", ("ip", "-Version"), "iproute2"),
)

# Asked of the kernel itself, in a network namespace that ends with the command: what a configuration file promises may
# still be refused in a container.
_NETWORK: Sequence[tuple[str, str, str]] = (
    ("bridge", "ip link add k0 type bridge", "modprobe bridge"),
    ("veth", "ip link add k0 type veth peer name k1", "modprobe veth"),
    ("tap", "ip tuntap add k0 mode tap", "modprobe tun"),
    ("vxlan", "ip link add k0 type vxlan id 9 dstport 4789", "modprobe vxlan"),
    ("nftables", "nft add table inet k0", "modprobe nf_tables"),
    (
        "conntrack",
        "nft 'table inet k0 { chain c { ct state established accept\n }\n }'",
        "modprobe nf_conntrack",
    ),
    (
        "address translation",
        "nft 'table ip k0 { chain c { type nat hook postrouting priority 100; masquerade\n }\n }'",
        "modprobe nft_nat nft_masq",
    ),
)


async def _output(*command: str) -> tuple[int, str]:
    """Exit status and the first line of what a command says; 127 when there is no such command."""
    program = shutil.which(command[0], path=_SEARCH)
    if program is None:
        return 127, f"{command[0]} is not installed"
    process = await asyncio.create_subprocess_exec(
        program,
        *command[1:],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "PATH": _SEARCH, "LC_ALL": "C"},
    )
    said, _ = await process.communicate()
    lines = said.decode(errors="replace").strip().splitlines()
    return process.returncode or 0, lines[0].strip() if lines else ""


async def _tool(name: str, command: tuple[str, ...], package: str) -> Finding:
    status, said = await _output(*command)
    return Finding(name, status == 0, said, "" if status == 0 else install_command(package))


def _network() -> list[Awaitable[Finding]]:
    if os.geteuid() == 0:
        return [_network_ability(name, command, mend) for name, command, mend in _NETWORK]
    return [blocking(Finding, "host network", False, "bridges, taps and rules are for root only", "run as root")]


async def _network_ability(name: str, command: str, mend: str) -> Finding:
    status, said = await _output("unshare", "--net", "sh", "-c", command)
    return Finding(name, status == 0, "the kernel has it" if status == 0 else said, "" if status == 0 else mend)


def _root() -> Finding:
    if os.geteuid() == 0:
        return Finding("root", True, "running as root")
    lost = "guests get QEMU's user-mode network: no bridges, routers, floating IPs or security groups"
    return Finding("root", False, f"running as user {os.geteuid()}: {lost}", "run as root")


def _kvm() -> Finding:
    device = Path("/dev/kvm")
    if not device.exists():
        why = "absent: guests are emulated, which is slow and works"
        return Finding("kvm", False, why, "modprobe kvm_intel || modprobe kvm_amd")
    if not os.access(device, os.R_OK | os.W_OK):
        return Finding("kvm", False, "present, but not for this user", "usermod -aG kvm $USER, then log in again")
    return Finding("kvm", True, "/dev/kvm opens; whether it is fast is measured when guests start")


def _binding() -> Finding:
    if importlib.util.find_spec("libvirt") is not None:
        return Finding("libvirt-python", True, "the binding is installed")
    mend = f"{install_command(*packages(Ability.BINDING))} && ./kilonova up"
    return Finding("libvirt-python", False, "the binding is not built", mend)


def _system_libvirt() -> Finding:
    sock = Path("/run/libvirt/libvirt-sock")
    with socket.socket(socket.AF_UNIX) as probe:
        running = probe.connect_ex(str(sock)) == 0
    return Finding(
        "system libvirtd", True, f"answers at {sock}" if running else "not running: a private one is started"
    )


def _bridge_netfilter() -> Finding:
    if Path("/proc/sys/net/bridge").is_dir():
        return Finding("br_netfilter", True, "bridged packets reach the security groups")
    why = "not loaded: security groups would see no packets between guests of one network"
    return Finding("br_netfilter", False, why, "modprobe br_netfilter")


def _image_tools() -> Finding:
    wanted = ("busybox", "dropbear", "dropbearkey", "mke2fs", "resize2fs", "mkfs.fat", "mcopy", "syslinux", "qemu-img")
    missing = [name for name in wanted if shutil.which(name, path=_SEARCH) is None]
    if not missing:
        return Finding("image tools", True, "all that the image tiny is built with")
    return Finding("image tools", False, f"missing: {', '.join(missing)}", install_command(*packages(Ability.IMAGE)))


def _guest_kernel() -> Finding:
    kernel = installed_kernel()
    if kernel is not None:
        return Finding("guest kernel", True, f"{kernel.release} of this machine")
    if shutil.which("apt-get", path=_SEARCH):
        return Finding("guest kernel", True, "none here: apt downloads one for the image tiny, without installing it")
    return Finding("guest kernel", False, "none here, and no apt to download one", "bring a cloud image of your own")


def _consoles() -> Finding:
    if Path("/usr/share/novnc").is_dir():
        return Finding("noVNC", True, "/usr/share/novnc")
    return Finding("noVNC", False, "console pages are not here", install_command(*packages(Ability.CONSOLES)))


def _disk(state_dir: Path) -> Finding:
    # os.path, not Path: a directory that we may not even look into counts as not there.
    there = next(path for path in (state_dir, *state_dir.absolute().parents) if os.path.exists(path))
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding("disk", False, f"{there} is not ours to write", "./kilonova up --state-dir DIR")
    free_mib = shutil.disk_usage(there).free >> 20
    detail = f"{free_mib} MiB free at {there}"
    if free_mib >= _LEAST_DISK_MIB:
        return Finding("disk", True, detail)
    return Finding("disk", False, detail, "./kilonova up --state-dir DIR, on a larger disk")


def _memory() -> Finding:
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    available_mib = int(fields["MemAvailable"].split()[0]) >> 10
    detail = f"{available_mib} MiB available, {os.cpu_count()} processors, {platform.machine()}"
    if available_mib >= _LEAST_MEMORY_MIB:
        return Finding("memory", True, detail)
    return Finding("memory", False, detail, "stop other programs, or ./kilonova up --driver simulated")


def _listen(address: str, port: int) -> Finding:
    try:
        with socket.create_server((address, port)):
            return Finding("port", True, f"{address}:{port} is free")
    except OSError as error:
        mend = f"./kilonova up --listen {address}:{port + 1}, or find who listens: ss -ltnp 'sport = :{port}'"
        return Finding("port", False, f"{address}:{port}: {error.strerror}", mend)
