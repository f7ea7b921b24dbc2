"""What calls about key pairs may say, by version."""

from kilonova.api import parameters
from kilonova.api.parameters import Schema
from kilonova.api.validation import Query, Schemas

_TEXT: Schema = {"type": "string"}
_FIRST: dict[str, Schema] = {"name": parameters.name, "public_key": _TEXT}
_TYPED = {**_FIRST, "type": {"type": "string", "enum": ["ssh", "x509"]}}
_OF_USER = {**_TYPED, "user_id": {**_TEXT, "maxLength": 64}}

CREATE = Schemas(
    (1, parameters.body("keypair", _FIRST, ("name",))),
    (2, parameters.body("keypair", _TYPED, ("name",))),
    (10, parameters.body("keypair", _OF_USER, ("name",))),
    (92, parameters.body("keypair", _OF_USER, ("name", "public_key"))),
)

_USER: dict[str, Schema] = {"user_id": _TEXT}
LIST_QUERY = Query(
    (1, {}), (10, _USER), (35, {**_USER, "limit": {"type": "string", "pattern": "^[0-9]*$"}, "marker": _TEXT})
)
ONE_QUERY = Query((1, {}), (10, _USER))
