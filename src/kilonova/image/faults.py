"""Errors as Glance's clients know them: an HTML page, or JSON for whoever prefers that."""

from html import escape
from http import HTTPStatus

from starlette.responses import Response

from kilonova.image.world import ImageRequest
from kilonova.model.errors import InternalError, KilonovaError
from kilonova.web.response import json_response

_PAGE = (
    "<html>\n <head>\n  <title>{title}</title>\n </head>\n"
    " <body>\n  <h1>{title}</h1>\n  {text}<br /><br />\n </body>\n</html>"
)


def render(status: int, error: BaseException, request: ImageRequest) -> Response:
    """The message of an error that is not ours stays in the log."""
    shown = isinstance(error, KilonovaError) and not isinstance(error, InternalError) and status != 500
    text = error.message if shown and isinstance(error, KilonovaError) else "The server could not comply."
    phrase = HTTPStatus(status).phrase
    headers = {"WWW-Authenticate": f"Keystone uri='{request.base}'"} if status == 401 else None
    if _prefers_json(request.headers.get("accept", "")):
        return json_response({"message": text, "code": f"{status} {phrase}", "title": phrase}, status, headers)
    page = _PAGE.format(title=f"{status} {phrase}", text=escape(text))
    return Response(page, status, headers, "text/html")


def _prefers_json(accept: str) -> bool:
    return "json" in accept and "html" not in accept
