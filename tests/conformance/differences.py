"""What is deliberately not as Nova's table and samples have it, each with its reason."""

_BARE_METAL = "no bare-metal service: the answer of a Nova without Ironic"
_POWER = "hosts are not switched off from afar: the answer of Nova's libvirt driver"
_SHARES = "no shared file systems service: no share is ever found, as in a Nova whose Manila knows none"

OPERATIONS: dict[str, str] = {
    "GET /os-baremetal-nodes": _BARE_METAL,
    "GET /os-baremetal-nodes/{id}": _BARE_METAL,
    "GET /os-hosts/{id}/reboot": _POWER,
    "GET /os-hosts/{id}/shutdown": _POWER,
    "GET /os-hosts/{id}/startup": _POWER,
    "POST /servers/{server_id}/shares": _SHARES,
    "GET /servers/{server_id}/shares/{id}": _SHARES,
    "DELETE /servers/{server_id}/shares/{id}": _SHARES,
}
SAMPLES: dict[str, str] = {}
