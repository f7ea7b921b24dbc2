"""What each filter asks of hosts, in words, and the code of a no. Names no host."""

from collections.abc import Callable

from kilonova.contract.reasons import Reason
from kilonova.scheduler.filters.capabilities import asked as capabilities_asked
from kilonova.scheduler.request import Request

Asked = Callable[[Request], str]


def _nothing(request: Request) -> str:
    return ""


def _resources(request: Request) -> str:
    return ", ".join(f"{amount} {name}" for name, amount in request.needs.items())


def _traits(request: Request) -> str:
    wanted = request.traits
    return ", ".join([*sorted(wanted.required), *(f"not {name}" for name in sorted(wanted.forbidden))])


def _image(request: Request) -> str:
    names = ("hw_architecture", "img_hv_type", "hw_vm_mode", "img_hv_requested_version")
    properties = request.spec.image_properties
    asked = [f"{name}={properties[name]}" for name in names if properties.get(name)]
    default = request.settings.image_properties_default_architecture
    if default and not properties.get("hw_architecture"):
        asked.append(f"hw_architecture={default}")
    return ", ".join(asked)


def _group(request: Request) -> str:
    group = request.group
    return "" if group is None else f"{group.policy} of group {group.id}"


def _hint(*names: str) -> Asked:
    def told(request: Request) -> str:
        hints = request.spec.hints
        return ", ".join(f"{name}={' '.join(hints[name])}" for name in names if hints.get(name))

    return told


def _chosen(request: Request) -> str:
    return "the host asked for" if request.spec.requested_host else "another host"


def _extra_specs(request: Request) -> str:
    return ", ".join(f"{key}={value}" for key, value in request.spec.extra_specs.items())


def _devices(request: Request) -> str:
    """Aliases by name, ports by id."""
    return ", ".join(f"{one.name}:{one.count}" for one in request.demand.wanted.devices)


def _io_limit(request: Request) -> str:
    return f"fewer than {request.settings.max_io_ops_per_host} builds or moves going on"


def _server_limit(request: Request) -> str:
    return f"fewer than {request.settings.max_instances_per_host} servers"


_QUESTIONS: dict[str, tuple[Reason, Asked]] = {
    "RequestedHosts": (Reason.NOT_REQUESTED, _chosen),
    "ForcedHost": (Reason.NO_SUCH_HOST, lambda request: "the host asked for"),
    "RebuiltHost": (Reason.NO_SUCH_HOST, lambda request: "the server's own host"),
    "ComputeFilter": (Reason.NOT_IN_SERVICE, lambda request: "in service"),
    "AvailabilityZone": (Reason.ZONE, lambda request: f"availability zone {request.spec.availability_zone}"),
    "PlacementTenants": (Reason.PROJECT, lambda request: "open to this project"),
    "PlacementAggregates": (Reason.AGGREGATE, lambda request: "not kept for others"),
    "PlacementStatus": (Reason.NOT_IN_SERVICE, lambda request: "in service"),
    "PlacementSegments": (Reason.NETWORK, lambda request: "reaches the networks"),
    "PlacementTraits": (Reason.TRAITS, _traits),
    "PlacementResources": (Reason.RESOURCES, _resources),
    "AllHostsFilter": (Reason.OWN, _nothing),
    "ComputeCapabilitiesFilter": (
        Reason.CAPABILITIES,
        lambda request: ", ".join(f"{':'.join(path)} {wanted}" for path, wanted in capabilities_asked(request)),
    ),
    "ImagePropertiesFilter": (Reason.IMAGE, _image),
    "IsolatedHostsFilter": (Reason.IMAGE, lambda request: f"takes image {request.spec.image_id or 'none'}"),
    "ServerGroupAntiAffinityFilter": (Reason.GROUP, _group),
    "ServerGroupAffinityFilter": (Reason.GROUP, _group),
    "DifferentHostFilter": (Reason.HINT, _hint("different_host")),
    "SameHostFilter": (Reason.HINT, _hint("same_host")),
    "SimpleCIDRAffinityFilter": (Reason.HINT, _hint("build_near_host_ip", "cidr")),
    "JsonFilter": (Reason.HINT, _hint("query")),
    "AggregateInstanceExtraSpecsFilter": (Reason.AGGREGATE, _extra_specs),
    "AggregateImagePropertiesIsolation": (Reason.AGGREGATE, lambda request: "takes the image's properties"),
    "AggregateMultiTenancyIsolation": (Reason.PROJECT, lambda request: "open to this project"),
    "AggregateTypeAffinityFilter": (Reason.AGGREGATE, lambda request: f"flavor {request.spec.flavor_name}"),
    "IoOpsFilter": (Reason.LOAD, _io_limit),
    "AggregateIoOpsFilter": (Reason.LOAD, _io_limit),
    "NumInstancesFilter": (Reason.LOAD, _server_limit),
    "AggregateNumInstancesFilter": (Reason.LOAD, _server_limit),
    "MetricsFilter": (
        Reason.METRICS,
        lambda request: ", ".join(sorted(request.settings.metrics_weight_setting)),
    ),
    "NUMATopologyFilter": (Reason.NUMA, _extra_specs),
    "PciPassthroughFilter": (Reason.PCI, _devices),
}
_OWN: tuple[Reason, Asked] = (Reason.OWN, _nothing)


def reason_of(filter_name: str) -> Reason:
    return _QUESTIONS.get(filter_name, _OWN)[0]


def asked_of(filter_name: str, request: Request) -> str:
    return _QUESTIONS.get(filter_name, _OWN)[1](request)
