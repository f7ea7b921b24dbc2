"""What calls about services may say: below 2.53 a verb in the URL and the host in the body, then the service's id."""

from kilonova.api import parameters
from kilonova.api.parameters import Schema
from kilonova.api.validation import Query, Schemas

_TEXT: Schema = {"type": "string"}
_SHORT: Schema = {"type": "string", "minLength": 1, "maxLength": 255}


def _object(properties: Schema, required: tuple[str, ...] = ()) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


_NAMED: Schema = {"host": parameters.host, "binary": _SHORT, "disabled_reason": _SHORT}
UPDATE = Schemas(
    (1, _object(_NAMED, ("host", "binary"))),
    (11, _object({**_NAMED, "forced_down": parameters.boolean}, ("host", "binary"))),
    (
        53,
        _object(
            {
                "status": {"type": "string", "enum": ["enabled", "disabled"]},
                "disabled_reason": _SHORT,
                "forced_down": parameters.boolean,
            }
        ),
    ),
)
LIST_QUERY = Query((1, {"host": _TEXT, "binary": _TEXT}))
