"""What a simulated guest prints on its serial console."""

from kilonova.virt.guest import PowerState, VolumeDisk
from kilonova.virt.simulated.journal import GuestRecord

# What the API keeps of a console at most, in boots; older ones have scrolled away.
_BOOTS_KEPT = 3


def console_text(record: GuestRecord, *, lines: int | None) -> str:
    """The last `lines` lines (None: all) of the last boots."""
    first = max(1, record.boots - _BOOTS_KEPT + 1)
    text: list[str] = []
    for boot in range(first, record.boots + 1):
        text += _boot(record, boot)
        if boot < record.boots or record.state == PowerState.SHUTDOWN:
            text.append("reboot: Power down")
    if lines is not None:
        text = text[-lines:] if lines > 0 else []
    return "".join(line + "\n" for line in text)


def _boot(record: GuestRecord, boot: int) -> list[str]:
    spec = record.spec
    volumes = sum(isinstance(disk, VolumeDisk) for disk in spec.disks)
    host = spec.display_name or spec.name
    return [
        f"Linux version 6.1.0-simulated (boot {boot} of {spec.id})",
        f"smp: Brought up 1 node, {spec.vcpus} CPU{'s' if spec.vcpus > 1 else ''}",
        f"Memory: {spec.memory_mib * 1024}K available",
        *(f"virtio_net eth{index}: {nic.mac} mtu {nic.mtu}" for index, nic in enumerate(spec.nics)),
        f"virtio_blk: {len(spec.disks)} disks, {volumes} of them volumes",
        f"{host} login:",
    ]
