"""The extra specs with a meaning: name, type, allowed values. Source: Nova's extra spec validators (130 of them).

One line each: name, then `bool`, `str`, `int LOW..HIGH` (either may be missing), `one-of A/B/C`, or `like PATTERN`.
In a name `{num}` stands for digits, `{group}` for the suffix of a numbered or named resource group (or none), `{word}`
for a name, `{deeper}` for nothing or a path behind a colon.
"""

# Host attributes the compute capabilities filter compares; the value may begin with an operator.
_CAPABILITIES = """
id uuid service_id host vcpus memory_mb local_gb vcpus_used memory_mb_used local_gb_used hypervisor_type
hypervisor_version hypervisor_hostname free_ram_mb free_disk_gb current_workload running_vms disk_available_least
host_ip mapped cpu_allocation_ratio ram_allocation_ratio disk_allocation_ratio nodename uuid limits
total_usable_ram_mb total_usable_disk_gb disk_mb_used free_disk_mb vcpus_total num_instances num_io_ops failed_builds
aggregates cell_uuid updated instances enabled_features
"""
# Those that are maps: a path goes on behind them.
_NESTED = "cpu_info metrics stats numa_topology supported_hv_specs supported_instances pci_device_pools pci_stats"

_STANDARD_CLASSES = """
VCPU MEMORY_MB DISK_GB PCI_DEVICE SRIOV_NET_VF NUMA_SOCKET NUMA_CORE NUMA_THREAD NUMA_MEMORY_MB IPV4_ADDRESS VGPU
VGPU_DISPLAY_HEAD NET_BW_EGR_KILOBIT_PER_SEC NET_BW_IGR_KILOBIT_PER_SEC PCPU MEM_ENCRYPTION_CONTEXT FPGA PGPU
NET_PACKET_RATE_KILOPACKET_PER_SEC NET_PACKET_RATE_EGR_KILOPACKET_PER_SEC NET_PACKET_RATE_IGR_KILOPACKET_PER_SEC
"""

_PLAIN = r"""
accel:device_profile str
aggregate_instance_extra_specs:{word} str
hw:cpu_realtime bool
hw:cpu_realtime_mask like \^?\d+(-\d+)?(,\^?\d+(-\d+)?)*
hw:hide_hypervisor_id bool
hw:cpu_policy one-of dedicated/shared/mixed
hw:cpu_thread_policy one-of prefer/isolate/require
hw:emulator_threads_policy one-of isolate/share
hw:cpu_dedicated_mask like \^?\d+(-\d+)?(,\^?\d+(-\d+)?)*
hw:mem_page_size like (large|small|any|\d+([kMGT]i?)?(b|bit|B)?)
hw:locked_memory bool
hw:numa_nodes int 1..
hw:numa_cpus.{num} like \d+(-\d+)?(,\^?\d+(-\d+)?)*
hw:numa_mem.{num} int 1..
hw:pci_numa_affinity_policy one-of required/preferred/legacy/socket
hw:cpu_sockets int 1..
hw:cpu_cores int 1..
hw:cpu_threads int 1..
hw:cpu_max_sockets int 1..
hw:cpu_max_cores int 1..
hw:cpu_max_threads int 1..
hw:boot_menu bool
hw:vif_multiqueue_enabled bool
hw:mem_encryption bool
hw:mem_encryption_model one-of amd-sev/amd-sev-es/amd-sev-snp
hw:pmem str
hw:pmu bool
hw:serial_port_count int 0..
hw:tpm_model one-of tpm-tis/tpm-crb
hw:tpm_version one-of 1.2/2.0
hw:tpm_secret_security one-of user/host/deployment
hw:watchdog_action one-of none/pause/poweroff/reset/disabled
hw:viommu_model one-of intel/smmuv3/virtio/auto
hw:virtio_packed_ring bool
hw:sound_model one-of sb16/es1370/pcspk/ac97/ich6/ich9/usb/virtio
hw:usb_model one-of none/nec-xhci/qemu-xhci
hw:redirected_usb_ports int 0..15
hw:ephemeral_encryption bool
hw:ephemeral_encryption_format one-of plain/luks/luksv2
hw:maxphysaddr_mode one-of passthrough/emulate
hw:maxphysaddr_bits int 0..
hw_rng:allowed bool
hw_rng:rate_bytes int 0..
hw_rng:rate_period int 0..
hw_video:ram_max_mb int 0..
hide_hypervisor_id bool
group_policy one-of isolate/none
os:secure_boot one-of disabled/required
pci_passthrough:alias like [^:]+(:\d+)?(\s*,\s*[^:]+(:\d+)?)*
quota:cpu_shares int 0..
quota:cpu_period int 0..
quota:cpu_quota int ..
quota:disk_read_bytes_sec int 0..
quota:disk_read_iops_sec int 0..
quota:disk_write_bytes_sec int 0..
quota:disk_write_iops_sec int 0..
quota:disk_total_bytes_sec int 0..
quota:disk_total_iops_sec int 0..
quota:vif_inbound_average int 0..
quota:vif_inbound_peak int 0..
quota:vif_inbound_burst int 0..
quota:vif_outbound_average int 0..
quota:vif_outbound_peak int 0..
quota:vif_outbound_burst int 0..
resources{group}:CUSTOM_{word} int 0..
trait{group}:CUSTOM_{word} one-of required/forbidden
trait{group}:(HW|COMPUTE|MISC|OWNER|STORAGE)_{word} one-of required/forbidden
vmware:hw_version str
vmware:storage_policy str
"""


def _lines() -> list[str]:
    lines = [line for line in _PLAIN.split("\n") if line]
    lines += [f"capabilities:{name} str" for name in _CAPABILITIES.split()]
    lines += [f"capabilities:{name}{{deeper}} str" for name in _NESTED.split()]
    lines += [f"resources{{group}}:{name} int 0.." for name in _STANDARD_CLASSES.split()]
    for amount in ("cpu", "memory", "disk_io", "vif"):
        lines += [
            f"quota:{amount}_limit int 0..",
            f"quota:{amount}_reservation int ..",
            f"quota:{amount}_shares_level one-of custom/high/normal/low",
            f"quota:{amount}_shares_share int 0..",
        ]
    return lines


# Name and kind, as written above.
KNOWN: tuple[tuple[str, str], ...] = tuple((name, kind) for name, _, kind in (line.partition(" ") for line in _lines()))
