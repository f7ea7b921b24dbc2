"""What each operation answers when it succeeds, as forms (see `forms`). Source of members: the API samples."""

from functools import lru_cache
from typing import Any

from kilonova.api.openapi.explanation import EXPLANATION
from kilonova.api.openapi.forms import schema_of
from kilonova.api.parameters import Schema
from kilonova.api.routes.route import Route
from kilonova.api.version import HIGHEST

_QUOTAS = (
    "fixed_ips=T@1-35 floating_ips=T@1-35 security_group_rules=T@1-35 security_groups=T@1-35"
    " injected_file_content_bytes=T@1-56 injected_file_path_bytes=T@1-56 injected_files=T@1-56"
    " cores=T instances=T key_pairs=T metadata_items=T ram=T"
)
_OF_SETS = f"{_QUOTAS} server_groups=T server_group_members=T"
_OF_CLASSES = f"{_QUOTAS} server_groups=T@50 server_group_members=T@50".replace("@1-35", "@1-49")
_AMOUNTS = (
    "current_workload=i disk_available_least=i? free_disk_gb=i free_ram_mb=i local_gb=i local_gb_used=i memory_mb=i"
    " memory_mb_used=i running_vms=i vcpus=i vcpus_used=i"
)
_AMOUNTS_BELOW_88 = " ".join(f"{one}@1-87" for one in _AMOUNTS.split())
_LOG = (
    "hosts_not_run=[s] log=o num_hosts=i num_hosts_done=i num_hosts_not_run=i num_hosts_running=i overall_status=s"
    " period_beginning=s period_ending=s total_errors=i total_instances=i"
)
_OLD_NETWORK = (
    "bridge bridge_interface broadcast cidr cidr_v6 created_at deleted deleted_at dhcp_server dhcp_start dns1 dns2"
    " enable_dhcp gateway gateway_v6 host injected mtu multi_host netmask netmask_v6 priority project_id rxtx_base"
    " share_address updated_at vlan vpn_private_address vpn_public_address vpn_public_port"
)
_SMALL_SERVER = (
    "id=s name=s status=s tenant_id=s user_id=s metadata={s} hostId=s image=server_image|s flavor=server_flavor"
    " created=s updated=s accessIPv4=s accessIPv6=s OS-DCF:diskConfig=s links=[link] ~fault=fault_of_server ~progress=i"
    " locked=b@9 description=s?@19 tags=[s]@26 trusted_image_certificates=[s]?@63 locked_reason=s?@73"
    " pinned_availability_zone=s?@96 scheduler_hints=o@100"
)
# Since the version in place of V; below, an update and a rebuild leave them out.
_REST_OF_SERVER = (
    "key_name=s?@V config_drive=s@V OS-EXT-AZ:availability_zone=s@V OS-SRV-USG:launched_at=s?@V"
    " OS-SRV-USG:terminated_at=s?@V OS-EXT-STS:task_state=s?@V OS-EXT-STS:vm_state=s@V OS-EXT-STS:power_state=i@V"
    " os-extended-volumes:volumes_attached=[volume_of_server]@V ~security_groups=[named]@V ~host_status=s@W"
    " ~OS-EXT-SRV-ATTR:host=s?@V ~OS-EXT-SRV-ATTR:hypervisor_hostname=s?@V ~OS-EXT-SRV-ATTR:instance_name=s?@V"
    " ~OS-EXT-SRV-ATTR:reservation_id=s?@X ~OS-EXT-SRV-ATTR:launch_index=i?@X ~OS-EXT-SRV-ATTR:kernel_id=s?@X"
    " ~OS-EXT-SRV-ATTR:ramdisk_id=s?@X ~OS-EXT-SRV-ATTR:root_device_name=s?@X ~OS-EXT-SRV-ATTR:user_data=s?@X"
)


def _rest(since: int) -> str:
    later = _REST_OF_SERVER.replace("@V", f"@{since}").replace("@W", f"@{max(since, 16)}")
    return later.replace("@X", f"@{max(since, 3)}")


_SEEN = f"{_SMALL_SERVER} addresses={{[address]}} {_rest(1)} ~OS-EXT-SRV-ATTR:hostname=s?@3"
_CHANGED = (
    f"{_SMALL_SERVER} addresses={{[plain_address]}}@1-74 addresses={{[address]}}@75 {_rest(75)}"
    " ~OS-EXT-SRV-ATTR:hostname=s?@75 server_groups=[s]@71"
)
_MOVE = (
    "id=i status=s created_at=s updated_at=s? source_compute=s? source_node=s? dest_compute=s? dest_node=s?"
    " dest_host=s?"
)

FORMS: dict[str, str] = {
    "link": "href=s rel=s ~type=s",
    "named": "name=s",
    "named_server": "name=s uuid=s",
    "extension": "alias=s description=s links=[*] name=s namespace=s updated=s",
    "brief_flavor": "id=s name=s links=[link] description=s?@55",
    "flavor": (
        "id=s name=s links=[link] description=s?@55 ram=i disk=i vcpus=i OS-FLV-EXT-DATA:ephemeral=i swap=i|s"
        " os-flavor-access:is_public=b OS-FLV-DISABLED:disabled=b@1-101 rxtx_factor=n@1-101 ~extra_specs={s}@61"
    ),
    "flavor_access": "flavor_id=s tenant_id=s",
    "brief_image": "id=s links=[link] name=s?",
    "image": (
        "~OS-DCF:diskConfig=s OS-EXT-IMG-SIZE:size=i? created=s? id=s links=[link] metadata=o minDisk=i minRam=i"
        " name=s? progress=i status=s updated=s? ~server=o"
    ),
    "new_aggregate": ("availability_zone=s? created_at=s deleted=b deleted_at=s? id=i name=s updated_at=s? uuid=s@41"),
    "aggregate": (
        "availability_zone=s? created_at=s deleted=b deleted_at=s? id=i name=s updated_at=s? uuid=s@41 hosts=[s]"
        " metadata={s}"
    ),
    "zone": "hosts={{o}}? zoneName=s zoneState=zone_state",
    "zone_state": "available=b",
    "floating_ip": "fixed_ip=s? id=s instance_id=s? ip=s pool=s",
    "host": "host_name=s service=s zone=s",
    "host_resource": "resource=amounts_of_host",
    "amounts_of_host": "cpu=i disk_gb=i host=s memory_mb=i project=s",
    "brief_hypervisor": "hypervisor_hostname=s id=i@1-52 id=s@53 state=s status=s ~servers=[named_server]",
    "hypervisor": (
        "hypervisor_hostname=s id=i@1-52 id=s@53 state=s status=s ~servers=[named_server]@53 host_ip=s?"
        f" hypervisor_type=s hypervisor_version=i service=service_of_host {_AMOUNTS_BELOW_88} cpu_info=s?@1-27"
        " cpu_info=o?@28-87 uptime=s?@88"
    ),
    "uptime_of_host": "hypervisor_hostname=s id=i@1-52 id=s@53 state=s status=s uptime=s",
    "service_of_host": "host=s id=i?@1-52 id=s?@53 disabled_reason=s?",
    "statistics": f"count=i {_AMOUNTS}",
    "audit_log": _LOG,
    "listed_keypair": "keypair=keypair_of_list",
    "keypair_of_list": "fingerprint=s name=s public_key=s type=s@2",
    "new_keypair": "fingerprint=s name=s public_key=s user_id=s ~private_key=s@1-91 type=s@2",
    "keypair": (
        "fingerprint=s name=s public_key=s user_id=s type=s@2 deleted=b created_at=s updated_at=s? deleted_at=s? id=i"
    ),
    "limits": "absolute={i} rate=[*]",
    "migration": (
        f"{_MOVE} instance_uuid=s new_instance_type_id=i? old_instance_type_id=i? migration_type=s?@23 ~links=[link]@23"
        " uuid=s@59 user_id=s?@80 project_id=s?@80"
    ),
    "running_migration": (
        f"{_MOVE} server_uuid=s memory_total_bytes=i? memory_processed_bytes=i? memory_remaining_bytes=i?"
        " disk_total_bytes=i? disk_processed_bytes=i? disk_remaining_bytes=i? uuid=s@59 user_id=s?@80 project_id=s?@80"
    ),
    "old_network": " ".join(["id=s label=s", *(f"{name}=*" for name in _OLD_NETWORK.split())]),
    "tenant_network": "cidr=s id=s label=s",
    "quota_class": "id=s " + _OF_CLASSES.replace("=T", "=i"),
    "new_quota_class": _OF_CLASSES.replace("=T", "=i"),
    "quota_set": "id=s " + _OF_SETS.replace("=T", "=i"),
    "new_quota_set": _OF_SETS.replace("=T", "=i"),
    "quota_detail": "id=s " + _OF_SETS.replace("=T", "=used"),
    "used": "in_use=i limit=i reserved=i",
    "security_rule": "from_port=i? group=o id=s ip_protocol=s? ip_range=o parent_group_id=s to_port=i?",
    "security_group": "description=s id=s name=s rules=[security_rule] tenant_id=s",
    "event": "code=i name=s ~server_uuid=s status=s ~tag=s",
    "server_group": (
        "id=s name=s members=[s] policies=[s]@1-63 metadata=o@1-63 policy=s?@64 rules=o@64 project_id=s@13 user_id=s@13"
    ),
    "service": (
        "id=i@1-52 id=s@53 binary=s host=s zone=s status=s state=s updated_at=s? disabled_reason=s? forced_down=b@11"
    ),
    "changed_service": (
        "binary=s host=s ~status=s@1-52 ~disabled_reason=s@1-52 ~forced_down=b@11-52 id=s@53 zone=s@53 status=s@53"
        " state=s@53 updated_at=s?@53 disabled_reason=s?@53 forced_down=b@53"
    ),
    "usage": (
        "start=s stop=s tenant_id=s total_hours=n total_local_gb_usage=n total_memory_mb_usage=n total_vcpus_usage=n"
        " ~server_usages=[server_usage]"
    ),
    "server_usage": (
        "ended_at=s? flavor=s hours=n instance_id=s local_gb=i memory_mb=i name=s started_at=s state=s tenant_id=s"
        " uptime=i vcpus=i"
    ),
    "snapshot": "createdAt=s? displayDescription=s? displayName=s? id=s size=i status=s volumeId=s",
    "volume": (
        "attachments=[*] availabilityZone=s? createdAt=s? displayDescription=s? displayName=s? id=s metadata=o size=i"
        " snapshotId=s? status=s volumeType=s?"
    ),
    "brief_server": "id=s name=s links=[link]",
    "created_server": "id=s links=[link] OS-DCF:diskConfig=s security_groups=[named] ~adminPass=s",
    "listed_server": f"{_SEEN}",
    "server": f"{_SEEN} server_groups=[s]@71",
    "updated_server": _CHANGED,
    "rebuilt_server": f"{_CHANGED} ~adminPass=s key_name=s?@54 user_data=s?@57".replace(
        "~OS-EXT-SRV-ATTR:user_data=s?@75", ""
    ).replace("key_name=s?@75", ""),
    "server_image": "id=s links=[link] properties=o@98",
    "server_flavor": (
        "id=s@1-46 links=[link]@1-46 vcpus=i@47 ram=i@47 disk=i@47 ephemeral=i@47 swap=i@47 original_name=s@47"
        " ~extra_specs={s}@47"
    ),
    "fault_of_server": "code=i created=s message=s ~details=s",
    "volume_of_server": "id=s delete_on_termination=b@3",
    "address": "version=i addr=s OS-EXT-IPS:type=s OS-EXT-IPS-MAC:mac_addr=s",
    "plain_address": "version=i addr=s",
    "action": "action=s instance_uuid=s message=s? project_id=s request_id=s start_time=s user_id=s updated_at=s?@58",
    "action_with_events": (
        "action=s instance_uuid=s message=s? project_id=s request_id=s start_time=s user_id=s updated_at=s?@58"
        " ~events=[action_event]@1-50 events=[action_event]@51"
    ),
    "action_event": (
        "event=s start_time=s finish_time=s? result=s? ~traceback=s? ~host=s?@62 hostId=s@62 details=s?@84"
    ),
    "interface": "port_id=s net_id=s mac_addr=s port_state=s fixed_ips=[fixed_ip] tag=s?@70",
    "fixed_ip": "ip_address=s subnet_id=s?",
    "volume_attachment": (
        "device=s? serverId=s volumeId=s id=s@1-88 tag=s?@70 delete_on_termination=b@79"
        " attachment_id=s?@89 bdm_uuid=s@89"
    ),
    "new_volume_attachment": "device=s? serverId=s volumeId=s id=s tag=s?@70 delete_on_termination=b@79",
    "console": "type=s url=s",
    "remote_console": "protocol=s type=s url=s",
    "console_target": "instance_uuid=s host=s port=i internal_access_path=s? tls_port=i?@99",
    "numa_node": "memory_mb=i siblings=[[i]] vcpu_set=[i] ~host_node=i ~cpu_pinning={i}",
    "share": "share_id=s status=s tag=s ~uuid=s ~export_location=s",
    "assisted_snapshot": "id=s volumeId=s",
}

_ONE_SERVER = "/servers/{server_id}"
ANSWERS: dict[str, str] = {
    "GET /versions/{id}": "version=o",
    "GET /extensions": "extensions=[extension]",
    "GET /extensions/{id}": "extension=extension",
    "GET /flavors": "flavors=[brief_flavor] ~flavors_links=[link]",
    "POST /flavors": "flavor=flavor",
    "GET /flavors/detail": "flavors=[flavor] ~flavors_links=[link]",
    "GET /flavors/{id}": "flavor=flavor",
    "PUT /flavors/{id}": "flavor=flavor",
    "POST /flavors/{id}/action addTenantAccess": "flavor_access=[flavor_access]",
    "POST /flavors/{id}/action removeTenantAccess": "flavor_access=[flavor_access]",
    "GET /flavors/{flavor_id}/os-extra_specs": "extra_specs={s}",
    "POST /flavors/{flavor_id}/os-extra_specs": "extra_specs={s}",
    "GET /flavors/{flavor_id}/os-flavor-access": "flavor_access=[flavor_access]",
    "GET /images": "images=[brief_image] ~images_links=[link]",
    "GET /images/detail": "images=[image] ~images_links=[link]",
    "GET /images/{id}": "image=image",
    "GET /images/{image_id}/metadata": "metadata=o",
    "POST /images/{image_id}/metadata": "metadata=o",
    "PUT /images/{image_id}/metadata": "metadata=o",
    "GET /images/{image_id}/metadata/{id}": "meta=o",
    "PUT /images/{image_id}/metadata/{id}": "meta=o",
    "GET /limits": "limits=limits",
    "GET /os-aggregates": "aggregates=[aggregate]",
    "POST /os-aggregates": "aggregate=new_aggregate",
    "GET /os-aggregates/{id}": "aggregate=aggregate",
    "PUT /os-aggregates/{id}": "aggregate=aggregate",
    "POST /os-aggregates/{id}/action add_host": "aggregate=aggregate",
    "POST /os-aggregates/{id}/action remove_host": "aggregate=aggregate",
    "POST /os-aggregates/{id}/action set_metadata": "aggregate=aggregate",
    "POST /os-assisted-volume-snapshots": "snapshot=assisted_snapshot",
    "GET /os-availability-zone": "availabilityZoneInfo=[zone]",
    "GET /os-availability-zone/detail": "availabilityZoneInfo=[zone]",
    "GET /os-console-auth-tokens/{id}": "console=console_target",
    "GET /os-floating-ip-pools": "floating_ip_pools=[named]",
    "GET /os-floating-ips": "floating_ips=[floating_ip]",
    "POST /os-floating-ips": "floating_ip=floating_ip",
    "GET /os-floating-ips/{id}": "floating_ip=floating_ip",
    "GET /os-hosts": "hosts=[host]",
    "GET /os-hosts/{id}": "host=[host_resource]",
    "PUT /os-hosts/{id}": "host=s ~status=s ~maintenance_mode=s",
    "GET /os-hosts/{id}/reboot": "host=s power_action=s",
    "GET /os-hosts/{id}/shutdown": "host=s power_action=s",
    "GET /os-hosts/{id}/startup": "host=s power_action=s",
    "GET /os-hypervisors": "hypervisors=[brief_hypervisor] ~hypervisors_links=[link]@33",
    "GET /os-hypervisors/detail": "hypervisors=[hypervisor] ~hypervisors_links=[link]@33",
    "GET /os-hypervisors/statistics": "hypervisor_statistics=statistics",
    "GET /os-hypervisors/{id}": "hypervisor=hypervisor",
    "GET /os-hypervisors/{id}/search": "hypervisors=[brief_hypervisor]",
    "GET /os-hypervisors/{id}/servers": "hypervisors=[brief_hypervisor]",
    "GET /os-hypervisors/{id}/uptime": "hypervisor=uptime_of_host",
    "GET /os-instance_usage_audit_log": "instance_usage_audit_logs=audit_log",
    "GET /os-instance_usage_audit_log/{id}": "instance_usage_audit_log=audit_log",
    "GET /os-keypairs": "keypairs=[listed_keypair] ~keypairs_links=[link]@35",
    "POST /os-keypairs": "keypair=new_keypair",
    "GET /os-keypairs/{id}": "keypair=keypair",
    "GET /os-migrations": "migrations=[migration] ~migrations_links=[link]@59",
    "GET /os-networks": "networks=[old_network]",
    "GET /os-networks/{id}": "network=old_network",
    "GET /os-tenant-networks": "networks=[tenant_network]",
    "GET /os-tenant-networks/{id}": "network=tenant_network",
    "GET /os-quota-class-sets/{id}": "quota_class_set=quota_class",
    "PUT /os-quota-class-sets/{id}": "quota_class_set=new_quota_class",
    "GET /os-quota-sets/{id}": "quota_set=quota_set",
    "PUT /os-quota-sets/{id}": "quota_set=new_quota_set",
    "GET /os-quota-sets/{id}/defaults": "quota_set=quota_set",
    "GET /os-quota-sets/{id}/detail": "quota_set=quota_detail",
    "POST /os-security-group-rules": "security_group_rule=security_rule",
    "GET /os-security-groups": "security_groups=[security_group]",
    "POST /os-security-groups": "security_group=security_group",
    "GET /os-security-groups/{id}": "security_group=security_group",
    "PUT /os-security-groups/{id}": "security_group=security_group",
    "POST /os-server-external-events": "events=[event]",
    "GET /os-server-groups": "server_groups=[server_group]",
    "POST /os-server-groups": "server_group=server_group",
    "GET /os-server-groups/{id}": "server_group=server_group",
    "GET /os-services": "services=[service]",
    "PUT /os-services/{id}": "service=changed_service",
    "GET /os-simple-tenant-usage": "tenant_usages=[usage] ~tenant_usages_links=[link]@40",
    "GET /os-simple-tenant-usage/{id}": "tenant_usage=usage|o ~tenant_usage_links=[link]@40",
    "GET /os-snapshots": "snapshots=[snapshot]",
    "POST /os-snapshots": "snapshot=snapshot",
    "GET /os-snapshots/detail": "snapshots=[snapshot]",
    "GET /os-snapshots/{id}": "snapshot=snapshot",
    "GET /os-volumes": "volumes=[volume]",
    "POST /os-volumes": "volume=volume",
    "GET /os-volumes/detail": "volumes=[volume]",
    "GET /os-volumes/{id}": "volume=volume",
    "GET /servers": "servers=[brief_server] ~servers_links=[link]",
    "POST /servers": "~server=created_server ~reservation_id=s",
    "GET /servers/detail": "servers=[listed_server] ~servers_links=[link]",
    "GET /servers/{id}": "server=server",
    "PUT /servers/{id}": "server=updated_server",
    f"POST {_ONE_SERVER}/action rebuild": "server=rebuilt_server",
    f"POST {_ONE_SERVER}/action evacuate": "~adminPass=s",
    f"POST {_ONE_SERVER}/action rescue": "~adminPass=s",
    f"POST {_ONE_SERVER}/action createImage": "image_id=s",
    f"POST {_ONE_SERVER}/action createBackup": "~image_id=s",
    f"POST {_ONE_SERVER}/action os-getConsoleOutput": "output=s",
    f"POST {_ONE_SERVER}/action os-getVNCConsole": "console=console",
    f"POST {_ONE_SERVER}/action os-getSPICEConsole": "console=console",
    f"POST {_ONE_SERVER}/action os-getSerialConsole": "console=console",
    f"GET {_ONE_SERVER}/ips": "addresses={[plain_address]}",
    f"GET {_ONE_SERVER}/metadata": "metadata={s}",
    f"POST {_ONE_SERVER}/metadata": "metadata={s}",
    f"PUT {_ONE_SERVER}/metadata": "metadata={s}",
    f"GET {_ONE_SERVER}/metadata/{{id}}": "meta={s}",
    f"PUT {_ONE_SERVER}/metadata/{{id}}": "meta={s}",
    f"GET {_ONE_SERVER}/migrations": "migrations=[running_migration]",
    f"GET {_ONE_SERVER}/migrations/{{id}}": "migration=running_migration",
    f"GET {_ONE_SERVER}/os-instance-actions": "instanceActions=[action] ~links=[link]@58",
    f"GET {_ONE_SERVER}/os-instance-actions/{{id}}": "instanceAction=action_with_events",
    f"GET {_ONE_SERVER}/os-interface": "interfaceAttachments=[interface]",
    f"POST {_ONE_SERVER}/os-interface": "interfaceAttachment=interface",
    f"GET {_ONE_SERVER}/os-interface/{{id}}": "interfaceAttachment=interface",
    f"GET {_ONE_SERVER}/os-security-groups": "security_groups=[security_group]",
    f"GET {_ONE_SERVER}/os-server-password": "password=s",
    f"GET {_ONE_SERVER}/os-volume_attachments": "volumeAttachments=[volume_attachment]",
    f"POST {_ONE_SERVER}/os-volume_attachments": "volumeAttachment=new_volume_attachment",
    f"GET {_ONE_SERVER}/os-volume_attachments/{{id}}": "volumeAttachment=volume_attachment",
    f"POST {_ONE_SERVER}/remote-consoles": "remote_console=remote_console",
    f"GET {_ONE_SERVER}/shares": "shares=[share]",
    f"POST {_ONE_SERVER}/shares": "share=share",
    f"GET {_ONE_SERVER}/shares/{{id}}": "share=share",
    f"GET {_ONE_SERVER}/tags": "tags=[s]",
    f"PUT {_ONE_SERVER}/tags": "tags=[s]",
    f"GET {_ONE_SERVER}/topology": "nodes=[numa_node] pagesize_kb=i?",
}
# First and last version at which these answer with nothing.
EMPTY: dict[str, tuple[int, int]] = {
    f"POST {_ONE_SERVER}/action createImage": (1, 44),
    f"POST {_ONE_SERVER}/action createBackup": (1, 44),
    f"POST {_ONE_SERVER}/action evacuate": (14, HIGHEST),
    f"POST {_ONE_SERVER}/os-volume_attachments": (101, HIGHEST),
}
# What no form says: objects whose names are data.
FREE: dict[str, Schema] = {
    "GET /flavors/{flavor_id}/os-extra_specs/{id}": {"type": "object", "additionalProperties": {"type": "string"}},
    "PUT /flavors/{flavor_id}/os-extra_specs/{id}": {"type": "object", "additionalProperties": {"type": "string"}},
    f"GET {_ONE_SERVER}/diagnostics": {"type": "object"},
    f"GET {_ONE_SERVER}/ips/{{id}}": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"$ref": "#/components/schemas/plain_address"}},
    },
    "POST /servers/explain": EXPLANATION,
    f"GET {_ONE_SERVER}/explain": EXPLANATION,
    "GET /os-baremetal-nodes": {"type": "object"},
    "GET /os-baremetal-nodes/{id}": {"type": "object"},
}
_SERVERS_ALIAS = "/os-volumes_boot"


def name_of(route: Route) -> str:
    """`METHOD path [action]`, of servers where the path is an alias of theirs; one parameter has one name."""
    path = route.path.replace(_SERVERS_ALIAS, "/servers", 1)
    if path.startswith("/servers/{id}/"):
        path = path.replace("{id}", "{server_id}", 1)
    if path == "/servers/{server_id}":
        path = "/servers/{id}"
    return f"{route.method} {path} {route.action or ''}".strip()


def refer(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def answer_of(route: Route, version: int) -> Schema | None:
    """The schema of a good answer's body at 2.`version`; None where it has none."""
    name = name_of(route)
    first, last = EMPTY.get(name, (0, 0))
    if first <= version <= last:
        return None
    if name in FREE:
        return FREE[name]
    form = ANSWERS.get(name)
    return None if form is None else schema_of(form, version, refer)


@lru_cache(maxsize=8)
def components(version: int) -> dict[str, Any]:
    """The forms that answers refer to, at 2.`version`."""
    return {name: schema_of(form, version, refer) for name, form in FORMS.items()}
