"""What operators can set, by nova.conf's names; the defaults are Nova's unless said otherwise."""

from collections.abc import Mapping

import msgspec

from kilonova.model.fitting.pci import PciAlias

DEFAULT_FILTERS = (
    "ComputeFilter",
    "ComputeCapabilitiesFilter",
    "ImagePropertiesFilter",
    "ServerGroupAntiAffinityFilter",
    "ServerGroupAffinityFilter",
    "SameHostFilter",
    "DifferentHostFilter",
)

DEFAULT_MULTIPLIERS: dict[str, float] = {
    "ram_weight_multiplier": 1.0,
    "cpu_weight_multiplier": 1.0,
    "disk_weight_multiplier": 1.0,
    "io_ops_weight_multiplier": -1.0,
    "num_instances_weight_multiplier": 0.0,
    "build_failure_weight_multiplier": 1000000.0,
    "hypervisor_version_weight_multiplier": 1.0,
    "soft_affinity_weight_multiplier": 1.0,
    "soft_anti_affinity_weight_multiplier": 1.0,
    "pci_weight_multiplier": 1.0,
    "cross_cell_move_weight_multiplier": 1000000.0,
    "image_props_weight_multiplier": 0.0,
}

# Names that stand for everything that is built in, as nova.conf has them.
ALL_FILTERS = "nova.scheduler.filters.all_filters"
ALL_WEIGHERS = "nova.scheduler.weights.all_weighers"

CAPACITY, MIN_MAX = "capacity", "min_max"


class SchedulerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Sections [filter_scheduler], [scheduler], [DEFAULT] and [metrics] of nova.conf."""

    available_filters: tuple[str, ...] = (ALL_FILTERS,)
    enabled_filters: tuple[str, ...] = DEFAULT_FILTERS
    weight_classes: tuple[str, ...] = (ALL_WEIGHERS,)
    # `capacity`: each host by what it has itself; `min_max`: the hosts of a request with one another, as Nova does.
    weight_normalization: str = CAPACITY
    host_subset_size: int = 1
    # Of how many of the best hosts a server's action keeps the scores.
    told_candidates: int = 3
    shuffle_best_same_weighed_hosts: bool = False
    # Those that differ from the defaults.
    multipliers: Mapping[str, float] = {}
    max_instances_per_host: int = 50
    max_io_ops_per_host: int = 8
    isolated_images: tuple[str, ...] = ()
    isolated_hosts: tuple[str, ...] = ()
    restrict_isolated_hosts_to_isolated_images: bool = True
    aggregate_image_properties_isolation_namespace: str | None = None
    aggregate_image_properties_isolation_separator: str = "."
    image_properties_default_architecture: str | None = None
    # What a property of the image that other servers of a host share is worth; empty: 1 each.
    image_props_weight_setting: Mapping[str, float] = {}
    metrics_weight_setting: Mapping[str, float] = {}
    metrics_weight_multiplier: float = 1.0
    metrics_required: bool = True
    metrics_weight_of_unavailable: float = -10000.0
    pci_aliases: Mapping[str, PciAlias] = {}
    service_down_time_s: float = 60.0
    default_availability_zone: str = "nova"
    limit_tenants_to_placement_aggregate: bool = False
    placement_aggregate_required_for_tenants: bool = False
    query_placement_for_image_type_support: bool = False
    enable_isolated_aggregate_filtering: bool = False
    image_metadata_prefilter: bool = False
    query_placement_for_routed_network_aggregates: bool = False
    # A host whose last so many builds failed is left alone for so long ("fail magnet"); Nova has the weigher only.
    set_aside_after_failures: int = 3
    set_aside_s: float = 300.0

    def multiplier(self, option: str, default: float = 0.0) -> float:
        """`default` for options that only a plug-in knows."""
        if option == "metrics_weight_multiplier":
            return self.metrics_weight_multiplier
        return self.multipliers.get(option, DEFAULT_MULTIPLIERS.get(option, default))

    def weighs(self, name: str) -> bool:
        """Whether a built-in weigher is among `weight_classes`."""
        return any(one == ALL_WEIGHERS or one.rpartition(".")[2] == name for one in self.weight_classes)
