"""A guest's counters, in the shape of os-server-diagnostics since microversion 2.48."""

from typing import Any
from xml.etree.ElementTree import fromstring

import libvirt

from kilonova.virt.guest import PowerState
from kilonova.virt.libvirt.domains import power_state
from kilonova.virt.libvirt.probe import VirtType

_GROUPS = (
    libvirt.VIR_DOMAIN_STATS_VCPU
    | libvirt.VIR_DOMAIN_STATS_INTERFACE
    | libvirt.VIR_DOMAIN_STATS_BLOCK
    | libvirt.VIR_DOMAIN_STATS_BALLOON
)
_STATES = {
    PowerState.NOSTATE: "pending",
    PowerState.RUNNING: "running",
    PowerState.PAUSED: "paused",
    PowerState.SHUTDOWN: "shutdown",
    PowerState.CRASHED: "crashed",
    PowerState.SUSPENDED: "suspended",
}
_KIB_PER_MIB = 1024

Stats = dict[str, Any]


def diagnostics(domain: Any, *, virt_type: VirtType) -> dict[str, object]:
    """Memory in MiB, processor time in ns; None where QEMU does not tell."""
    stats: Stats = domain.connect().domainListGetStats([domain], _GROUPS)[0][1]
    xml = fromstring(domain.XMLDesc(0))
    macs = [str(mac.get("address")) for mac in xml.iterfind("devices/interface/mac")]
    cdrom = xml.find("devices/disk/alias[@name='ua-config-2']")
    nics = [_nic(stats, number, mac) for number, mac in enumerate(macs)]
    disks = [_disk(stats, number) for number in range(stats.get("block.count", 0))]
    cpus = [_cpu(stats, number) for number in range(stats.get("vcpu.maximum", 0))]
    return {
        "state": _STATES[power_state(domain)],
        "driver": "libvirt",
        "hypervisor": virt_type,
        "hypervisor_os": "linux",
        "uptime": None,
        "config_drive": cdrom is not None,
        "num_cpus": len(cpus),
        "num_nics": len(nics),
        "num_disks": len(disks),
        "cpu_details": cpus,
        "nic_details": nics,
        "disk_details": disks,
        "memory_details": {
            "maximum": stats.get("balloon.maximum", 0) // _KIB_PER_MIB,
            "used": (stats.get("balloon.rss", 0)) // _KIB_PER_MIB,
        },
    }


def _cpu(stats: Stats, number: int) -> dict[str, object]:
    return {"id": number, "time": stats.get(f"vcpu.{number}.time"), "utilisation": None}


def _nic(stats: Stats, number: int, mac: str) -> dict[str, object]:
    names = {"octets": "bytes", "packets": "pkts", "errors": "errs", "drop": "drop"}
    counters = {
        f"{way}_{ours}": stats.get(f"net.{number}.{way}.{theirs}")
        for way in ("rx", "tx")
        for ours, theirs in names.items()
    }
    return {"mac_address": mac, **counters, "rx_rate": None, "tx_rate": None}


def _disk(stats: Stats, number: int) -> dict[str, object]:
    return {
        "read_bytes": stats.get(f"block.{number}.rd.bytes"),
        "read_requests": stats.get(f"block.{number}.rd.reqs"),
        "write_bytes": stats.get(f"block.{number}.wr.bytes"),
        "write_requests": stats.get(f"block.{number}.wr.reqs"),
        "errors_count": None,
    }
