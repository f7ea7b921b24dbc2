"""The calls behind the API samples: what is asked, once a cloud with a bit of everything stands.

`{…}` in paths and bodies are ids of `Furnished`, `{v}` is the version's minor number (names must differ).
"""

from typing import Any

_PAIR = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDx8nkQv/zgGgB4rMYmIf+6A4l6Rr+o/6lHBQdW5aYd44bd8JttDCE/F/pNRr0lRE+PiqSPO"
    "8nDPHw0010JeMH9gYgnnFlyY3/OcJ02RhIPyyxYpv9FhY+2YiUkpwFOcLImyrxEsYXpD/0d3ac30bNH6Sw9JD9UZHYcpSxsIbECHw== any"
)
_FLAVOR = {"name": "f{v}", "ram": 1024, "vcpus": 2, "disk": 10, "id": "f{v}"}
_SPECS = {"hw:cpu_policy": "shared", "hw:numa_nodes": "1"}
_SNAPSHOT_INFO = {"snapshot_id": "{volume}", "type": "qcow2", "new_file": "new", "id": "{volume}"}
_RULE = {
    "parent_group_id": "{security_group}", "ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr": "10.0.0.0/24",
}  # fmt: skip
_HOST_BODY = {"host": "host1", "binary": "nova-compute"}

# GET unless the value says otherwise.
READS: dict[str, str] = {
    "extension-info/extensions-get-resp": "/extensions/os-agents",
    "extension-info/extensions-list-resp": "/extensions",
    "extension-info/extensions-list-resp-v21-compatible": "/extensions",
    "flavor-access/flavor-access-list-resp": "/flavors/private/os-flavor-access",
    "flavor-extra-specs/flavor-extra-specs-get-resp": "/flavors/described/os-extra_specs/hw:numa_nodes",
    "flavor-extra-specs/flavor-extra-specs-list-resp": "/flavors/described/os-extra_specs",
    "flavors/flavor-get-resp": "/flavors/described",
    "flavors/flavors-detail-resp": "/flavors/detail",
    "flavors/flavors-list-resp": "/flavors",
    "images/image-get-resp": "/images/{image}",
    "images/image-meta-key-get": "/images/{image}/metadata/kernel_id",
    "images/image-metadata-get-resp": "/images/{image}/metadata",
    "images/images-details-get-resp": "/images/detail",
    "images/images-list-get-resp": "/images",
    "limits/limit-get-resp": "/limits",
    "os-aggregates/aggregates-get-resp": "/os-aggregates/1",
    "os-aggregates/aggregates-list-get-resp": "/os-aggregates",
    "os-availability-zone/availability-zone-detail-resp": "/os-availability-zone/detail",
    "os-availability-zone/availability-zone-list-resp": "/os-availability-zone",
    "os-console-auth-tokens/get-console-connect-info-get-resp": "/os-console-auth-tokens/{token}",
    "os-floating-ip-pools/floatingippools-list-resp": "/os-floating-ip-pools",
    "os-floating-ips/floating-ips-get-resp": "/os-floating-ips/{floating_ip}",
    "os-floating-ips/floating-ips-list-empty-resp": "/os-floating-ips",
    "os-floating-ips/floating-ips-list-resp": "/os-floating-ips",
    "os-hosts/host-get-resp": "/os-hosts/host1",
    "os-hosts/hosts-list-resp": "/os-hosts",
    "os-hypervisors/hypervisors-detail-resp": "/os-hypervisors/detail?limit=1",
    "os-hypervisors/hypervisors-detail-with-servers-resp": "/os-hypervisors/detail?with_servers=1",
    "os-hypervisors/hypervisors-list-resp": "/os-hypervisors?limit=1",
    "os-hypervisors/hypervisors-search-resp": "/os-hypervisors/host1/search",
    "os-hypervisors/hypervisors-show-resp": "/os-hypervisors/{hypervisor}",
    "os-hypervisors/hypervisors-show-with-servers-resp": "/os-hypervisors/{hypervisor}?with_servers=1",
    "os-hypervisors/hypervisors-statistics-resp": "/os-hypervisors/statistics",
    "os-hypervisors/hypervisors-uptime-resp": "/os-hypervisors/{hypervisor}/uptime",
    "os-hypervisors/hypervisors-with-servers-resp": "/os-hypervisors/host1/servers",
    "os-hypervisors/hypervisors-without-servers-resp": "/os-hypervisors/host2/servers",
    "os-instance-usage-audit-log/inst-usage-audit-log-index-get-resp": "/os-instance_usage_audit_log",
    "os-instance-usage-audit-log/inst-usage-audit-log-show-get-resp": (
        "/os-instance_usage_audit_log/2012-07-05 10:00:00"
    ),
    "os-keypairs/keypairs-get-resp": "/os-keypairs/a",
    "os-keypairs/keypairs-list-resp": "/os-keypairs?limit=1",
    "os-keypairs/keypairs-list-user1-resp": "/os-keypairs?user_id=user-member",
    "os-keypairs/keypairs-list-user2-resp": "/os-keypairs?user_id=user-member&limit=1",
    "os-migrations/migrations-get": "/os-migrations",
    "os-migrations/migrations-get-with-changes-before": "/os-migrations?changes-before=2026-01-01T12:00:00Z",
    "os-migrations/migrations-get-with-changes-since": "/os-migrations?changes-since=2026-01-02T00:00:00Z",
    "os-migrations/migrations-get-with-limit": "/os-migrations?limit=1",
    "os-migrations/migrations-get-with-marker": "/os-migrations?marker={last_migration}",
    "os-migrations/migrations-get-with-user-or-project-id": "/os-migrations?user_id=user-member",
    "os-networks/network-show-resp": "/os-networks/{network}",
    "os-networks/networks-list-resp": "/os-networks",
    "os-quota-class-sets/quota-classes-show-get-resp": "/os-quota-class-sets/default",
    "os-quota-sets/quotas-show-defaults-get-resp": "/os-quota-sets/{project}/defaults",
    "os-quota-sets/quotas-show-detail-get-resp": "/os-quota-sets/{project}/detail",
    "os-quota-sets/quotas-show-get-resp": "/os-quota-sets/{project}",
    "os-quota-sets/user-quotas-show-get-resp": "/os-quota-sets/{project}?user_id=anna",
    "os-security-groups/security-groups-get-resp": "/os-security-groups/{security_group}",
    "os-security-groups/security-groups-list-get-resp": "/os-security-groups",
    "os-server-groups/server-groups-get-resp": "/os-server-groups/{group}",
    "os-server-groups/server-groups-list-resp": "/os-server-groups",
    "os-services/services-list-get-resp": "/os-services",
    "os-simple-tenant-usage/simple-tenant-usage-get": "/os-simple-tenant-usage?start=2020-01-01T00:00:00&limit=1",
    "os-simple-tenant-usage/simple-tenant-usage-get-all": (
        "/os-simple-tenant-usage?start=2020-01-01T00:00:00&detailed=1"
    ),
    "os-simple-tenant-usage/simple-tenant-usage-get-detail": (
        "/os-simple-tenant-usage?start=2020-01-01T00:00:00&detailed=1&limit=1"
    ),
    "os-simple-tenant-usage/simple-tenant-usage-get-specific": (
        "/os-simple-tenant-usage/{project}?start=2020-01-01T00:00:00&limit=1"
    ),
    "os-snapshots/snapshots-detail-resp": "/os-snapshots/detail",
    "os-snapshots/snapshots-list-resp": "/os-snapshots",
    "os-snapshots/snapshots-show-resp": "/os-snapshots/{snapshot}",
    "os-tenant-networks/networks-list-res": "/os-tenant-networks",
    "os-volumes/os-volumes-detail-resp": "/os-volumes/detail",
    "os-volumes/os-volumes-get-resp": "/os-volumes/{volume}",
    "os-volumes/os-volumes-index-resp": "/os-volumes",
    "server-migrations/migrations-get": "/servers/{server}/migrations/2",
    "server-migrations/migrations-index": "/servers/{server}/migrations",
}

# Since 2.53 names are looked for in the query.
READS_FROM_53 = {
    "os-hypervisors/hypervisors-search-resp": "/os-hypervisors?hypervisor_hostname_pattern=host1",
    "os-hypervisors/hypervisors-with-servers-resp": "/os-hypervisors?hypervisor_hostname_pattern=host1&with_servers=1",
    "os-hypervisors/hypervisors-without-servers-resp": (
        "/os-hypervisors?hypervisor_hostname_pattern=host2&with_servers=1"
    ),
}

# Method, path, body.
Call = tuple[str, str, Any]
_QUOTA = "/os-quota-sets/{project}"
_ADD: Call = ("POST", "/os-aggregates/3/action", {"add_host": {"host": "host2"}})
_REMOVE: Call = ("POST", "/os-aggregates/3/action", {"remove_host": {"host": "host2"}})

WRITES: dict[str, Call] = {
    "flavor-access/flavor-access-add-tenant-resp": (
        "POST", "/flavors/secret/action", {"addTenantAccess": {"tenant": "{project}"}},
    ),
    "flavor-access/flavor-access-remove-tenant-resp": (
        "POST", "/flavors/secret/action", {"removeTenantAccess": {"tenant": "{project}"}},
    ),
    "flavor-extra-specs/flavor-extra-specs-create-resp": (
        "POST", "/flavors/1/os-extra_specs", {"extra_specs": _SPECS},
    ),
    "flavor-extra-specs/flavor-extra-specs-update-resp": (
        "PUT", "/flavors/1/os-extra_specs/hw:numa_nodes", {"hw:numa_nodes": "2"},
    ),
    "flavor-manage/flavor-create-post-resp": ("POST", "/flavors", {"flavor": _FLAVOR}),
    "flavor-manage/flavor-update-resp": ("PUT", "/flavors/2", {"flavor": {"description": "updated description"}}),
    "images/image-meta-key-put-resp": (
        "PUT", "/images/{image}/metadata/auto_disk_config", {"meta": {"auto_disk_config": "False"}},
    ),
    "images/image-metadata-post-resp": (
        "POST", "/images/{image}/metadata", {"metadata": {"kernel_id": "False", "Label": "Updated"}},
    ),
    "images/image-metadata-put-resp": (
        "PUT", "/images/{image}/metadata", {"metadata": {"auto_disk_config": "True", "Label": "Changed"}},
    ),
    "os-aggregates/aggregate-post-resp": (
        "POST", "/os-aggregates", {"aggregate": {"name": "a{v}", "availability_zone": "london"}},
    ),
    "os-aggregates/aggregate-update-post-resp": (
        "PUT", "/os-aggregates/2", {"aggregate": {"name": "new{v}", "availability_zone": "nova2"}},
    ),
    "os-aggregates/aggregates-add-host-post-resp": _ADD,
    "os-aggregates/aggregates-remove-host-post-resp": _REMOVE,
    "os-aggregates/aggregates-metadata-post-resp": (
        "POST", "/os-aggregates/2/action", {"set_metadata": {"metadata": {"key": "value"}}},
    ),
    "os-assisted-volume-snapshots/snapshot-create-assisted-resp": (
        "POST", "/os-assisted-volume-snapshots",
        {"snapshot": {"volume_id": "{held_volume}", "create_info": _SNAPSHOT_INFO}},
    ),
    "os-floating-ips/floating-ips-create-resp": ("POST", "/os-floating-ips", {"pool": "public"}),
    "os-keypairs/keypairs-import-post-resp": (
        "POST", "/os-keypairs", {"keypair": {"name": "imported{v}", "public_key": _PAIR}},
    ),
    "os-keypairs/keypairs-post-resp": ("POST", "/os-keypairs", {"keypair": {"name": "made{v}"}}),
    "os-quota-class-sets/quota-classes-update-post-resp": (
        "PUT", "/os-quota-class-sets/silver", {"quota_class_set": {"instances": 50, "cores": 50}},
    ),
    "os-quota-sets/quotas-update-force-post-resp": (
        "PUT", _QUOTA, {"quota_set": {"force": "True", "instances": 45}},
    ),
    "os-quota-sets/quotas-update-post-resp": ("PUT", _QUOTA, {"quota_set": {"instances": 45}}),
    "os-quota-sets/user-quotas-update-post-resp": (
        "PUT", _QUOTA + "?user_id=anna", {"quota_set": {"force": "True", "instances": 9}},
    ),
    "os-security-groups/security-group-rules-post-resp": (
        "POST", "/os-security-group-rules", {"security_group_rule": _RULE},
    ),
    "os-security-groups/security-groups-create-resp": (
        "POST", "/os-security-groups", {"security_group": {"name": "test", "description": "description"}},
    ),
    "os-server-external-events/event-create-resp": (
        "POST", "/os-server-external-events",
        {"events": [{"name": "network-changed", "server_uuid": "{server}", "tag": "foo", "status": "completed"}]},
    ),
    "os-server-groups/server-groups-post-resp": (
        "POST", "/os-server-groups", {"server_group": {"name": "test", "policies": ["anti-affinity"]}},
    ),
    "os-services/service-disable-log-put-resp": (
        "PUT", "/os-services/disable-log-reason", {**_HOST_BODY, "disabled_reason": "test2"},
    ),
    "os-services/service-disable-put-resp": ("PUT", "/os-services/disable", _HOST_BODY),
    "os-services/service-enable-put-resp": ("PUT", "/os-services/enable", _HOST_BODY),
    "os-services/service-force-down-put-resp": (
        "PUT", "/os-services/force-down", {**_HOST_BODY, "forced_down": False},
    ),
    "os-snapshots/snapshot-create-resp": (
        "POST", "/os-snapshots",
        {"snapshot": {"display_name": "s", "display_description": "d", "volume_id": "{loose_volume}", "force": False}},
    ),
    "os-volumes/os-volumes-post-resp": (
        "POST", "/os-volumes",
        {"volume": {"display_name": "v", "display_description": "d", "size": 1, "metadata": {"a": "b"}}},
    ),
}  # fmt: skip

# The same from a version on: (first version, call).
_SERVICE = "/os-services/{service}"
LATER_WRITES: dict[str, tuple[int, Call]] = {
    "os-server-groups/server-groups-post-resp": (
        64, ("POST", "/os-server-groups",
             {"server_group": {"name": "test", "policy": "anti-affinity", "rules": {"max_server_per_host": 3}}}),
    ),
    "os-services/service-disable-log-put-resp": (
        53, ("PUT", _SERVICE, {"status": "disabled", "disabled_reason": "maintenance"}),
    ),
    "os-services/service-disable-put-resp": (53, ("PUT", _SERVICE, {"status": "disabled"})),
    "os-services/service-enable-put-resp": (53, ("PUT", _SERVICE, {"status": "enabled"})),
    "os-services/service-force-down-put-resp": (53, ("PUT", _SERVICE, {"forced_down": False})),
}  # fmt: skip


# What makes a call possible (again).
BEFORE: dict[str, Call] = {
    "os-aggregates/aggregates-add-host-post-resp": _REMOVE,
    "os-aggregates/aggregates-remove-host-post-resp": _ADD,
}


def call_of(name: str, version: int) -> Call:
    """The call whose answer is the sample `name`."""
    later = LATER_WRITES.get(name)
    if later is not None and version >= later[0]:
        return later[1]
    if version >= 53 and name in READS_FROM_53:
        return "GET", READS_FROM_53[name], None
    if name in WRITES:
        return WRITES[name]
    return "GET", READS[name], None
