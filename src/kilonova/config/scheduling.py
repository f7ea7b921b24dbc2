"""The scheduler's sections of nova.conf."""

from typing import Annotated, Literal

from kilonova.config.section import Section, about, repeated


class Scheduler(Section, frozen=True):
    max_attempts: Annotated[int, about("Hosts a new server is tried on, one after the other.", ge=1)] = 3
    limit_tenants_to_placement_aggregate: Annotated[
        bool, about("Projects that aggregates name (filter_tenant_id…) get hosts of these only.")
    ] = False
    placement_aggregate_required_for_tenants: Annotated[
        bool, about("With it, a project no aggregate names gets no host.")
    ] = False
    query_placement_for_image_type_support: Annotated[
        bool, about("Ask for hosts that say they know the image's disk format.")
    ] = False
    enable_isolated_aggregate_filtering: Annotated[
        bool, about("Aggregates with trait:X=required take servers only that ask for that trait.")
    ] = False
    image_metadata_prefilter: Annotated[
        bool, about("Ask for hosts that say they have the buses and models the image names.")
    ] = False
    query_placement_for_routed_network_aggregates: Annotated[
        bool, about("Ask for hosts that reach a segment of each network wanted.")
    ] = False


class FilterScheduler(Section, frozen=True):
    available_filters: Annotated[tuple[str, ...], repeated("Filters that may be enabled; own classes too.")] = (
        "nova.scheduler.filters.all_filters",
    )
    enabled_filters: Annotated[tuple[str, ...], about("The filters every host must pass, in order.")] = (
        "ComputeFilter",
        "ComputeCapabilitiesFilter",
        "ImagePropertiesFilter",
        "ServerGroupAntiAffinityFilter",
        "ServerGroupAffinityFilter",
        "SameHostFilter",
        "DifferentHostFilter",
    )
    weight_classes: Annotated[tuple[str, ...], about("The weighers that order the hosts; own ones too.")] = (
        "nova.scheduler.weights.all_weighers",
    )
    weight_normalization: Annotated[
        Literal["capacity", "min_max"],
        about("Weigh hosts by what each has itself, or against the others of a request as Nova does (fills less)."),
    ] = "capacity"
    host_subset_size: Annotated[int, about("Choose at random among so many of the best hosts.", ge=1)] = 1
    shuffle_best_same_weighed_hosts: Annotated[bool, about("Choose at random among equally good hosts.")] = False
    image_properties_default_architecture: Annotated[
        str | None, about("What ImagePropertiesFilter takes an image for that does not say.")
    ] = None
    isolated_images: Annotated[tuple[str, ...], about("Images, by id, for isolated_hosts only.")] = ()
    isolated_hosts: Annotated[tuple[str, ...], about("Hosts that take isolated_images.")] = ()
    restrict_isolated_hosts_to_isolated_images: Annotated[bool, about("And nothing else.")] = True
    aggregate_image_properties_isolation_namespace: Annotated[
        str | None, about("Only metadata that begins so counts for AggregateImagePropertiesIsolation.")
    ] = None
    aggregate_image_properties_isolation_separator: Annotated[str, about("What follows that namespace.")] = "."
    max_instances_per_host: Annotated[int, about("For NumInstancesFilter.", ge=1)] = 50
    max_io_ops_per_host: Annotated[int, about("For IoOpsFilter.", ge=0)] = 8
    cpu_weight_multiplier: Annotated[float, about("Above 0 spreads by free CPUs, below 0 packs.")] = 1.0
    ram_weight_multiplier: Annotated[float, about("The same by free memory.")] = 1.0
    disk_weight_multiplier: Annotated[float, about("The same by free disk.")] = 1.0
    io_ops_weight_multiplier: Annotated[float, about("Below 0 avoids hosts that build or move much.")] = -1.0
    soft_affinity_weight_multiplier: Annotated[float, about("For groups that like to be together.", ge=0)] = 1.0
    soft_anti_affinity_weight_multiplier: Annotated[float, about("For groups that like to be apart.", ge=0)] = 1.0
    build_failure_weight_multiplier: Annotated[float, about("Avoids hosts whose last builds failed.", ge=0)] = 1e6
    num_instances_weight_multiplier: Annotated[float, about("Above 0 prefers hosts with many servers.")] = 0.0
    hypervisor_version_weight_multiplier: Annotated[float, about("Above 0 prefers newer hypervisors.")] = 1.0
    pci_weight_multiplier: Annotated[float, about("Keeps hosts with PCI devices for those who want some.", ge=0)] = 1.0
    cross_cell_move_weight_multiplier: Annotated[float, about("All hosts are in one cell: changes nothing.")] = 1e6
    image_props_weight_multiplier: Annotated[
        float, about("Above 0 brings servers of like images together, below 0 apart.")
    ] = 0.0
    image_props_weight_setting: Annotated[
        tuple[str, ...], about("NAME=WORTH of the image properties that count; unset: all, 1 each.")
    ] = ()
    set_aside_after_failures: Annotated[
        int, about("A host whose last so many builds failed is left alone; 0: never.", ge=0)
    ] = 3
    set_aside_seconds: Annotated[int, about("For so long; then it is tried again.", ge=1)] = 300


class Metrics(Section, frozen=True):
    weight_multiplier: Annotated[float, about("What the metrics of a host count against the other weighers.")] = 1.0
    weight_setting: Annotated[tuple[str, ...], about("NAME=WORTH of the metrics hosts are weighed by.")] = ()
    required: Annotated[bool, about("Hosts that do not report them all are left out.")] = True
    weight_of_unavailable: Annotated[float, about("Else, what such a host weighs.")] = -10000.0
