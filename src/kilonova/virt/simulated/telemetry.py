"""Plausible counters of a simulated guest, in the shape of os-server-diagnostics 2.48."""

from kilonova.virt.guest import PowerState
from kilonova.virt.simulated.journal import GuestRecord

_STATES = {
    PowerState.RUNNING: "running",
    PowerState.PAUSED: "paused",
    PowerState.SUSPENDED: "suspended",
    PowerState.CRASHED: "crashed",
}
_SECOND_NS = 1_000_000_000


def diagnostics(record: GuestRecord, *, now_s: float) -> dict[str, object]:
    """Sizes in MiB, times in ns, uptime in s; grows with the time since the guest started."""
    spec = record.spec
    uptime_s = int(now_s - record.started_at) if record.state == PowerState.RUNNING else 0
    return {
        "state": _STATES.get(record.state, "shutdown"),
        # One of the names clients know; `hypervisor` says what it really is.
        "driver": "libvirt",
        "hypervisor": "simulated",
        "hypervisor_os": "linux",
        "uptime": uptime_s,
        "config_drive": spec.config_drive is not None,
        "num_cpus": spec.vcpus,
        "num_nics": len(spec.nics),
        "num_disks": len(spec.disks),
        "cpu_details": [
            {"id": cpu, "time": uptime_s * _SECOND_NS // 20, "utilisation": 5} for cpu in range(spec.vcpus)
        ],
        "nic_details": [_nic(nic.mac, uptime_s) for nic in spec.nics],
        "disk_details": [_disk(uptime_s) for _ in spec.disks],
        "memory_details": {"maximum": spec.memory_mib, "used": spec.memory_mib // 2},
    }


def _cpu(cpu: int, uptime_s: int) -> dict[str, object]:
    return {"id": cpu, "time": uptime_s * _SECOND_NS // 20, "utilisation": 5}


def _nic(mac: str, uptime_s: int) -> dict[str, object]:
    counters = {
        f"{way}_{what}": uptime_s * each
        for way in ("rx", "tx")
        for what, each in (("octets", 1000), ("packets", 2), ("errors", 0), ("drop", 0), ("rate", 0))
    }
    return {"mac_address": mac, **counters}


def _disk(uptime_s: int) -> dict[str, object]:
    return {
        "read_bytes": uptime_s * 4096,
        "read_requests": uptime_s,
        "write_bytes": uptime_s * 4096,
        "write_requests": uptime_s,
        "errors_count": 0,
    }
