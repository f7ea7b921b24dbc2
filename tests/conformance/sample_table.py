"""What is asked for each of Nova's API samples. Names in braces are things of `Place`."""

# Folders of calls that are gone, and lone samples of such: method, path.
GONE: dict[str, str] = {
    "consoles": "GET /servers/{server}/consoles",
    "os-agents": "GET /os-agents",
    "os-cells": "GET /os-cells",
    "os-certificates": "POST /os-certificates",
    "os-cloudpipe": "GET /os-cloudpipe",
    "os-fixed-ips": "GET /os-fixed-ips/192.0.2.1",
    "os-floating-ip-dns": "GET /os-floating-ip-dns",
    "os-floating-ips-bulk": "GET /os-floating-ips-bulk",
    "os-fping": "GET /os-fping",
    "os-networks-associate": "POST /os-networks/x/action",
    "os-security-group-default-rules": "GET /os-security-group-default-rules",
    "os-virtual-interfaces": "GET /servers/{server}/os-virtual-interfaces",
    "os-networks/network-add-req": "POST /os-networks/add",
    "os-networks/network-create-req": "POST /os-networks",
    "os-networks/network-create-resp": "POST /os-networks",
    "os-tenant-networks/networks-post-req": "POST /os-tenant-networks",
    "os-tenant-networks/networks-post-res": "POST /os-tenant-networks",
    "os-admin-actions/admin-actions-reset-network": "POST /servers/{server}/action",
}

_ACTIVE = "POST /servers/{active}/action"
_WIRED = "POST /servers/{wired}/action"
_RESCUED = "POST /servers/{rescued}/action"
_OFFLOADED = "POST /servers/{offloaded}/action"
_CONSOLE = "POST /servers/{server}/remote-consoles"
_SERVER = "/servers/{server}"
_ATTACH = "POST /servers/{active}/os-volume_attachments"
_CHANGE = "PUT /servers/{holder}/os-volume_attachments/{held}"
_MOVE = "POST /servers/{active}/action"
_EVACUATE = "POST /servers/{stranded}/action"

# Samples of requests: the call that carries them.
REQUESTS: dict[str, str] = {
    "flavor-access/flavor-access-add-tenant-req": "POST /flavors/{flavor}/action",
    "flavor-access/flavor-access-remove-tenant-req": "POST /flavors/{granted_flavor}/action",
    "flavor-access/flavor-create-req": "POST /flavors",
    "flavor-extra-specs/flavor-extra-specs-create-req": "POST /flavors/{flavor}/os-extra_specs",
    "flavor-extra-specs/flavor-extra-specs-update-req": "PUT /flavors/{flavor}/os-extra_specs/hw:numa_nodes",
    "flavor-manage/flavor-create-post-req": "POST /flavors",
    "flavor-manage/flavor-update-req": "PUT /flavors/{flavor}",
    "images/image-meta-key-put-req": "PUT /images/{image}/metadata/auto_disk_config",
    "images/image-metadata-post-req": "POST /images/{image}/metadata",
    "images/image-metadata-put-req": "PUT /images/{image}/metadata",
    "os-admin-actions/admin-actions-inject-network-info": _ACTIVE,
    "os-admin-actions/admin-actions-reset-server-state": _ACTIVE,
    "os-admin-password/admin-password-change-password": _ACTIVE,
    "os-aggregates/aggregate-add-host-post-req": "POST /os-aggregates/{aggregate}/action",
    "os-aggregates/aggregate-images-post-req": "POST /os-aggregates/{aggregate_with_host}/images",
    "os-aggregates/aggregate-metadata-post-req": "POST /os-aggregates/{aggregate}/action",
    "os-aggregates/aggregate-post-req": "POST /os-aggregates",
    "os-aggregates/aggregate-remove-host-post-req": "POST /os-aggregates/{aggregate_with_host}/action",
    "os-aggregates/aggregate-update-post-req": "PUT /os-aggregates/{aggregate}",
    "os-assisted-volume-snapshots/snapshot-create-assisted-req": "POST /os-assisted-volume-snapshots",
    "os-attach-interfaces/attach-interfaces-create-net_id-req": "POST /servers/{wired}/os-interface",
    "os-attach-interfaces/attach-interfaces-create-req": "POST /servers/{wired}/os-interface",
    "os-console-auth-tokens/create-serial-console-req": _CONSOLE,
    "os-console-auth-tokens/create-spice-direct-console-req": _CONSOLE,
    "os-console-output/console-output-post-req": _ACTIVE,
    "os-create-backup/create-backup-req": _ACTIVE,
    "os-deferred-delete/force-delete-post-req": _ACTIVE,
    "os-deferred-delete/restore-post-req": "POST /servers/{deleted}/action",
    "os-evacuate/server-evacuate-find-host-req": _EVACUATE,
    "os-evacuate/server-evacuate-req": _EVACUATE,
    "os-floating-ips/floating-ips-create-req": "POST /os-floating-ips",
    "os-hosts/host-put-maintenance-req": "PUT /os-hosts/{host}",
    "os-keypairs/keypairs-import-post-req": "POST /os-keypairs",
    "os-keypairs/keypairs-post-req": "POST /os-keypairs",
    "os-lock-server/lock-server": _ACTIVE,
    "os-lock-server/lock-server-with-reason": _ACTIVE,
    "os-lock-server/unlock-server": "POST /servers/{locked}/action",
    "os-migrate-server/live-migrate-server": _MOVE,
    "os-migrate-server/migrate-server": _MOVE,
    "os-migrate-server/migrate-server-null": _MOVE,
    "os-multinic/multinic-add-fixed-ip-req": _WIRED,
    "os-multinic/multinic-remove-fixed-ip-req": "POST /servers/{addressed}/action",
    "os-multiple-create/multiple-create-no-resv-post-req": "POST /servers",
    "os-multiple-create/multiple-create-post-req": "POST /servers",
    "os-pause-server/pause-server": _ACTIVE,
    "os-pause-server/unpause-server": "POST /servers/{paused}/action",
    "os-preserve-ephemeral-rebuild/server-action-rebuild-preserve-ephemeral": _WIRED,
    "os-quota-class-sets/quota-classes-update-post-req": "PUT /os-quota-class-sets/silver",
    "os-quota-sets/quotas-update-force-post-req": "PUT /os-quota-sets/{other_project}",
    "os-quota-sets/quotas-update-post-req": "PUT /os-quota-sets/{other_project}",
    "os-quota-sets/user-quotas-update-post-req": "PUT /os-quota-sets/{other_project}?user_id=anna",
    "os-quota-sets-noop/quotas-update-force-post-req": "PUT /os-quota-sets/{other_project}",
    "os-quota-sets-noop/quotas-update-post-req": "PUT /os-quota-sets/{other_project}",
    "os-quota-sets-noop/user-quotas-update-post-req": "PUT /os-quota-sets/{other_project}?user_id=anna",
    "os-remote-consoles/create-mks-console-req": _CONSOLE,
    "os-remote-consoles/create-rdp-console-req": _CONSOLE,
    "os-remote-consoles/create-spice-direct-console-req": _CONSOLE,
    "os-remote-consoles/create-vnc-console-req": _CONSOLE,
    "os-remote-consoles/get-rdp-console-post-req": _ACTIVE,
    "os-remote-consoles/get-serial-console-post-req": _ACTIVE,
    "os-remote-consoles/get-spice-console-post-req": _ACTIVE,
    "os-remote-consoles/get-vnc-console-post-req": _ACTIVE,
    "os-rescue/server-rescue-req": _ACTIVE,
    "os-rescue/server-rescue-req-with-image-ref": _ACTIVE,
    "os-rescue/server-unrescue-req": _RESCUED,
    "os-security-groups/security-group-add-post-req": _WIRED,
    "os-security-groups/security-group-post-req": "POST /os-security-groups",
    "os-security-groups/security-group-remove-post-req": "POST /servers/{secured}/action",
    "os-security-groups/security-group-rules-post-req": "POST /os-security-group-rules",
    "os-server-external-events/event-create-req": "POST /os-server-external-events",
    "os-server-groups/server-groups-post-req": "POST /os-server-groups",
    "os-server-shares/server-shares-create-req": "POST /servers/{shutoff}/shares",
    "os-server-shares/server-shares-create-tag-req": "POST /servers/{shutoff}/shares",
    "os-server-shares/server-shares-delete-req": "DELETE /servers/{shutoff}/shares/x",
    "os-server-tags/server-tags-put-all-req": "PUT /servers/{server}/tags",
    "os-services/service-disable-log-put-req": "PUT /os-services/disable-log-reason",
    "os-services/service-disable-put-req": "PUT /os-services/disable",
    "os-services/service-enable-put-req": "PUT /os-services/enable",
    "os-services/service-force-down-put-req": "PUT /os-services/force-down",
    "os-shelve/os-shelve": _ACTIVE,
    "os-shelve/os-shelve-offload": "POST /servers/{shelved}/action",
    "os-shelve/os-unshelve": _OFFLOADED,
    "os-shelve/os-unshelve-az": _OFFLOADED,
    "os-shelve/os-unshelve-az-host": _OFFLOADED,
    "os-shelve/os-unshelve-host": _OFFLOADED,
    "os-shelve/os-unshelve-host-and-unpin-az": _OFFLOADED,
    "os-shelve/os-unshelve-unpin-az": _OFFLOADED,
    "os-snapshots/snapshot-create-req": "POST /os-snapshots",
    "os-suspend-server/server-resume": "POST /servers/{suspended}/action",
    "os-suspend-server/server-suspend": _ACTIVE,
    "os-volume_attachments/attach-volume-to-server-req": _ATTACH,
    "os-volume_attachments/update-volume-attachment-delete-flag-req": _CHANGE,
    "os-volume_attachments/update-volume-req": _CHANGE,
    "os-volumes/os-volumes-post-req": "POST /os-volumes",
    "server-metadata/server-metadata-all-req": "PUT /servers/{server}/metadata",
    "server-metadata/server-metadata-req": "PUT /servers/{server}/metadata/foo",
    "server-migrations/force_complete": "POST /servers/{moving}/migrations/{migration}/action",
    "server-migrations/live-migrate-server": _MOVE,
    "servers/lock-server-with-reason": _ACTIVE,
    "servers/server-action-addfloatingip-req": _WIRED,
    "servers/server-action-confirm-resize": "POST /servers/{resized}/action",
    "servers/server-action-create-image": _ACTIVE,
    "servers/server-action-reboot": _ACTIVE,
    "servers/server-action-rebuild": _WIRED,
    "servers/server-action-removefloatingip-req": "POST /servers/{floated}/action",
    "servers/server-action-resize": _ACTIVE,
    "servers/server-action-revert-resize": "POST /servers/{resized}/action",
    "servers/server-action-start": "POST /servers/{shutoff}/action",
    "servers/server-action-stop": _ACTIVE,
    "servers/server-action-trigger-crash-dump": _ACTIVE,
    "servers/server-create-req": "POST /servers",
    "servers/server-create-req-v237": "POST /servers",
    "servers/server-create-req-v257": "POST /servers",
    "servers/server-create-req-with-host-and-node": "POST /servers",
    "servers/server-create-req-with-only-host": "POST /servers",
    "servers/server-create-req-with-only-node": "POST /servers",
    "servers/server-groups-post-req": "POST /os-server-groups",
    "servers/server-put-req": "PUT /servers/{wired}",
    "servers/server-update-req": "PUT /servers/{wired}",
}

# The same from a version on.
_OLD_VERBS = ("disable-log", "disable", "enable", "force-down")
LATER_REQUESTS: dict[str, tuple[int, str]] = {
    f"os-services/service-{verb}-put-req": (53, "PUT /os-services/{service}") for verb in _OLD_VERBS
}

# Samples that hold the version in their names are of that version.
VERSION_OF_NAME = {"servers/server-create-req-v237": 37, "servers/server-create-req-v257": 57}
# Answers to requests whose names do not match those of the request.
ANSWERS: dict[str, str] = {
    "os-evacuate/server-evacuate-find-host-req": "os-evacuate/server-evacuate-find-host-resp",
    "os-rescue/server-rescue-req": "os-rescue/server-rescue",
    "os-rescue/server-rescue-req-with-image-ref": "os-rescue/server-rescue",
    "os-attach-interfaces/attach-interfaces-create-net_id-req": "os-attach-interfaces/attach-interfaces-create-resp",
    "os-preserve-ephemeral-rebuild/server-action-rebuild-preserve-ephemeral": (
        "os-preserve-ephemeral-rebuild/server-action-rebuild-preserve-ephemeral-resp"
    ),
    "servers/server-action-rebuild": "servers/server-action-rebuild-resp",
    "servers/server-action-create-image": "servers/server-action-create-image-resp",
    "os-create-backup/create-backup-req": "os-create-backup/create-backup-resp",
    "servers/server-create-req-with-host-and-node": "servers/server-create-resp",
    "servers/server-create-req-with-only-host": "servers/server-create-resp",
    "servers/server-create-req-with-only-node": "servers/server-create-resp",
    "flavor-access/flavor-create-req": "flavor-manage/flavor-create-post-resp",
    "os-security-groups/security-group-post-req": "os-security-groups/security-groups-create-resp",
}

# Samples of answers to calls without a body.
READS: dict[str, str] = {
    "os-attach-interfaces/attach-interfaces-list-resp": f"{_SERVER}/os-interface",
    "os-attach-interfaces/attach-interfaces-show-resp": f"{_SERVER}/os-interface/{{port_of_wired}}",
    "os-hosts/host-get-reboot": "/os-hosts/{host}/reboot",
    "os-hosts/host-get-shutdown": "/os-hosts/{host}/shutdown",
    "os-hosts/host-get-startup": "/os-hosts/{host}/startup",
    "os-baremetal-nodes/baremetal-node-get-resp": "/os-baremetal-nodes/x",
    "os-baremetal-nodes/baremetal-node-list-resp": "/os-baremetal-nodes",
    "os-instance-actions/instance-action-get-resp": "/servers/{stopped_once}/os-instance-actions/{stop_request}",
    "os-instance-actions/instance-action-get-non-admin-resp": (
        "/servers/{their_server}/os-instance-actions/{their_request}"
    ),
    "os-instance-actions/instance-actions-list-resp": "/servers/{stopped_once}/os-instance-actions",
    "os-instance-actions/instance-actions-list-with-changes-before": (
        "/servers/{stopped_once}/os-instance-actions?changes-before=2099-01-01T00:00:00Z"
    ),
    "os-instance-actions/instance-actions-list-with-changes-since": (
        "/servers/{stopped_once}/os-instance-actions?changes-since=2001-01-01T00:00:00Z"
    ),
    "os-instance-actions/instance-actions-list-with-limit-resp": "/servers/{stopped_once}/os-instance-actions?limit=1",
    "os-instance-actions/instance-actions-list-with-marker-resp": (
        "/servers/{stopped_once}/os-instance-actions?marker={stop_request}"
    ),
    "os-rescue/server-get-resp-rescue": "/servers/{rescued_and_wired}",
    "os-rescue/server-get-resp-unrescue": _SERVER,
    "os-security-groups/server-security-groups-list-resp": f"{_SERVER}/os-security-groups",
    "os-server-diagnostics/server-diagnostics-get-resp": f"{_SERVER}/diagnostics",
    "os-server-password/get-password-resp": f"{_SERVER}/os-server-password",
    "os-server-shares/server-shares-list-resp": f"{_SERVER}/shares",
    "os-server-tags/server-tags-index-resp": f"{_SERVER}/tags",
    "os-server-tags/server-tags-show-details-resp": _SERVER,
    "os-server-tags/servers-tags-details-resp": "/servers/detail?limit=1&tags=tag1&name=^{server_name}$",
    "os-server-topology/servers-topology-resp": f"{_SERVER}/topology",
    "os-server-topology/servers-topology-resp-user": "/servers/{their_server}/topology",
    "os-services/services-list-get-resp": "/os-services",
    "os-volume_attachments/list-volume-attachments-resp": "/servers/{double_holder}/os-volume_attachments",
    "os-volume_attachments/volume-attachment-detail-resp": "/servers/{holder}/os-volume_attachments/{held}",
    "server-ips/server-ips-network-resp": f"{_SERVER}/ips/private",
    "server-ips/server-ips-resp": f"{_SERVER}/ips",
    "server-metadata/server-metadata-all-resp": f"{_SERVER}/metadata",
    "server-metadata/server-metadata-resp": f"{_SERVER}/metadata/foo",
    "servers/server-get-resp": _SERVER,
    "servers/servers-details-resp": "/servers/detail?limit=1&name=^{server_name}$",
    "servers/servers-details-with-changes-before": (
        "/servers/detail?changes-before=2099-01-01T00:00:00Z&name=^{server_name}$"
    ),
    "servers/servers-list-resp": "/servers?limit=1",
    "servers/servers-list-status-resp": "/servers?limit=1&status=ACTIVE",
    "servers/servers-list-with-changes-before": "/servers?changes-before=2099-01-01T00:00:00Z",
    "servers-sort/server-sort-keys-list-resp": "/servers?sort_key=display_name&sort_dir=asc",
}
