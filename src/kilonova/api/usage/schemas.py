"""What calls about usage may say. Times are checked by the handler: Nova takes three forms of them."""

from kilonova.api.parameters import Schema
from kilonova.api.validation import Query

_TEXT: Schema = {"type": "string"}
_SPAN: dict[str, Schema] = {"start": _TEXT, "end": _TEXT}
_PAGE: dict[str, Schema] = {"limit": {"type": "string", "pattern": "^[0-9]*$"}, "marker": _TEXT}
LIST_QUERY = Query((1, {**_SPAN, "detailed": _TEXT}), (40, {**_SPAN, **_PAGE, "detailed": _TEXT}))
ONE_QUERY = Query((1, _SPAN), (40, {**_SPAN, **_PAGE}))
