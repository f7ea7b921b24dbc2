"""The version document behind a token (old clients ask there), and `versions/{id}`."""

from typing import Any

from kilonova.api import version_documents
from kilonova.api.request import Request
from kilonova.api.routes.route import NotAtThisVersion, Route


async def show(request: Request) -> dict[str, Any]:
    if request.params["id"] != "v2.1":
        raise NotAtThisVersion
    return version_documents.one_version(request.world.settings.link_prefix or request.base, "v2.1")


ROUTES = (Route(method="GET", path="/versions/{id}", handler=show),)
