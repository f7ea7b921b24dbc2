"""What an explanation looks like; its reasons are codes, so no form says it (see `forms`)."""

from kilonova.api.openapi.forms import schema_of
from kilonova.api.parameters import Schema
from kilonova.contract.reasons import Reason

_REASON: Schema = {"type": ["string", "null"], "enum": [*map(str, Reason), None]}


def _known(name: str) -> Schema:
    return _REASON if name == "reason" else schema_of(_FORMS[name], 1, _known)


# Hosts by their names are shown to those who may see the hosts of servers.
_FORMS = {
    "explanation": (
        "count=i placed=i message=s? reason=reason by_chance=b passed=i filters=[filter] candidates=[candidate]"
        " host_ids=[s] ~hosts=[s]"
    ),
    "filter": "name=s asked=s given=i passed=i reason=reason short=s lacks=s ~nearest=s?",
    "candidate": "rank=i host_id=s score=n weights=[share] ~host=s",
    "share": "name=s weight=n multiplier=n score=n",
}
EXPLANATION: Schema = schema_of("explanation=explanation", 1, _known)
