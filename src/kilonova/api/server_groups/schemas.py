"""What calls about server groups may say, by version."""

from kilonova.api import parameters
from kilonova.api.parameters import MAX_INTEGER, Schema
from kilonova.api.validation import Query, Schemas

_HARD = ["anti-affinity", "affinity"]
_ALL = [*_HARD, "soft-anti-affinity", "soft-affinity"]


def _old(policies: list[str]) -> Schema:
    """Below 2.64: a list that holds exactly one policy."""
    one: Schema = {"type": "string", "enum": policies}
    listed: Schema = {"type": "array", "items": one, "minItems": 1, "maxItems": 1, "uniqueItems": True}
    return parameters.body("server_group", {"name": parameters.name, "policies": listed}, ("name", "policies"))


_RULES: Schema = {
    "type": "object",
    "properties": {"max_server_per_host": parameters.integer(1, MAX_INTEGER)},
    "additionalProperties": False,
}
CREATE = Schemas(
    (1, _old(_HARD)),
    (15, _old(_ALL)),
    (
        64,
        parameters.body(
            "server_group",
            {"name": parameters.name, "policy": {"type": "string", "enum": _ALL}, "rules": _RULES},
            ("name", "policy"),
        ),
    ),
)

_NUMBER: Schema = {"type": "string", "pattern": "^[0-9]*$"}
LIST_QUERY = Query((1, {"all_projects": {"type": "string"}, "limit": _NUMBER, "offset": _NUMBER}))
