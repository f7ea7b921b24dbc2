"""What the volume service says when it wants help. Source: Nova's assisted volume snapshots schemas."""

from kilonova.api import parameters
from kilonova.api.parameters import Schema
from kilonova.api.validation import Query, Schemas

_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 255}
_INFO: Schema = {
    "type": "object",
    "properties": {
        "snapshot_id": _TEXT,
        "type": {"type": "string", "enum": ["qcow2"]},
        "new_file": _TEXT,
        "id": _TEXT,
    },
    "required": ["snapshot_id", "type", "new_file"],
    "additionalProperties": False,
}
CREATE = Schemas.every(
    parameters.body("snapshot", {"volume_id": _TEXT, "create_info": _INFO}, ("volume_id", "create_info"))
)
DELETE_QUERY = Query((1, {"delete_info": {"type": "string"}}))
