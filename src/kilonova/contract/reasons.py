"""Why hosts were left out, as codes that programs can tell apart; part of the API."""

from enum import StrEnum


class Reason(StrEnum):
    """One per kind of question that hosts are asked."""

    NO_HOSTS = "no_hosts"
    NO_SUCH_HOST = "no_such_host"
    NOT_REQUESTED = "not_the_requested_host"
    NOT_IN_SERVICE = "not_in_service"
    ZONE = "availability_zone"
    PROJECT = "kept_for_other_projects"
    AGGREGATE = "aggregate_metadata"
    TRAITS = "traits"
    NETWORK = "network_segments"
    RESOURCES = "resources"
    CAPABILITIES = "capabilities"
    IMAGE = "image_properties"
    GROUP = "server_group"
    HINT = "scheduler_hint"
    LOAD = "too_much_going_on"
    METRICS = "metrics_missing"
    NUMA = "numa_topology"
    PCI = "pci_devices"
    OWN = "own_filter"
