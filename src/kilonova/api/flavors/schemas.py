"""What calls about flavors may say. Ranges: Nova's flavors schemas."""

from kilonova.api import parameters
from kilonova.api.parameters import MAX_INTEGER, Schema
from kilonova.api.validation import Query, Schemas

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

_ID: Schema = {
    "type": ["string", "number", "null"],
    "minLength": 1,
    "maxLength": 255,
    # No space at the ends, and nothing a URL could stumble over.
    "pattern": r"^(?! )[a-zA-Z0-9. _-]+(?<! )$",
}
_DESCRIPTION: Schema = {"type": ["string", "null"], "minLength": 0, "maxLength": 65535}
_AMOUNT = parameters.integer(0, MAX_INTEGER)
_SIZE: dict[str, Schema] = {
    "name": parameters.name,
    "id": _ID,
    "ram": parameters.integer(1, MAX_INTEGER),
    "vcpus": parameters.integer(1, MAX_INTEGER),
    "disk": _AMOUNT,
    "OS-FLV-EXT-DATA:ephemeral": _AMOUNT,
    "swap": _AMOUNT,
    "os-flavor-access:is_public": parameters.boolean,
}
_FACTOR: Schema = {
    "type": ["number", "string"],
    "pattern": r"^[0-9]+(\.[0-9]+)?$",
    "exclusiveMinimum": 0,
    # The largest number of MySQL's float.
    "maximum": 3.40282e38,
}
_FIRST = {**_SIZE, "rxtx_factor": _FACTOR}
_REQUIRED = ("name", "ram", "vcpus", "disk")
CREATE = Schemas(
    (1, parameters.body("flavor", _FIRST, _REQUIRED)),
    (55, parameters.body("flavor", {**_FIRST, "description": _DESCRIPTION}, _REQUIRED)),
    (102, parameters.body("flavor", {**_SIZE, "description": _DESCRIPTION}, _REQUIRED)),
)
UPDATE = Schemas.every(parameters.body("flavor", {"description": _DESCRIPTION}, ("description",)))

_TENANT = {"tenant": {"type": "string", "minLength": 1, "maxLength": 255}}


def _tenant(action: str) -> Schemas:
    return Schemas.every(parameters.body(action, _TENANT, ("tenant",)))


ADD_ACCESS = _tenant("addTenantAccess")
REMOVE_ACCESS = _tenant("removeTenantAccess")

_SPECS: Schema = {
    "type": "object",
    "patternProperties": {r"^[a-zA-Z0-9-_:.]{1,255}$": {"type": ["string", "number"], "maxLength": 255}},
    "additionalProperties": False,
}
CREATE_SPECS = Schemas.every(parameters.only("extra_specs", _SPECS))
UPDATE_SPEC = Schemas.every({**_SPECS, "minProperties": 1, "maxProperties": 1})
