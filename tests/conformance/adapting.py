"""Bodies of samples made to fit the place they are sent to: ids and names of what is there, all else as it stands."""

import json
from typing import Any

from tests.conformance.place import Place

# Member → the thing its value names.
_IDS = {
    "imageRef": "shared_image",
    "rescue_image_ref": "shared_image",
    "net_id": "network",
    "networkId": "network",
    "port_id": "port",
    "volumeId": "volume",
    "same_host": "server",
    "group": "group",
    "tenant": "project",
    "server_uuid": "server",
    "parent_group_id": "security_group",
    "hypervisor_hostname": "node",
    "volume_id": "volume",
}
# By the sample's name (a part of it), before the others.
_OF_SAMPLE: dict[str, dict[str, str]] = {
    "os-volumes-post": {"availability_zone": "zone"},
    "event-create": {"name": "event"},
    "snapshot-create-assisted": {"volume_id": "attached_volume", "id": "attached_volume"},
    "update-volume-attachment": {"volumeId": "held", "id": "held", "serverId": "last_holder", "device": "held_device"},
    "server-evacuate": {"host": "refuge"},
    "live-migrate-server": {"host": "elsewhere"},
    "os-migrate-server/migrate-server": {"host": "elsewhere"},
    "aggregate-images": {"id": "shared_image"},
    "addfloatingip": {"address": "floating_address", "fixed_address": "last_wired_address"},
    "removefloatingip": {"address": "its_floating_address"},
    "remove-fixed-ip": {"address": "its_address"},
    "security-group-add": {"name": "security_group"},
    "security-group-remove": {"name": "default_group"},
    "attach-interfaces-create-net_id": {"ip_address": "free_address"},
}
# Names that may be there once only.
_FRESH = ("os-keypairs/", "flavor-manage/", "flavor-access/flavor-create", "os-aggregates/")
# Samples that Nova's own schemas refuse at their version: their answers can still be compared.
OUTDATED = {"servers/server-create-req": (90, 94)}
_ZONES = ("servers/", "os-shelve/")


async def adapted(here: Place, name: str, version: int, body: Any) -> Any:
    """`body` of the sample `name`, as it is accepted at 2.`version` here."""
    rules = dict(_IDS)
    for part, more in _OF_SAMPLE.items():
        if part in name:
            rules |= more
    if name.startswith(_ZONES):
        rules["availability_zone"] = rules["pinned_availability_zone"] = "zone"
    if "host" not in rules:
        rules["host"] = "host"
    known: dict[str, str] = {}
    changed = await _walk(here, body, rules, known)
    if name in OUTDATED and version in OUTDATED[name]:
        # As Nova's own schema wants it at that version.
        changed["server"].pop("personality", None)
        changed["server"].setdefault("networks", "none")
    text = json.dumps(changed)
    if name.startswith(_FRESH):
        changed = json.loads(text)
        (inner,) = changed.values()
        for member in ("name", "id"):
            if isinstance(inner, dict) and member in inner and "images" not in name:
                inner[member] = here.fresh_name()
    return changed


async def _walk(here: Place, value: Any, rules: dict[str, str], known: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [await _walk(here, item, rules, known) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for member, inner in value.items():
        thing = rules.get(member)
        if member == "uuid":
            thing = {"image": "shared_image", "volume": "volume", "snapshot": "snapshot"}.get(
                value.get("source_type", ""), "network"
            )
        if thing is None or inner is None or isinstance(inner, dict | list):
            found[member] = await _walk(here, inner, rules, known)
        else:
            if thing not in known:
                known[thing] = await here.thing(thing)
            found[member] = known[thing]
    return found
