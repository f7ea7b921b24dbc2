"""What an operator may choose of the libvirt driver."""

from pathlib import Path
from typing import Literal

import msgspec

Scheme = Literal["tcp", "tls"]
CpuMode = Literal["host-model", "host-passthrough", "custom", "none"]


class MoveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How guests go to other hosts and come from them.

    `address` is where other hosts' libvirt reaches ours; without it guests stay on their host. `uri` (with %s for the
    other host's address) and `scheme` say how we reach theirs. Times in seconds, per GiB of memory and disk for
    `completion_s_per_gib` (0: no limit).
    """

    address: str = ""
    scheme: Scheme = "tcp"
    uri: str | None = None
    bandwidth_mib_s: int = 0
    auto_converge: bool = False
    post_copy: bool = False
    native_tls: bool = False
    completion_s_per_gib: float = 800.0
    timeout_action: Literal["abort", "force_complete"] = "abort"


class LibvirtSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults that work. `session` None: unprivileged exactly when we are not root.

    `virt_type` auto asks the speed probe. `cpu_mode` None: the host's with KVM, qemu64 without. `uri` names a libvirt
    to use instead of a private one. `instances` is where disks are that hosts share; None: beside the rest.
    """

    virt_type: Literal["auto", "kvm", "qemu"] = "auto"
    uri: str | None = None
    instances: Path | None = None
    session: bool | None = None
    emulator: Path = Path("/usr/bin/qemu-system-x86_64")
    cpu_mode: CpuMode | None = None
    cpu_model: str = ""
    machine_type: str = "pc"
    spice: bool = False
    tb_cache_mib: int = 32
    workers: int = 8
    call_deadline_s: float = 60.0
    detach_wait_s: float = 5.0
    detach_attempts: int = 3
    pcie_root_ports: int = 16
    moves: MoveSettings = MoveSettings()
