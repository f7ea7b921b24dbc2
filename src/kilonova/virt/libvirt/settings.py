"""What an operator may choose of the libvirt driver."""

from pathlib import Path
from typing import Literal

import msgspec

CpuMode = Literal["host-model", "host-passthrough", "custom", "none"]


class LibvirtSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults that work. `session` None: unprivileged exactly when we are not root.

    `virt_type` auto asks the speed probe. `cpu_mode` None: the host's with KVM, qemu64 without. `uri` names a libvirt
    to use instead of a private one.
    """

    virt_type: Literal["auto", "kvm", "qemu"] = "auto"
    uri: str | None = None
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
