"""What calls about aggregates may say."""

from kilonova.api import parameters
from kilonova.api.parameters import Schema
from kilonova.api.validation import Schemas

_ZONE = parameters.nullable(parameters.az_name)
_MEMBERS: Schema = {"name": parameters.name, "availability_zone": _ZONE}
_KEY = r"^[a-zA-Z0-9-_:. ]{1,255}$"
# null takes a key away.
_METADATA: Schema = {
    "type": "object",
    "patternProperties": {_KEY: {"type": ["string", "null"], "maxLength": 255}},
    "additionalProperties": False,
}


def _with(member: str, value: Schema) -> Schema:
    return {"type": "object", "properties": {member: value}, "required": [member], "additionalProperties": False}


CREATE = Schemas.every(parameters.body("aggregate", _MEMBERS, ("name",)))
UPDATE = Schemas.every(
    parameters.body("aggregate", _MEMBERS, anyOf=[{"required": ["name"]}, {"required": ["availability_zone"]}])
)
ADD_HOST = Schemas.every(_with("add_host", _with("host", parameters.host)))
REMOVE_HOST = Schemas.every(_with("remove_host", _with("host", parameters.host)))
SET_METADATA = Schemas.every(_with("set_metadata", _with("metadata", _METADATA)))
IMAGES = Schemas.every(_with("cache", {"type": "array", "minItems": 1, "items": _with("id", parameters.uuid)}))
