"""What the API is configured with, under Nova's option names where it has them; launch fills it from nova.conf."""

from collections.abc import Mapping

import msgspec

from kilonova.model.fitting.pci import PciAlias

# Source: Nova's [quota] defaults; ram in MiB.
QUOTA = {
    "instances": 10,
    "cores": 20,
    "ram": 51200,
    "metadata_items": 128,
    "injected_files": 5,
    "injected_file_content_bytes": 10240,
    "injected_file_path_bytes": 255,
    "key_pairs": 100,
    "server_groups": 10,
    "server_group_members": 10,
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds."""

    max_limit: int = 1000
    max_request_body_size: int = 114688
    # Requests worked on at a time, and how long others wait for their turn before they are refused.
    concurrent_reads: int = 16
    concurrent_writes: int = 16
    longest_read_wait_s: float = 0.4
    longest_write_wait_s: float = 1.5
    # [api]compute_link_prefix: '' means links follow the request's own host.
    link_prefix: str = ""
    # Told to callers without a token (WWW-Authenticate).
    identity_url: str = ""
    # The image service's public endpoint, for the Location of a snapshot; '' means beside this API.
    image_url: str = ""
    enable_instance_password: bool = True
    password_length: int = 12
    default_zone: str = "nova"
    default_schedule_zone: str | None = None
    reclaim_instance_interval_s: int = 0
    # Console URLs by type: the base that `?token=…` is put behind.
    novncproxy_base_url: str = "http://127.0.0.1:6080/vnc_auto.html"
    spice_base_url: str = "http://127.0.0.1:6082/spice_auto.html"
    spice_direct_base_url: str = "http://127.0.0.1:13002/nova"
    serial_base_url: str = "ws://127.0.0.1:6083/"
    enabled_consoles: frozenset[str] = frozenset({"novnc", "serial"})
    service_down_time_s: int = 60
    max_local_block_devices: int = 3
    policy_file: str = ""
    # [scheduler]query_placement_for_routed_network_aggregates.
    routed_networks: bool = False
    # [pci]alias by name.
    pci_aliases: Mapping[str, PciAlias] = {}
    # Limits of who has none of their own, by Nova's resource names; -1 is no limit.
    quota: dict[str, int] = msgspec.field(default_factory=lambda: dict(QUOTA))
