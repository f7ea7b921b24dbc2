"""From nova.conf's sections to what each service calls its settings."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from kilonova.api.settings import Settings as ApiSettings
from kilonova.compute.console_relay import Lending
from kilonova.compute.host import HostSettings
from kilonova.config.errors import BadConfiguration
from kilonova.config.options import Config
from kilonova.launch.state_dir import StateDir
from kilonova.model.errors import BadRequest
from kilonova.model.fitting.errors import BadHardware
from kilonova.model.fitting.offer import Offer, read_offer
from kilonova.model.fitting.pci import PciAlias, PciDevice, read_aliases
from kilonova.network.world import NetworkSettings
from kilonova.peers.vendor_data import VendorSource
from kilonova.scheduler.settings import DEFAULT_MULTIPLIERS, SchedulerSettings
from kilonova.virt.simulated.hardware import SimulatedHardware
from kilonova.volume.world import VolumeSettings

# More builds than ever fail in a row.
NEVER = 1 << 62


def scheduler(config: Config) -> SchedulerSettings:
    """Errors: BadConfiguration."""
    section, general, metrics = config.filter_scheduler, config.scheduler, config.metrics
    multipliers = {name: float(getattr(section, name)) for name in DEFAULT_MULTIPLIERS}
    return SchedulerSettings(
        available_filters=section.available_filters,
        enabled_filters=section.enabled_filters,
        weight_classes=section.weight_classes,
        weight_normalization=section.weight_normalization,
        host_subset_size=section.host_subset_size,
        shuffle_best_same_weighed_hosts=section.shuffle_best_same_weighed_hosts,
        multipliers=multipliers,
        pci_aliases=pci_aliases(config),
        max_instances_per_host=section.max_instances_per_host,
        max_io_ops_per_host=section.max_io_ops_per_host,
        isolated_images=section.isolated_images,
        isolated_hosts=section.isolated_hosts,
        restrict_isolated_hosts_to_isolated_images=section.restrict_isolated_hosts_to_isolated_images,
        aggregate_image_properties_isolation_namespace=section.aggregate_image_properties_isolation_namespace,
        aggregate_image_properties_isolation_separator=section.aggregate_image_properties_isolation_separator,
        image_properties_default_architecture=section.image_properties_default_architecture,
        image_props_weight_setting=_worths(
            "[filter_scheduler] image_props_weight_setting", section.image_props_weight_setting
        ),
        metrics_weight_setting=_worths("weight_setting", metrics.weight_setting),
        metrics_weight_multiplier=metrics.weight_multiplier,
        metrics_required=metrics.required,
        metrics_weight_of_unavailable=metrics.weight_of_unavailable,
        service_down_time_s=config.default.service_down_time,
        default_availability_zone=config.default.default_availability_zone,
        limit_tenants_to_placement_aggregate=general.limit_tenants_to_placement_aggregate,
        placement_aggregate_required_for_tenants=general.placement_aggregate_required_for_tenants,
        query_placement_for_image_type_support=general.query_placement_for_image_type_support,
        enable_isolated_aggregate_filtering=general.enable_isolated_aggregate_filtering,
        image_metadata_prefilter=general.image_metadata_prefilter,
        query_placement_for_routed_network_aggregates=general.query_placement_for_routed_network_aggregates,
        set_aside_after_failures=section.set_aside_after_failures or NEVER,
        set_aside_s=section.set_aside_seconds,
    )


def _worths(option: str, entries: Sequence[str]) -> dict[str, float]:
    """`NAME=WORTH` entries. Errors: BadConfiguration."""
    found = {}
    for entry in entries:
        name, _, worth = entry.partition("=")
        try:
            found[name.strip()] = float(worth)
        except ValueError as error:
            raise BadConfiguration(f"{option}: {entry} is not NAME=WORTH, as in cpu.percent=-1.0.") from error
    return found


def network(config: Config) -> NetworkSettings:
    return NetworkSettings(zone=config.default.default_availability_zone, max_limit=config.api.max_limit)


def volume(config: Config, state: StateDir) -> VolumeSettings:
    return VolumeSettings(
        directory=state.volumes,
        host=config.default.host,
        availability_zone=config.default.default_availability_zone,
    )


def vendor(config: Config) -> VendorSource:
    section = config.api
    return VendorSource(
        static=Path(section.vendordata_jsonfile_path) if section.vendordata_jsonfile_path else None,
        targets=section.vendordata_dynamic_targets,
        connect_timeout_s=section.vendordata_dynamic_connect_timeout,
        read_timeout_s=section.vendordata_dynamic_read_timeout,
        fatal=section.vendordata_dynamic_failure_fatal,
    )


def offer(config: Config) -> Offer:
    """Errors: BadConfiguration."""
    compute = config.compute
    try:
        return read_offer(
            dedicated=compute.cpu_dedicated_set,
            shared=compute.cpu_shared_set,
            reserved_huge_pages=config.default.reserved_huge_pages,
            device_spec=config.pci.device_spec,
        )
    except BadRequest as error:
        raise BadConfiguration(error.message) from error


def pci_aliases(config: Config) -> dict[str, PciAlias]:
    """Errors: BadConfiguration."""
    try:
        return read_aliases(config.pci.alias)
    except BadHardware as error:
        raise BadConfiguration(error.message) from error


def simulated_hardware(config: Config) -> SimulatedHardware:
    """Errors: BadConfiguration."""
    section = config.simulated
    try:
        devices = tuple(msgspec.json.decode(text, type=PciDevice) for text in section.pci_device)
    except msgspec.DecodeError as error:
        raise BadConfiguration(f"[simulated] pci_device: {error}") from error
    return SimulatedHardware(
        cells=section.numa_cells,
        threads_per_core=section.threads_per_core,
        huge_pages_mib=section.huge_pages_mb,
        devices=devices,
    )


def host(config: Config) -> HostSettings:
    default = config.default
    return HostSettings(
        host_ip=default.my_ip,
        report_interval_s=default.report_interval,
        zone=default.default_availability_zone,
        force_config_drive=default.force_config_drive,
        domain=config.api.dhcp_domain,
        ephemeral_format=default.default_ephemeral_format,
        sync_interval_s=default.sync_power_state_interval,
        max_concurrent_builds=default.max_concurrent_builds,
        monitors=default.compute_monitors,
        offer=offer(config),
        lendings=_lendings(config),
    )


def _lendings(config: Config) -> dict[str, Lending]:
    vnc, spice, serial = config.vnc, config.spice, config.serial_console
    places = {
        "vnc": (vnc.server_listen, vnc.server_proxyclient_address),
        "spice": (spice.server_listen, spice.server_proxyclient_address),
        "serial": (serial.proxyclient_address, None),
    }
    open_s = config.consoleauth.token_ttl
    return {
        kind: Lending(listen=listen, told=told or listen, open_s=open_s)
        for kind, (listen, told) in places.items()
        if listen is not None
    }


def api(config: Config, state: StateDir, base_url: str) -> ApiSettings:
    quota = config.quota
    ws_url = base_url.replace("http", "ws", 1)
    enabled = {
        "novnc": config.vnc.enabled,
        "spice-html5": config.spice.enabled,
        "spice-direct": config.spice.enabled,
        "serial": config.serial_console.enabled,
    }
    return ApiSettings(
        max_limit=config.api.max_limit,
        max_request_body_size=config.oslo_middleware.max_request_body_size,
        concurrent_reads=config.api.concurrent_reads,
        concurrent_writes=config.api.concurrent_writes,
        longest_read_wait_s=config.api.longest_read_wait,
        longest_write_wait_s=config.api.longest_write_wait,
        identity_url=f"{base_url}/identity",
        link_prefix=config.api.compute_link_prefix or "",
        image_url=config.api.glance_link_prefix or "",
        enable_instance_password=config.api.enable_instance_password,
        password_length=config.default.password_length,
        max_local_block_devices=config.default.max_local_block_devices,
        default_zone=config.default.default_availability_zone,
        default_schedule_zone=config.default.default_schedule_zone,
        reclaim_instance_interval_s=config.default.reclaim_instance_interval,
        novncproxy_base_url=config.vnc.novncproxy_base_url or f"{base_url}/console/novnc/vnc_lite.html",
        spice_base_url=config.spice.html5proxy_base_url or f"{base_url}/console/spice-html5/spice_auto.html",
        spice_direct_base_url=config.spice.spice_direct_proxy_base_url,
        serial_base_url=config.serial_console.base_url or f"{ws_url}/console/serial",
        pci_aliases=pci_aliases(config),
        enabled_consoles=frozenset(kind for kind, on in enabled.items() if on),
        service_down_time_s=config.default.service_down_time,
        policy_file=str(state.root / config.oslo_policy.policy_file),
        routed_networks=config.scheduler.query_placement_for_routed_network_aggregates,
        quota={
            "instances": quota.instances,
            "cores": quota.cores,
            "ram": quota.ram,
            "metadata_items": quota.metadata_items,
            "injected_files": quota.injected_files,
            "injected_file_content_bytes": quota.injected_file_content_bytes,
            "injected_file_path_bytes": quota.injected_file_path_length,
            "key_pairs": quota.key_pairs,
            "server_groups": quota.server_groups,
            "server_group_members": quota.server_group_members,
        },
    )
