"""Every operation of the Compute API: method, path, action, versions, success.

One line each; `*` for no action, versions as minor numbers (nothing behind the dash: still there), `gone` for 410 at
every version, success codes with `/` between those chosen per request, `-` where no call succeeds. Source: Nova's table
of routes and the versions its operations declare.
"""

from dataclasses import dataclass

_TABLE = """
GET    / * 1- 200
GET    /versions/{id} * 1- 200
GET    /extensions * 1- 200
GET    /extensions/{id} * 1- 200
GET    /flavors * 1- 200
POST   /flavors * 1- 200
GET    /flavors/detail * 1- 200
GET    /flavors/{id} * 1- 200
PUT    /flavors/{id} * 55- 200
DELETE /flavors/{id} * 1- 202
POST   /flavors/{id}/action addTenantAccess 1- 200
POST   /flavors/{id}/action removeTenantAccess 1- 200
GET    /flavors/{flavor_id}/os-extra_specs * 1- 200
POST   /flavors/{flavor_id}/os-extra_specs * 1- 200
GET    /flavors/{flavor_id}/os-extra_specs/{id} * 1- 200
PUT    /flavors/{flavor_id}/os-extra_specs/{id} * 1- 200
DELETE /flavors/{flavor_id}/os-extra_specs/{id} * 1- 200
GET    /flavors/{flavor_id}/os-flavor-access * 1- 200
GET    /images * 1-35 200
GET    /images/detail * 1-35 200
GET    /images/{id} * 1-35 200
DELETE /images/{id} * 1-35 204
GET    /images/{image_id}/metadata * 1-38 200
POST   /images/{image_id}/metadata * 1-38 200
PUT    /images/{image_id}/metadata * 1-38 200
GET    /images/{image_id}/metadata/{id} * 1-38 200
PUT    /images/{image_id}/metadata/{id} * 1-38 200
DELETE /images/{image_id}/metadata/{id} * 1-38 204
GET    /limits * 1- 200
GET    /os-agents * gone -
POST   /os-agents * gone -
PUT    /os-agents/{id} * gone -
DELETE /os-agents/{id} * gone -
GET    /os-aggregates * 1- 200
POST   /os-aggregates * 1- 200
GET    /os-aggregates/{id} * 1- 200
PUT    /os-aggregates/{id} * 1- 200
DELETE /os-aggregates/{id} * 1- 200
POST   /os-aggregates/{id}/action add_host 1- 200
POST   /os-aggregates/{id}/action remove_host 1- 200
POST   /os-aggregates/{id}/action set_metadata 1- 200
POST   /os-aggregates/{id}/images * 81- 202
POST   /os-assisted-volume-snapshots * 1- 200
DELETE /os-assisted-volume-snapshots/{id} * 1- 204
GET    /os-availability-zone * 1- 200
GET    /os-availability-zone/detail * 1- 200
GET    /os-baremetal-nodes * 1-35 200
POST   /os-baremetal-nodes * 1-35 -
GET    /os-baremetal-nodes/{id} * 1-35 200
DELETE /os-baremetal-nodes/{id} * 1-35 -
POST   /os-baremetal-nodes/{id}/action add_interface 1-35 -
POST   /os-baremetal-nodes/{id}/action remove_interface 1-35 -
POST   /os-cells * gone -
GET    /os-cells * gone -
GET    /os-cells/capacities * gone -
GET    /os-cells/detail * gone -
GET    /os-cells/info * gone -
POST   /os-cells/sync_instances * gone -
GET    /os-cells/{id} * gone -
PUT    /os-cells/{id} * gone -
DELETE /os-cells/{id} * gone -
GET    /os-cells/{id}/capacities * gone -
POST   /os-certificates * gone -
GET    /os-certificates/{id} * gone -
GET    /os-cloudpipe * gone -
POST   /os-cloudpipe * gone -
PUT    /os-cloudpipe/{id} * gone -
GET    /os-console-auth-tokens/{id} * 1- 200
GET    /os-fixed-ips/{id} * gone -
POST   /os-fixed-ips/{id}/action reserve gone -
POST   /os-fixed-ips/{id}/action unreserve gone -
GET    /os-floating-ip-dns * gone -
PUT    /os-floating-ip-dns/{id} * gone -
DELETE /os-floating-ip-dns/{id} * gone -
GET    /os-floating-ip-dns/{domain_id}/entries/{id} * gone -
PUT    /os-floating-ip-dns/{domain_id}/entries/{id} * gone -
DELETE /os-floating-ip-dns/{domain_id}/entries/{id} * gone -
GET    /os-floating-ip-pools * 1-35 200
GET    /os-floating-ips * 1-35 200
POST   /os-floating-ips * 1-35 200
GET    /os-floating-ips/{id} * 1-35 200
DELETE /os-floating-ips/{id} * 1-35 202
GET    /os-floating-ips-bulk * gone -
POST   /os-floating-ips-bulk * gone -
GET    /os-floating-ips-bulk/{id} * gone -
PUT    /os-floating-ips-bulk/{id} * gone -
GET    /os-fping * gone -
GET    /os-fping/{id} * gone -
GET    /os-hosts * 1-42 200
GET    /os-hosts/{id} * 1-42 200
PUT    /os-hosts/{id} * 1-42 200
GET    /os-hosts/{id}/reboot * 1-42 200
GET    /os-hosts/{id}/shutdown * 1-42 200
GET    /os-hosts/{id}/startup * 1-42 200
GET    /os-hypervisors * 1- 200
GET    /os-hypervisors/detail * 1- 200
GET    /os-hypervisors/statistics * 1-87 200
GET    /os-hypervisors/{id} * 1- 200
GET    /os-hypervisors/{id}/search * 1-52 200
GET    /os-hypervisors/{id}/servers * 1-52 200
GET    /os-hypervisors/{id}/uptime * 1-87 200
GET    /os-instance_usage_audit_log * 1- 200
GET    /os-instance_usage_audit_log/{id} * 1- 200
GET    /os-keypairs * 1- 200
POST   /os-keypairs * 1-1 200
POST   /os-keypairs * 2- 201
GET    /os-keypairs/{id} * 1- 200
DELETE /os-keypairs/{id} * 1-1 202
DELETE /os-keypairs/{id} * 2- 204
GET    /os-migrations * 1- 200
GET    /os-networks * 1-35 200
POST   /os-networks * gone -
POST   /os-networks/add * gone -
GET    /os-networks/{id} * 1-35 200
DELETE /os-networks/{id} * gone -
POST   /os-networks/{id}/action disassociate gone -
POST   /os-networks/{id}/action disassociate_host gone -
POST   /os-networks/{id}/action disassociate_project gone -
POST   /os-networks/{id}/action associate_host gone -
GET    /os-quota-class-sets/{id} * 1- 200
PUT    /os-quota-class-sets/{id} * 1- 200
GET    /os-quota-sets/{id} * 1- 200
PUT    /os-quota-sets/{id} * 1- 200
DELETE /os-quota-sets/{id} * 1- 202
GET    /os-quota-sets/{id}/detail * 1- 200
GET    /os-quota-sets/{id}/defaults * 1- 200
GET    /os-security-group-default-rules * gone -
POST   /os-security-group-default-rules * gone -
GET    /os-security-group-default-rules/{id} * gone -
DELETE /os-security-group-default-rules/{id} * gone -
POST   /os-security-group-rules * 1-35 200
DELETE /os-security-group-rules/{id} * 1-35 202
GET    /os-security-groups * 1-35 200
POST   /os-security-groups * 1-35 200
GET    /os-security-groups/{id} * 1-35 200
PUT    /os-security-groups/{id} * 1-35 200
DELETE /os-security-groups/{id} * 1-35 202
POST   /os-server-external-events * 1- 200/207
GET    /os-server-groups * 1- 200
POST   /os-server-groups * 1- 200
GET    /os-server-groups/{id} * 1- 200
DELETE /os-server-groups/{id} * 1- 204
GET    /os-services * 1- 200
PUT    /os-services/{id} * 1- 200
DELETE /os-services/{id} * 1- 204
GET    /os-simple-tenant-usage * 1- 200
GET    /os-simple-tenant-usage/{id} * 1- 200
GET    /os-snapshots * 1-35 200
POST   /os-snapshots * 1-35 200
GET    /os-snapshots/detail * 1-35 200
GET    /os-snapshots/{id} * 1-35 200
DELETE /os-snapshots/{id} * 1-35 202
GET    /os-tenant-networks * 1-35 200
POST   /os-tenant-networks * gone -
GET    /os-tenant-networks/{id} * 1-35 200
DELETE /os-tenant-networks/{id} * gone -
GET    /os-volumes * 1-35 200
POST   /os-volumes * 1-35 200
GET    /os-volumes/detail * 1-35 200
GET    /os-volumes/{id} * 1-35 200
DELETE /os-volumes/{id} * 1-35 202
GET    /os-volumes_boot * 1-102 200
POST   /os-volumes_boot * 1-102 202
GET    /os-volumes_boot/detail * 1-102 200
GET    /os-volumes_boot/{id} * 1-102 200
PUT    /os-volumes_boot/{id} * 1-102 200
DELETE /os-volumes_boot/{id} * 1-102 204
POST   /os-volumes_boot/{id}/action confirmResize 1-102 204
POST   /os-volumes_boot/{id}/action revertResize 1-102 202
POST   /os-volumes_boot/{id}/action reboot 1-102 202
POST   /os-volumes_boot/{id}/action resize 1-102 202
POST   /os-volumes_boot/{id}/action rebuild 1-102 202
POST   /os-volumes_boot/{id}/action createImage 1-102 202
POST   /os-volumes_boot/{id}/action os-start 1-102 202
POST   /os-volumes_boot/{id}/action os-stop 1-102 202
POST   /os-volumes_boot/{id}/action trigger_crash_dump 17-102 202
GET    /servers * 1- 200
POST   /servers * 1- 202
GET    /servers/detail * 1- 200
GET    /servers/{id} * 1- 200
PUT    /servers/{id} * 1- 200
DELETE /servers/{id} * 1- 204
POST   /servers/{id}/action confirmResize 1- 204
POST   /servers/{id}/action revertResize 1- 202
POST   /servers/{id}/action reboot 1- 202
POST   /servers/{id}/action resize 1- 202
POST   /servers/{id}/action rebuild 1- 202
POST   /servers/{id}/action createImage 1- 202
POST   /servers/{id}/action os-start 1- 202
POST   /servers/{id}/action os-stop 1- 202
POST   /servers/{id}/action trigger_crash_dump 17- 202
POST   /servers/{id}/action resetNetwork gone -
POST   /servers/{id}/action injectNetworkInfo 1- 202
POST   /servers/{id}/action os-resetState 1- 202
POST   /servers/{id}/action changePassword 1- 202
POST   /servers/{id}/action os-getConsoleOutput 1- 200
POST   /servers/{id}/action createBackup 1- 202
POST   /servers/{id}/action restore 1- 202
POST   /servers/{id}/action forceDelete 1- 202
POST   /servers/{id}/action evacuate 1- 200
POST   /servers/{id}/action addFloatingIp 1-43 202
POST   /servers/{id}/action removeFloatingIp 1-43 202
POST   /servers/{id}/action lock 1- 202
POST   /servers/{id}/action unlock 1- 202
POST   /servers/{id}/action migrate 1- 202
POST   /servers/{id}/action os-migrateLive 1- 202
POST   /servers/{id}/action addFixedIp 1-43 202
POST   /servers/{id}/action removeFixedIp 1-43 202
POST   /servers/{id}/action pause 1- 202
POST   /servers/{id}/action unpause 1- 202
POST   /servers/{id}/action os-getVNCConsole 1-5 200
POST   /servers/{id}/action os-getSPICEConsole 1-5 200
POST   /servers/{id}/action os-getRDPConsole 1-5 -
POST   /servers/{id}/action os-getSerialConsole 1-5 200
POST   /servers/{id}/action rescue 1- 200
POST   /servers/{id}/action unrescue 1- 202
POST   /servers/{id}/action addSecurityGroup 1- 202
POST   /servers/{id}/action removeSecurityGroup 1- 202
POST   /servers/{id}/action shelve 1- 202
POST   /servers/{id}/action shelveOffload 1- 202
POST   /servers/{id}/action unshelve 1- 202
POST   /servers/{id}/action suspend 1- 202
POST   /servers/{id}/action resume 1- 202
GET    /servers/{server_id}/consoles * gone -
POST   /servers/{server_id}/consoles * gone -
GET    /servers/{server_id}/consoles/{id} * gone -
DELETE /servers/{server_id}/consoles/{id} * gone -
GET    /servers/{server_id}/diagnostics * 1- 200
GET    /servers/{server_id}/ips * 1- 200
GET    /servers/{server_id}/ips/{id} * 1- 200
GET    /servers/{server_id}/metadata * 1- 200
POST   /servers/{server_id}/metadata * 1- 200
PUT    /servers/{server_id}/metadata * 1- 200
GET    /servers/{server_id}/metadata/{id} * 1- 200
PUT    /servers/{server_id}/metadata/{id} * 1- 200
DELETE /servers/{server_id}/metadata/{id} * 1- 204
GET    /servers/{server_id}/migrations * 23- 200
GET    /servers/{server_id}/migrations/{id} * 23- 200
DELETE /servers/{server_id}/migrations/{id} * 24- 202
POST   /servers/{server_id}/migrations/{id}/action force_complete 22- 202
GET    /servers/{server_id}/os-instance-actions * 1- 200
GET    /servers/{server_id}/os-instance-actions/{id} * 1- 200
GET    /servers/{server_id}/os-interface * 1- 200
POST   /servers/{server_id}/os-interface * 1- 200
GET    /servers/{server_id}/os-interface/{id} * 1- 200
DELETE /servers/{server_id}/os-interface/{id} * 1- 202
GET    /servers/{server_id}/os-server-password * 1- 200
DELETE /servers/{server_id}/os-server-password * 1- 204
GET    /servers/{server_id}/os-virtual-interfaces * gone -
GET    /servers/{server_id}/os-volume_attachments * 1- 200
POST   /servers/{server_id}/os-volume_attachments * 1-100 200
POST   /servers/{server_id}/os-volume_attachments * 101- 202
GET    /servers/{server_id}/os-volume_attachments/{id} * 1- 200
PUT    /servers/{server_id}/os-volume_attachments/{id} * 1- 202
DELETE /servers/{server_id}/os-volume_attachments/{id} * 1- 202
POST   /servers/{server_id}/remote-consoles * 6- 200
GET    /servers/{server_id}/os-security-groups * 1- 200
GET    /servers/{server_id}/shares * 97- 200
POST   /servers/{server_id}/shares * 97- 201
GET    /servers/{server_id}/shares/{id} * 97- 200
DELETE /servers/{server_id}/shares/{id} * 97- 200
GET    /servers/{server_id}/tags * 26- 200
PUT    /servers/{server_id}/tags * 26- 200
DELETE /servers/{server_id}/tags * 26- 204
GET    /servers/{server_id}/tags/{id} * 26- 204
PUT    /servers/{server_id}/tags/{id} * 26- 201/204
DELETE /servers/{server_id}/tags/{id} * 26- 204
GET    /servers/{server_id}/topology * 78- 200
"""


@dataclass(frozen=True)
class Operation:
    """`low` 0 means gone; `high` None: still there."""

    method: str
    path: str
    action: str | None
    low: int
    high: int | None
    success: frozenset[int]


def _operation(line: str) -> Operation:
    method, path, action, versions, success = line.split()
    low, _, high = versions.partition("-")
    return Operation(
        method,
        path,
        None if action == "*" else action,
        0 if low == "gone" else int(low),
        int(high) if high else None,
        frozenset() if success == "-" else frozenset(map(int, success.split("/"))),
    )


OPERATIONS = tuple(_operation(line) for line in _TABLE.split("\n") if line)
