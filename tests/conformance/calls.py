"""For each operation a call that should succeed. Names in braces are things of `Place`.

Rows that are not here take the path with what `PARAMETERS` says, and no body.
"""

from typing import Any, NamedTuple

PUBLIC_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDx8nkQv/zgGgB4rMYmIf+6A4l6Rr+o/6lHBQdW5aYd44bd8JttDCE/F/pNRr0lRE+PiqSPO8nDPHw0010JeMH9gYgnnFlyY3/OcJ02RhIPyyxYpv9FhY+2YiUkpwFOcLImyrxEsYXpD/0d3ac30bNH6Sw9JD9UZHYcpSxsIbECHw== any"  # noqa: E501


class Call(NamedTuple):
    path: str
    body: Any = None


# Collection → what stands in its paths for `{id}` and the like.
PARAMETERS = {
    "/servers/{server_id}/migrations/{id}": "/servers/{moving}/migrations/{migration}",
    "/servers/{server_id}/migrations": "/servers/{moving}/migrations",
    "/servers/{server_id}/os-volume_attachments/{id}": "/servers/{holder}/os-volume_attachments/{held}",
    "/servers/{server_id}/os-interface/{id}": "/servers/{server}/os-interface/{port_of_wired}",
    "/servers/{server_id}/os-instance-actions/{id}": "/servers/{server}/os-instance-actions/{action_request}",
    "/servers/{server_id}/metadata/{id}": "/servers/{server}/metadata/foo",
    "/servers/{server_id}/tags/{id}": "/servers/{server}/tags/tag1",
    "/servers/{server_id}/ips/{id}": "/servers/{server}/ips/private",
    "/versions/{id}": "/versions/v2.1",
    "/extensions/{id}": "/extensions/os-agents",
    "/flavors/{flavor_id}/os-extra_specs/{id}": "/flavors/{flavor}/os-extra_specs/hw:numa_nodes",
    "/flavors/{flavor_id}": "/flavors/{flavor}",
    "/flavors/{id}": "/flavors/{flavor}",
    "/images/{image_id}/metadata/{id}": "/images/{image}/metadata/kernel_id",
    "/images/{image_id}": "/images/{image}",
    "/images/{id}": "/images/{image}",
    "/os-aggregates/{id}": "/os-aggregates/{aggregate}",
    "/os-console-auth-tokens/{id}": "/os-console-auth-tokens/{token}",
    "/os-baremetal-nodes/{id}": "/os-baremetal-nodes/0d0c0b0a-0000-4000-8000-000000000001",
    "/servers/{server_id}/shares/{id}": "/servers/{shutoff}/shares/0d0c0b0a-0000-4000-8000-000000000001",
    "/os-floating-ips/{id}": "/os-floating-ips/{floating_ip}",
    "/os-hosts/{id}": "/os-hosts/{host}",
    "/os-hypervisors/{id}/search": "/os-hypervisors/{host}/search",
    "/os-hypervisors/{id}/servers": "/os-hypervisors/{host}/servers",
    "/os-hypervisors/{id}": "/os-hypervisors/{hypervisor}",
    "/os-instance_usage_audit_log/{id}": "/os-instance_usage_audit_log/2026-01-01 10:00:00",
    "/os-keypairs/{id}": "/os-keypairs/{keypair}",
    "/os-networks/{id}": "/os-networks/{network}",
    "/os-tenant-networks/{id}": "/os-tenant-networks/{network}",
    "/os-quota-class-sets/{id}": "/os-quota-class-sets/default",
    "/os-quota-sets/{id}": "/os-quota-sets/{project}",
    "/os-simple-tenant-usage/{id}": "/os-simple-tenant-usage/{project}",
    "/os-security-group-rules/{id}": "/os-security-group-rules/{security_rule}",
    "/os-security-groups/{id}": "/os-security-groups/{security_group}",
    "/os-server-groups/{id}": "/os-server-groups/{group}",
    "/os-services/{id}": "/os-services/{service}",
    "/os-snapshots/{id}": "/os-snapshots/{snapshot}",
    "/os-volumes/{id}": "/os-volumes/{volume}",
    "/os-volumes_boot/{id}": "/os-volumes_boot/{server}",
    "/servers/{server_id}": "/servers/{server}",
    "/servers/{id}": "/servers/{server}",
}

_RULE = {
    "parent_group_id": "{security_group}", "ip_protocol": "tcp", "from_port": 22, "to_port": 22, "cidr": "10.0.0.0/24",
}  # fmt: skip
_SERVER = {"name": "{fresh}", "flavorRef": "1", "imageRef": "{shared_image}"}
_NAMED = {"name": "{fresh}"}

WRITES: dict[str, Call] = {
    "POST /flavors": Call("/flavors", {"flavor": {**_NAMED, "ram": 1, "vcpus": 1, "disk": 1}}),
    "PUT /flavors/{id}": Call("/flavors/{flavor}", {"flavor": {"description": "d"}}),
    "POST /flavors/{id}/action addTenantAccess": Call(
        "/flavors/{flavor}/action", {"addTenantAccess": {"tenant": "{project}"}}
    ),
    "POST /flavors/{id}/action removeTenantAccess": Call(
        "/flavors/{granted_flavor}/action", {"removeTenantAccess": {"tenant": "{project}"}}
    ),
    "POST /flavors/{flavor_id}/os-extra_specs": Call(
        "/flavors/{flavor}/os-extra_specs", {"extra_specs": {"hw:cpu_policy": "shared"}}
    ),
    "PUT /flavors/{flavor_id}/os-extra_specs/{id}": Call(
        "/flavors/{flavor}/os-extra_specs/hw:numa_nodes", {"hw:numa_nodes": "2"}
    ),
    "POST /images/{image_id}/metadata": Call("/images/{image}/metadata", {"metadata": {"a": "b"}}),
    "PUT /images/{image_id}/metadata": Call("/images/{image}/metadata", {"metadata": {"a": "b"}}),
    "PUT /images/{image_id}/metadata/{id}": Call("/images/{image}/metadata/a", {"meta": {"a": "b"}}),
    "POST /os-aggregates": Call("/os-aggregates", {"aggregate": _NAMED}),
    "PUT /os-aggregates/{id}": Call("/os-aggregates/{aggregate}", {"aggregate": _NAMED}),
    "POST /os-aggregates/{id}/action add_host": Call(
        "/os-aggregates/{aggregate}/action", {"add_host": {"host": "{host}"}}
    ),
    "POST /os-aggregates/{id}/action remove_host": Call(
        "/os-aggregates/{aggregate_with_host}/action", {"remove_host": {"host": "{host}"}}
    ),
    "POST /os-aggregates/{id}/action set_metadata": Call(
        "/os-aggregates/{aggregate}/action", {"set_metadata": {"metadata": {"a": "b"}}}
    ),
    "POST /os-aggregates/{id}/images": Call(
        "/os-aggregates/{aggregate_with_host}/images", {"cache": [{"id": "{shared_image}"}]}
    ),
    "POST /os-assisted-volume-snapshots": Call(
        "/os-assisted-volume-snapshots",
        {"snapshot": {"volume_id": "{attached_volume}",
                      "create_info": {"snapshot_id": "{attached_volume}", "type": "qcow2", "new_file": "n"}}},
    ),
    "DELETE /os-assisted-volume-snapshots/{id}": Call(
        "/os-assisted-volume-snapshots/{attached_volume}?delete_info={delete_info}"
    ),
    "POST /os-baremetal-nodes": Call("/os-baremetal-nodes", {}),
    "POST /os-baremetal-nodes/{id}/action add_interface": Call("/os-baremetal-nodes/x/action", {"add_interface": {}}),
    "POST /os-baremetal-nodes/{id}/action remove_interface": Call(
        "/os-baremetal-nodes/x/action", {"remove_interface": {}}
    ),
    "POST /os-floating-ips": Call("/os-floating-ips", {"pool": "public"}),
    "PUT /os-hosts/{id}": Call("/os-hosts/{host}", {"status": "enable"}),
    "POST /os-keypairs": Call("/os-keypairs", {"keypair": {**_NAMED, "public_key": PUBLIC_KEY}}),
    "PUT /os-quota-class-sets/{id}": Call("/os-quota-class-sets/c", {"quota_class_set": {"instances": 9}}),
    "PUT /os-quota-sets/{id}": Call("/os-quota-sets/{project}", {"quota_set": {"metadata_items": 200}}),
    "DELETE /os-quota-sets/{id}": Call("/os-quota-sets/{project}?user_id=anna"),
    "POST /os-security-group-rules": Call("/os-security-group-rules", {"security_group_rule": _RULE}),
    "POST /os-security-groups": Call("/os-security-groups", {"security_group": {**_NAMED, "description": "d"}}),
    "PUT /os-security-groups/{id}": Call(
        "/os-security-groups/{security_group}", {"security_group": {**_NAMED, "description": "d"}}
    ),
    "POST /os-server-external-events": Call(
        "/os-server-external-events", {"events": [{"name": "network-changed", "server_uuid": "{server}"}]}
    ),
    "POST /os-server-groups": Call("/os-server-groups", {"server_group": {**_NAMED, "policies": ["affinity"]}}),
    "POST /os-snapshots": Call("/os-snapshots", {"snapshot": {"volume_id": "{volume}"}}),
    "POST /os-volumes": Call("/os-volumes", {"volume": {"size": 1}}),
    "POST /servers": Call("/servers", {"server": _SERVER}),
    "PUT /servers/{id}": Call("/servers/{server}", {"server": _NAMED}),
    "DELETE /servers/{id}": Call("/servers/{active}"),
    "POST /servers/{server_id}/metadata": Call("/servers/{server}/metadata", {"metadata": {"a": "b"}}),
    "PUT /servers/{server_id}/metadata": Call("/servers/{server}/metadata", {"metadata": {"foo": "b"}}),
    "PUT /servers/{server_id}/metadata/{id}": Call("/servers/{server}/metadata/a", {"meta": {"a": "b"}}),
    "DELETE /servers/{server_id}/metadata/{id}": Call("/servers/{wired}/metadata/foo"),
    "PUT /servers/{server_id}/tags": Call("/servers/{server}/tags", {"tags": ["tag1"]}),
    "DELETE /servers/{server_id}/tags": Call("/servers/{active}/tags"),
    "DELETE /servers/{server_id}/tags/{id}": Call("/servers/{wired}/tags/tag1"),
    "POST /servers/{server_id}/os-interface": Call(
        "/servers/{wired}/os-interface", {"interfaceAttachment": {"net_id": "{network}"}}
    ),
    "DELETE /servers/{server_id}/os-interface/{id}": Call("/servers/{twice_wired}/os-interface/{its_port}"),
    "POST /servers/{server_id}/os-volume_attachments": Call(
        "/servers/{active}/os-volume_attachments", {"volumeAttachment": {"volumeId": "{volume}"}}
    ),
    "PUT /servers/{server_id}/os-volume_attachments/{id}": Call(
        "/servers/{holder}/os-volume_attachments/{held}", {"volumeAttachment": {"volumeId": "{held}"}}
    ),
    "POST /servers/{server_id}/remote-consoles": Call(
        "/servers/{server}/remote-consoles", {"remote_console": {"protocol": "vnc", "type": "novnc"}}
    ),
    "POST /servers/{server_id}/migrations/{id}/action force_complete": Call(
        "/servers/{moving}/migrations/{migration}/action", {"force_complete": None}
    ),
    "POST /servers/{server_id}/shares": Call(
        "/servers/{shutoff}/shares", {"share": {"share_id": "0d0c0b0a-0000-4000-8000-000000000001"}}
    ),
}  # fmt: skip

# Below these versions calls differ: row → (first version of the usual form, the older form).
OLDER: dict[str, tuple[int, Call]] = {
    "PUT /os-services/{id}": (53, Call("/os-services/disable", {"host": "{host}", "binary": "nova-compute"})),
    "DELETE /os-services/{id}": (53, Call("/os-services/{dead_service_number}")),
    "GET /os-hypervisors/{id}": (53, Call("/os-hypervisors/{hypervisor_number}")),
    "GET /os-hypervisors/{id}/uptime": (53, Call("/os-hypervisors/{hypervisor_number}/uptime")),
    "GET /os-console-auth-tokens/{id}": (31, Call("/os-console-auth-tokens/{rdp_token}")),
}
LATER: dict[str, tuple[int, Call]] = {
    "POST /servers": (37, Call("/servers", {"server": {**_SERVER, "networks": "none"}})),
    "PUT /os-services/{id}": (53, Call("/os-services/{service}", {"status": "enabled"})),
    "DELETE /os-services/{id}": (53, Call("/os-services/{dead_service}")),
    "POST /os-server-groups": (64, Call("/os-server-groups", {"server_group": {**_NAMED, "policy": "affinity"}})),
    "GET /os-console-auth-tokens/{id}": (31, Call("/os-console-auth-tokens/{token}")),
    "PUT /servers/{server_id}/os-volume_attachments/{id}": (
        85,
        Call(
            "/servers/{holder}/os-volume_attachments/{held}",
            {"volumeAttachment": {"volumeId": "{held}", "delete_on_termination": True}},
        ),
    ),
}

# Server actions: the server they are asked of, and their value.
ACTIONS: dict[str, tuple[str, Any]] = {
    "confirmResize": ("resized", None),
    "revertResize": ("resized", None),
    "reboot": ("active", {"type": "HARD"}),
    "resize": ("active", {"flavorRef": "2"}),
    "rebuild": ("active", {"imageRef": "{shared_image}"}),
    "createImage": ("active", {"name": "{fresh}"}),
    "os-start": ("shutoff", None),
    "os-stop": ("active", None),
    "trigger_crash_dump": ("active", None),
    "injectNetworkInfo": ("active", None),
    "os-resetState": ("active", {"state": "active"}),
    "changePassword": ("active", {"adminPass": "x"}),
    "os-getConsoleOutput": ("active", {}),
    "createBackup": ("active", {"name": "{fresh}", "backup_type": "daily", "rotation": 1}),
    "restore": ("deleted", None),
    "forceDelete": ("active", None),
    "evacuate": ("stranded", {"host": "{refuge}"}),
    "addFloatingIp": ("wired", {"address": "{floating_address}"}),
    "removeFloatingIp": ("floated", {"address": "{its_floating_address}"}),
    "lock": ("active", None),
    "unlock": ("locked", None),
    "migrate": ("active", None),
    "os-migrateLive": ("active", {"host": None, "block_migration": "auto"}),
    "addFixedIp": ("wired", {"networkId": "{network}"}),
    "removeFixedIp": ("addressed", {"address": "{its_address}"}),
    "pause": ("active", None),
    "unpause": ("paused", None),
    "os-getVNCConsole": ("active", {"type": "novnc"}),
    "os-getSPICEConsole": ("active", {"type": "spice-html5"}),
    "os-getRDPConsole": ("active", {"type": "rdp-html5"}),
    "os-getSerialConsole": ("active", {"type": "serial"}),
    "rescue": ("active", None),
    "unrescue": ("rescued", None),
    "addSecurityGroup": ("wired", {"name": "{security_group}"}),
    "removeSecurityGroup": ("secured", {"name": "default"}),
    "shelve": ("active", None),
    "shelveOffload": ("shelved", None),
    "unshelve": ("offloaded", None),
    "suspend": ("active", None),
    "resume": ("suspended", None),
}
OLDER_ACTIONS: dict[str, tuple[int, Any]] = {
    "os-migrateLive": (25, {"host": None, "block_migration": False, "disk_over_commit": False}),
    "evacuate": (14, {"host": "{refuge}", "onSharedStorage": False}),
}


def call_of(method: str, path: str, action: str, version: int) -> Call:
    """A call of that operation that should succeed at 2.`version`."""
    # An alias of the servers.
    if path.startswith("/os-volumes_boot"):
        aliased = path.replace("/os-volumes_boot/{id}/action", "/servers/{server_id}/action")
        aliased = aliased.replace("/os-volumes_boot", "/servers")
        call = call_of(method, aliased, action, version)
        return Call(call.path.replace("/servers", "/os-volumes_boot", 1), call.body)
    if action and path in ("/servers/{server_id}/action", "/servers/{id}/action"):
        state, value = ACTIONS[action]
        if action in OLDER_ACTIONS and version < OLDER_ACTIONS[action][0]:
            value = OLDER_ACTIONS[action][1]
        return Call(f"/servers/{{{state}}}/action", {action: value})
    row = f"{method} {path} {action}".strip()
    if row in OLDER and version < OLDER[row][0]:
        return OLDER[row][1]
    if row in LATER and version >= LATER[row][0]:
        return LATER[row][1]
    if row in WRITES:
        return WRITES[row]
    for pattern, there in PARAMETERS.items():
        if path == pattern or path.startswith(pattern + "/"):
            return Call(there + path[len(pattern) :])
    return Call(path)
