"""What calls about hypervisors may say. Source of ranges: Nova's hypervisors schemas."""

from kilonova.api import parameters
from kilonova.api.parameters import Schema
from kilonova.api.validation import Query

_PAGE: dict[str, Schema] = {
    "limit": {"type": "string", "pattern": "^[0-9]*$"},
    "marker": {"type": "string"},
}
_SEARCH: dict[str, Schema] = {
    **_PAGE,
    "hypervisor_hostname_pattern": {"type": "string", "minLength": 1, "maxLength": 255},
    "with_servers": parameters.boolean,
}
_STRICT = 53
LIST_QUERY = Query((1, {}), (33, _PAGE), (_STRICT, _SEARCH), strict_from=_STRICT, single=True)
ONE_QUERY = Query((1, {}), (_STRICT, {"with_servers": parameters.boolean}), strict_from=_STRICT, single=True)
# Calls that end before anything became strict.
OLD_QUERY = Query((1, {}))
