"""Each filter: what it lets through, and why it does not."""

import json

import pytest

from kilonova.contract.placement import Inventory
from kilonova.model.ids import HostName
from kilonova.scheduler.filters import FILTERS, placement
from kilonova.scheduler.filters.filter import ProfileFilter
from kilonova.scheduler.filters.image import version_fits
from kilonova.scheduler.filters.operators import matches
from kilonova.scheduler.host import HostState
from kilonova.scheduler.plugins import UnknownName
from kilonova.scheduler.request import Group, Request
from kilonova.scheduler.request_filters import ADDING, REQUEST_FILTERS
from kilonova.scheduler.rules import Rules
from kilonova.scheduler.settings import SchedulerSettings
from tests.scheduler.conftest import spec
from tests.scheduler.fleets import aggregate, host, inventories, make, request


def ask(name: str, one: HostState, wanted: Request) -> str | None:
    """What the filter of that name objects; None for nothing."""
    found = FILTERS[name]
    if isinstance(found, ProfileFilter):
        return found.judge(one.profile, wanted)
    return found.judge(one, wanted) if found.applies(wanted) else None


def test_compute_filter() -> None:
    one = host()
    assert ask("ComputeFilter", one, request()) is None
    one.enabled = False
    assert ask("ComputeFilter", one, request()) == "disabled"
    one.enabled, one.forced_down = True, True
    assert ask("ComputeFilter", one, request()) == "forced down"
    one.forced_down, one.seen_at = False, one.seen_at - 61
    assert ask("ComputeFilter", one, request()) == "not heard of lately"


def test_all_hosts_filter() -> None:
    assert ask("AllHostsFilter", host(), request()) is None


@pytest.mark.parametrize(
    ("specs", "objection"),
    [
        ({"capabilities:hypervisor_type": "QEMU"}, None),
        ({"capabilities:hypervisor_type": "s== KVM"}, "hypervisor_type is not s== KVM"),
        ({"capabilities:hypervisor_version": ">= 8000000"}, None),
        ({"capabilities:cpu_info:arch": "<or> x86_64 <or> aarch64"}, None),
        ({"capabilities:cpu_info:features": "<all-in> avx aes"}, None),
        ({"capabilities:cpu_info:features": "<in> avx512"}, "cpu_info:features is not <in> avx512"),
        ({"capabilities:free_ram_mb": ">= 9000"}, "free_ram_mb is not >= 9000"),
        ({"vcpus_total": ">= 16"}, "vcpus_total is not >= 16"),
        ({"capabilities:no_such_thing": "1"}, "no_such_thing is not 1"),
        ({"no_such_thing": "1", "hw:cpu_policy": "shared"}, None),
    ],
)
def test_compute_capabilities_filter(specs: dict[str, str], objection: str | None) -> None:
    assert ask("ComputeCapabilitiesFilter", host(), request(extra_specs=specs)) == objection


@pytest.mark.parametrize(
    ("properties", "objection"),
    [
        ({}, None),
        ({"hw_architecture": "amd64"}, None),
        ({"hw_architecture": "aarch64"}, "cannot run aarch64 guests"),
        ({"img_hv_type": "qemu", "hw_vm_mode": "hvm"}, None),
        ({"img_hv_type": "xen"}, "cannot run xen guests"),
        ({"img_hv_requested_version": ">=8.0, <9"}, None),
        ({"img_hv_requested_version": ">=9"}, "hypervisor version is not >=9"),
    ],
)
def test_image_properties_filter(properties: dict[str, str], objection: str | None) -> None:
    assert ask("ImagePropertiesFilter", host(), request(image_properties=properties)) == objection


def test_image_properties_filter_with_a_default_architecture() -> None:
    settings = SchedulerSettings(image_properties_default_architecture="s390x")
    assert ask("ImagePropertiesFilter", host(), request(settings)) == "cannot run s390x guests"


def test_isolated_hosts_filter() -> None:
    settings = SchedulerSettings(isolated_hosts=("host",), isolated_images=("gold",))
    assert ask("IsolatedHostsFilter", host(), request(settings, image_id="gold")) is None
    assert ask("IsolatedHostsFilter", host(), request(settings, image_id="tin")) == "kept for other images"
    elsewhere = SchedulerSettings(isolated_hosts=("other",), isolated_images=("gold",))
    assert ask("IsolatedHostsFilter", host(), request(elsewhere, image_id="gold")) == "not kept for this image"
    mixed = SchedulerSettings(isolated_hosts=("host",), restrict_isolated_hosts_to_isolated_images=False)
    assert ask("IsolatedHostsFilter", host(), request(mixed, image_id="tin")) is None


def group(policy: str, limit: int = 1, **members: int) -> Group:
    return Group(
        id="g",
        policy=policy,
        max_server_per_host=limit,
        members={HostName(name): count for name, count in members.items()},
    )


def test_server_group_anti_affinity_filter() -> None:
    name = "ServerGroupAntiAffinityFilter"
    assert ask(name, host(), request(group=group("anti-affinity", other=1))) is None
    assert ask(name, host(), request(group=group("anti-affinity", host=1))) == "1 members of group g already here"
    assert ask(name, host(), request(group=group("anti-affinity", 2, host=1))) is None
    assert ask(name, host(), request(group=group("soft-anti-affinity", host=1))) is None


def test_server_group_affinity_filter() -> None:
    name = "ServerGroupAffinityFilter"
    assert ask(name, host(), request(group=group("affinity"))) is None
    assert ask(name, host(), request(group=group("affinity", host=1))) is None
    assert ask(name, host(), request(group=group("affinity", other=1))) == "the members of group g are elsewhere"


def test_different_and_same_host_filters() -> None:
    here, elsewhere = frozenset({HostName("host")}), frozenset({HostName("other")})
    assert ask("DifferentHostFilter", host(), request(near={"different_host": elsewhere})) is None
    assert ask("DifferentHostFilter", host(), request(near={"different_host": here})) == (
        "has a server to keep away from"
    )
    assert ask("SameHostFilter", host(), request(near={"same_host": here})) is None
    assert ask("SameHostFilter", host(), request(near={"same_host": elsewhere})) == (
        "has none of the servers to be with"
    )


@pytest.mark.parametrize(
    ("hints", "objection"),
    [
        ({"build_near_host_ip": ["192.0.2.200"]}, None),
        ({"build_near_host_ip": ["192.0.2.200"], "cidr": ["/28"]}, "address not in 192.0.2.192/28"),
        ({"build_near_host_ip": ["nonsense"]}, "address or network in the hint is not valid"),
        ({"cidr": ["/28"]}, None),
    ],
)
def test_simple_cidr_affinity_filter(hints: dict[str, list[str]], objection: str | None) -> None:
    assert ask("SimpleCIDRAffinityFilter", host(), request(hints=hints)) == objection


@pytest.mark.parametrize(
    ("query", "objection"),
    [
        ([">=", "$free_ram_mb", 1024], None),
        (["and", [">=", "$free_ram_mb", 1024], ["<", "$vcpus_total", 4]], "the hint 'query' is not true"),
        (["or", ["=", "$hypervisor_type", "KVM"], ["in", "$hypervisor_type", "QEMU", "LXC"]], None),
        (["not", ["=", "$hypervisor_type", "KVM"]], None),
        (["=", "$no_such_thing", 1], "the hint 'query' is not true"),
        (["like", "$host", "h%"], "the hint 'query' cannot be evaluated: unknown operator 'like'"),
    ],
)
def test_json_filter(query: object, objection: str | None) -> None:
    assert ask("JsonFilter", host(), request(hints={"query": [json.dumps(query)]})) == objection


@pytest.mark.parametrize("query", ["nonsense", "[" * 5000, '[">", "$free_ram_mb", "many"]'])
def test_json_filter_with_a_bad_query(query: str) -> None:
    objection = ask("JsonFilter", host(), request(hints={"query": [query]}))
    assert objection is not None
    assert objection.startswith("the hint 'query' cannot be evaluated")


def test_aggregate_instance_extra_specs_filter() -> None:
    ssd = host(make(aggregates=aggregate(disk="ssd,nvme", size="16")))
    name = "AggregateInstanceExtraSpecsFilter"
    assert ask(name, ssd, request(extra_specs={"aggregate_instance_extra_specs:disk": "nvme"})) is None
    assert ask(name, ssd, request(extra_specs={"disk": "hdd"})) == "no aggregate with disk hdd"
    assert ask(name, ssd, request(extra_specs={"size": ">= 8"})) is None
    for key in ("aggregate_instance_extra_specs:disk", "disk"):
        assert ask(name, host(), request(extra_specs={key: "ssd"})) == "no aggregate with disk ssd"
    assert ask(name, host(), request(extra_specs={"hw:numa_nodes": "1", "group_policy": "none"})) is None


def test_aggregate_image_properties_isolation() -> None:
    windows = host(make(aggregates=aggregate(os_type="windows")))
    name = "AggregateImagePropertiesIsolation"
    assert ask(name, windows, request(image_properties={"os_type": "windows"})) is None
    assert ask(name, windows, request(image_properties={"os_type": "linux"})) == "kept for images with another os_type"
    assert ask(name, windows, request()) is None
    other_namespace = SchedulerSettings(aggregate_image_properties_isolation_namespace="iso")
    assert ask(name, windows, request(other_namespace, image_properties={"os_type": "linux"})) is None


def test_aggregate_multi_tenancy_isolation() -> None:
    theirs = host(make(aggregates=aggregate(filter_tenant_id="blue", filter_tenant_id2="green")))
    assert ask("AggregateMultiTenancyIsolation", theirs, request()) == "kept for other projects"
    assert ask("AggregateMultiTenancyIsolation", theirs, request(project_id="green")) is None
    assert ask("AggregateMultiTenancyIsolation", host(), request()) is None


def test_aggregate_type_affinity_filter() -> None:
    large = host(make(aggregates=aggregate(instance_type="large,huge")))
    assert ask("AggregateTypeAffinityFilter", large, request()) == "kept for other flavors"
    assert ask("AggregateTypeAffinityFilter", large, request(flavor_name="huge")) is None


def test_io_ops_filters() -> None:
    busy = host(make(aggregates=aggregate(max_io_ops_per_host="2")))
    busy.io_ops = 2
    assert ask("IoOpsFilter", busy, request()) is None
    assert ask("AggregateIoOpsFilter", busy, request()) == "2 builds or moves going on, 2 allowed"
    busy.io_ops = 8
    assert ask("IoOpsFilter", busy, request()) == "8 builds or moves going on, 8 allowed"


def test_num_instances_filters() -> None:
    full = host(make(aggregates=aggregate(max_instances_per_host="3")))
    full.servers = 3
    assert ask("NumInstancesFilter", full, request()) is None
    assert ask("AggregateNumInstancesFilter", full, request()) == "3 servers, 3 allowed"
    full.servers = 50
    assert ask("NumInstancesFilter", full, request()) == "50 servers, 50 allowed"


def test_metrics_filter() -> None:
    settings = SchedulerSettings(metrics_weight_setting={"cpu.load": -1.0})
    one = host()
    assert ask("MetricsFilter", one, request(settings)) == "does not report cpu.load"
    one.metrics = {"cpu.load": 0.5}
    assert ask("MetricsFilter", one, request(settings)) is None


def test_zones() -> None:
    west = host(make(zone="west"))
    assert placement.zone(west.profile, request(availability_zone="west")) is None
    assert placement.zone(west.profile, request(availability_zone="east")) == "not in availability zone east"


def test_traits() -> None:
    fast = host(make(traits=frozenset({"CUSTOM_FAST"})))
    assert placement.traits(fast.profile, request(extra_specs={"trait:CUSTOM_FAST": "required"})) is None
    assert placement.traits(fast.profile, request(extra_specs={"trait:CUSTOM_FAST": "forbidden"})) == (
        "with CUSTOM_FAST"
    )
    assert placement.traits(host().profile, request(image_properties={"trait:CUSTOM_FAST": "required"})) == (
        "without CUSTOM_FAST"
    )


@pytest.mark.parametrize(
    ("changes", "traits", "by"),
    [
        ({"extra_specs": {"hw:virtio_packed_ring": "true"}}, ["NET_VIRTIO_PACKED"], "packed_virtqueue_filter"),
        ({"extra_specs": {"accel:device_profile": "x"}}, ["ACCELERATORS"], "accelerators_filter"),
        ({"image_properties": {"hw_sound_model": "virtio"}}, ["SOUND_MODEL_VIRTIO"], "virtio_sound_filter"),
        (
            {"extra_specs": {"hw:tpm_version": "2.0", "hw:tpm_secret_security": "host"}},
            ["SECURITY_TPM_SECRET_SECURITY_HOST"],
            "tpm_secret_security_filter",
        ),
        (
            {"extra_specs": {"hw:ephemeral_encryption": "yes", "hw:ephemeral_encryption_format": "luks"}},
            ["EPHEMERAL_ENCRYPTION", "EPHEMERAL_ENCRYPTION_LUKS"],
            "ephemeral_encryption_filter",
        ),
        ({"remote_managed_ports": True}, ["REMOTE_MANAGED_PORTS"], "remote_managed_ports_filter"),
    ],
)
def test_what_is_asked_for_implies_traits(changes: dict[str, object], traits: list[str], by: str) -> None:
    told = ", ".join(f"COMPUTE_{name} (wanted by {by})" for name in traits)
    assert placement.traits(host().profile, request(**changes)) == f"without {told}"  # type: ignore[arg-type]
    having = host(make(traits=frozenset(f"COMPUTE_{name}" for name in traits)))
    assert placement.traits(having.profile, request(**changes)) is None  # type: ignore[arg-type]


def test_a_host_marked_as_disabled_in_placement_is_left_out() -> None:
    marked = host(make(traits=frozenset({"COMPUTE_STATUS_DISABLED"})))
    assert placement.status(marked.profile, request()) == "marked as disabled in placement"
    assert placement.status(host().profile, request()) is None


def test_routed_networks_want_a_host_that_reaches_a_segment_of_each() -> None:
    one = host(make(aggregates=aggregate()))
    assert placement.segments(one.profile, request(segment_aggregates=(("1", "2"),))) is None
    apart = request(segment_aggregates=(("1",), ("3",)))
    assert placement.segments(one.profile, apart) == "reaches no segment of a network wanted"


def test_all_request_filters_of_nova_are_there_in_its_order() -> None:
    assert len(REQUEST_FILTERS) == 14
    adding = [one.name for one in ADDING]
    assert [name for name in REQUEST_FILTERS if name in adding] == adding


def test_image_traits_only_when_set() -> None:
    settings = SchedulerSettings(query_placement_for_image_type_support=True, image_metadata_prefilter=True)
    properties = {"disk_format": "qcow2", "hw_disk_bus": "scsi"}
    assert placement.traits(host().profile, request(image_properties=properties)) is None
    assert placement.traits(host().profile, request(settings, image_properties=properties)) == (
        "without COMPUTE_IMAGE_TYPE_QCOW2 (wanted by require_image_type_support), "
        "COMPUTE_STORAGE_BUS_SCSI (wanted by transform_image_metadata)"
    )


def test_tenant_aggregates() -> None:
    settings = SchedulerSettings(
        limit_tenants_to_placement_aggregate=True, placement_aggregate_required_for_tenants=True
    )
    theirs = host(make(aggregates=aggregate(filter_tenant_id="blue")))
    rules = Rules(settings)
    rules.projects = frozenset({"blue"})
    blue, red = (rules.request(spec(project_id=project), now=0.0) for project in ("blue", "red"))
    assert placement.tenant(theirs.profile, blue) is None
    assert placement.tenant(host().profile, blue) == "not given to this project"
    assert placement.tenant(theirs.profile, red) == "no host is given to this project"
    rules = Rules(SchedulerSettings(limit_tenants_to_placement_aggregate=True))
    assert placement.tenant(theirs.profile, rules.request(spec(project_id="red"), now=0.0)) is None
    assert placement.tenant(theirs.profile, request()) is None


def test_isolated_aggregates() -> None:
    settings = SchedulerSettings(enable_isolated_aggregate_filtering=True)
    licensed = host(make(aggregates=aggregate(**{"trait:CUSTOM_LICENSED": "required"})))
    assert placement.isolated(licensed.profile, request(settings)) == "kept for servers that ask for CUSTOM_LICENSED"
    asked = request(settings, extra_specs={"trait:CUSTOM_LICENSED": "required"})
    assert placement.isolated(licensed.profile, asked) is None


def test_sizes() -> None:
    big_pages = make(inventories=(("MEMORY_MB", Inventory(total=8192, step_size=1024, max_unit=4096)),))
    profile = host(big_pages).profile
    assert placement.sizes(profile, request(vcpus=0, root_gib=0, memory_mib=2048)) is None
    assert placement.sizes(profile, request(vcpus=0, root_gib=0, memory_mib=1536)) == (
        "MEMORY_MB: wanted 1536, only multiples of 1024 can be had"
    )
    assert placement.sizes(profile, request(vcpus=0, root_gib=0, memory_mib=8192)) == (
        "MEMORY_MB: wanted 8192, at most 4096 can be had at once"
    )
    assert placement.sizes(profile, request(memory_mib=1024)) == "VCPU: wanted 1, has none"


def test_resources_in_extra_specs_override() -> None:
    gpus = host(make(inventories=inventories(VGPU=2)))
    wanted = request(extra_specs={"resources:VGPU": "1", "resources:VCPU": "0"})
    assert wanted.needs == {"MEMORY_MB": 1024, "DISK_GB": 1, "VGPU": 1}
    assert placement.sizes(gpus.profile, wanted) is None
    groups = {"resources1:VGPU": "1", "resources_b:VGPU": "2", "resources:MEMORY_MB": "64", "resources1:DISK_GB": "7"}
    wanted = request(extra_specs=groups)
    assert wanted.needs == {"VCPU": 1, "MEMORY_MB": 64, "DISK_GB": 7, "VGPU": 3}
    assert placement.sizes(gpus.profile, wanted) is not None


@pytest.mark.parametrize(
    ("value", "wanted", "fits"),
    [
        ("4", "= 4", True),
        ("5", "= 4", True),
        ("3", ">= 4", False),
        ("4", "!= 4", False),
        ("many", ">= 4", False),
        ("abc", "<in> b", True),
        ("abc", "<all-in> a c", True),
        ("abc", "<or> abd <or> abc", True),
        ("b", "s> a", True),
        ("b", "s<= a", False),
        ("plain text", "plain text", True),
        ("", "", True),
    ],
)
def test_operators(value: str, wanted: str, fits: bool) -> None:
    assert matches(value, wanted) is fits


def test_versions() -> None:
    assert version_fits(8002001, "==8.2.1")
    assert version_fits(8002001, "8.2.1")
    assert not version_fits(8002001, "!=8.2.1")
    assert not version_fits(8002001, "nonsense")


def test_an_unknown_filter_is_named() -> None:
    with pytest.raises(UnknownName, match="there is no TrustedFilter"):
        Rules(SchedulerSettings(enabled_filters=("ComputeFilter", "TrustedFilter")))
