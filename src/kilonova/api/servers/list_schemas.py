"""What a list of servers may be asked for, by version. Source: Nova's servers schemas and filters."""

from kilonova.api.parameters import Schema
from kilonova.api.validation import Query

_TEXT: Schema = {"type": "string"}
_PATTERN: Schema = {"type": "string", "format": "regex"}
_NUMBER: Schema = {"type": "string", "pattern": "^[0-9]*$"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}

SORT_KEYS = (
    "access_ip_v4", "access_ip_v6", "auto_disk_config", "availability_zone", "config_drive", "created_at",
    "display_description", "display_name", "host", "hostname", "image_ref", "instance_type_id", "kernel_id", "key_name",
    "launch_index", "launched_at", "locked_by", "node", "power_state", "progress", "project_id", "ramdisk_id",
    "root_device_name", "task_state", "terminated_at", "updated_at", "user_id", "uuid", "vm_state",
)  # fmt: skip

# Accepted once upon a time, without effect; refused from 2.75 on.
IGNORED_SORT_KEYS = (
    "architecture", "cell_name", "cleaned", "default_ephemeral_device", "default_swap_device", "deleted", "deleted_at",
    "disable_terminate", "ephemeral_gb", "ephemeral_key_uuid", "id", "key_data", "launched_on", "locked", "memory_mb",
    "os_type", "reservation_id", "root_gb", "shutdown_terminate", "user_data", "vcpus", "vm_mode",
)  # fmt: skip

JOINED = frozenset(
    {"block_device_mapping", "services", "metadata", "system_metadata", "info_cache", "security_groups", "pci_devices"}
)

_PLAIN = (
    "user_id", "project_id", "tenant_id", "launch_index", "image_ref", "image", "vm_state", "task_state", "host",
    "uuid", "sort_dir", "all_tenants", "soft_deleted", "deleted", "status", "marker", *sorted(JOINED),
)  # fmt: skip
_PATTERNS = (
    "kernel_id", "ramdisk_id", "hostname", "key_name", "power_state", "node", "flavor", "reservation_id", "launched_at",
    "terminated_at", "availability_zone", "name", "display_name", "description", "display_description", "locked_by",
    "root_device_name", "config_drive", "access_ip_v4", "access_ip_v6", "auto_disk_config", "progress", "ip", "ip6",
    "created_at",
)  # fmt: skip


def _sort_key(*keys: str) -> Schema:
    return {"type": "string", "enum": list(keys)}


_V1: dict[str, Schema] = {
    **dict.fromkeys(_PLAIN, _TEXT),
    **dict.fromkeys(_PATTERNS, _PATTERN),
    "limit": _NUMBER,
    "changes-since": _MOMENT,
    "sort_key": _sort_key(*SORT_KEYS, *IGNORED_SORT_KEYS),
}
_V26 = {**_V1, **dict.fromkeys(("tags", "tags-any", "not-tags", "not-tags-any"), _PATTERN)}
_V66 = {**_V26, "changes-before": _MOMENT}
_V73 = {**_V66, "locked": _TEXT}
_V75 = {**_V73, "sort_key": _sort_key(*SORT_KEYS, "locked")}

LIST_QUERY = Query((1, _V1), (26, _V26), (66, _V66), (73, _V73), (75, _V75))
