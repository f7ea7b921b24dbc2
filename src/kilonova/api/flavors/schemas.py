"""What calls about flavors may say. Ranges: Nova's flavors schemas."""

from kilonova.api.parameters import Schema
from kilonova.api.validation import Query

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "string", "pattern": "^[0-9]*$"}
_SORT_KEYS = (
    "created_at", "description", "disabled", "ephemeral_gb", "flavorid", "id", "is_public", "memory_mb", "name",
    "root_gb", "rxtx_factor", "swap", "updated_at", "vcpus", "vcpu_weight", "deleted", "deleted_at",
)  # fmt: skip

_LIST: dict[str, Schema] = {
    "limit": _NUMBER,
    "marker": _TEXT,
    "is_public": _TEXT,
    "minRam": _TEXT,
    "minDisk": _TEXT,
    "sort_key": {"type": "string", "enum": list(_SORT_KEYS)},
    "sort_dir": {"type": "string", "enum": ["asc", "desc"]},
}
LIST_QUERY = Query((1, _LIST), (102, {**_LIST, "name": _TEXT}))
