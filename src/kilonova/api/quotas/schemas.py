"""What calls about quotas may say, by version."""

from kilonova.api import parameters
from kilonova.api.parameters import MAX_INTEGER, Schema
from kilonova.api.quotas import resources
from kilonova.api.validation import Query, Schemas

_LIMIT = parameters.integer(-1, MAX_INTEGER)
_TEXT: Schema = {"type": "string"}


def _set(version: int) -> Schema:
    properties: Schema = dict.fromkeys(resources.of_sets(version), _LIMIT)
    return parameters.body("quota_set", {**properties, "force": parameters.boolean})


def _class(version: int) -> Schema:
    # Group quotas could be set before they could be seen.
    names = {*resources.of_classes(version), *resources.of_sets(max(version, 50))}
    return parameters.body("quota_class_set", dict.fromkeys(sorted(names), _LIMIT))


UPDATE_SET = Schemas(*((version, _set(version)) for version in (1, 36, 57)))
UPDATE_CLASS = Schemas(*((version, _class(version)) for version in (1, 50, 57)))
USER_QUERY = Query((1, {"user_id": {**_TEXT, "maxLength": 64}}))
LIMITS_QUERY = Query((1, {"tenant_id": _TEXT}))
# The one call that never minds what is behind the question mark.
DEFAULTS_QUERY = Query((1, {}), strict_from=1 << 30)
