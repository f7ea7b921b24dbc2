"""What is deliberately not as Nova's table and samples have it, each with its reason."""

_BARE_METAL = "no bare-metal service: the answer of a Nova without Ironic"
_POWER = "hosts are not switched off from afar: the answer of Nova's libvirt driver"
_SHARES = "no shared file systems service: no share is ever found, as in a Nova whose Manila knows none"

_CELLS = "one cell: none of them can be down"
_CONSOLE = "no hypervisor here has such a console; Nova's drivers that had it are gone, or are VMware's"
_SWAP = "a swap is for a volume service in the middle of a migration, which the one here does not do: 409"
_MAINTENANCE = "hosts have no maintenance mode of the hypervisor: the answer of Nova's libvirt driver"
_STALE = "Nova's own schema refuses that sample at that version"

OPERATIONS: dict[str, str] = {
    "GET /os-baremetal-nodes": _BARE_METAL,
    "GET /os-baremetal-nodes/{id}": _BARE_METAL,
    "GET /os-hosts/{id}/reboot": _POWER,
    "GET /os-hosts/{id}/shutdown": _POWER,
    "GET /os-hosts/{id}/startup": _POWER,
    "PUT /servers/{server_id}/os-volume_attachments/{id}": _SWAP,
    "POST /servers/{server_id}/shares": _SHARES,
    "GET /servers/{server_id}/shares/{id}": _SHARES,
    "DELETE /servers/{server_id}/shares/{id}": _SHARES,
}
SAMPLES: dict[str, str] = {
    "os-baremetal-nodes/baremetal-node-get-resp": _BARE_METAL,
    "os-baremetal-nodes/baremetal-node-list-resp": _BARE_METAL,
    "os-hosts/host-get-reboot": _POWER,
    "os-hosts/host-get-shutdown": _POWER,
    "os-hosts/host-get-startup": _POWER,
    "os-hosts/host-put-maintenance-req": _MAINTENANCE,
    "os-hosts/host-put-maintenance-resp": _MAINTENANCE,
    "os-keypairs/keypairs-post-req at 2.92": _STALE,
    "os-remote-consoles/get-rdp-console-post-req": _CONSOLE,
    "os-remote-consoles/get-rdp-console-post-resp": _CONSOLE,
    "os-remote-consoles/create-rdp-console-req": _CONSOLE,
    "os-remote-consoles/create-mks-console-req": _CONSOLE,
    "os-remote-consoles/create-mks-console-resp": _CONSOLE,
    "os-server-shares/server-shares-admin-create-resp": _SHARES,
    "os-server-shares/server-shares-admin-show-resp": _SHARES,
    "os-server-shares/server-shares-create-req": _SHARES,
    "os-server-shares/server-shares-create-resp": _SHARES,
    "os-server-shares/server-shares-create-tag-req": _SHARES,
    "os-server-shares/server-shares-delete-req": _SHARES,
    "os-server-shares/server-shares-show-resp": _SHARES,
    "os-server-diagnostics/server-diagnostics-get-resp at 2.1": (
        "below 2.48 names of devices are the driver's own: cards are numbered from 0 here"
    ),
    "os-volumes/os-volumes-post-resp": "the sample shows a volume as attached that was just made",
    "os-services/services-list-get-resp at 2.69": _CELLS,
    "os-volume_attachments/update-volume-req": _SWAP,
    "servers/server-create-req at 2.90": _STALE,
    "servers/server-create-req at 2.94": _STALE,
    "servers/server-get-resp at 2.69": _CELLS,
    "servers/servers-details-resp at 2.69": _CELLS,
    "servers/servers-list-resp at 2.69": _CELLS,
    "servers/server-get-down-cell-resp": _CELLS,
}

ERRORS: dict[tuple[str, int], str] = {
    ("POST /servers/{}/os-interface", 500): "a host that does not answer is a 409 or a 503 here, not a 500",
}
