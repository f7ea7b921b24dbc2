"""What calls about migrations may say. Source of names: Nova's migrations schemas."""

from kilonova.api import parameters
from kilonova.api.parameters import Schema
from kilonova.api.validation import Query, Schemas

_TEXT: Schema = {"type": "string"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_FIRST: dict[str, Schema] = dict.fromkeys(
    ("hidden", "host", "instance_uuid", "source_compute", "status", "migration_type"), _TEXT
)
_PAGED: dict[str, Schema] = {
    **_FIRST,
    "limit": {"type": "string", "pattern": "^[0-9]*$"},
    "marker": parameters.uuid,
    "changes-since": _MOMENT,
}
_BOUNDED = {**_PAGED, "changes-before": _MOMENT}
_OWNED = {**_BOUNDED, "user_id": _TEXT, "project_id": _TEXT}
LIST_QUERY = Query((1, _FIRST), (59, _PAGED), (66, _BOUNDED), (80, _OWNED), strict_from=59, single=True)
FORCE_COMPLETE = Schemas.every(parameters.only("force_complete", parameters.none))
