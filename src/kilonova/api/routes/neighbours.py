"""What other services, and proxies outside, ask: tokens of consoles, help with snapshots; and shares of servers."""

from kilonova.api.assisted_snapshots import handlers as snapshots
from kilonova.api.assisted_snapshots import schemas
from kilonova.api.console_tokens import handlers as tokens
from kilonova.api.routes.route import Handler, Route
from kilonova.api.shares import handlers as shares
from kilonova.api.validation import Schemas

_SNAPSHOTS = "os_compute_api:os-assisted-volume-snapshots"
_SHARES = "/servers/{server_id}/shares"


def _share(
    method: str, path: str, handler: Handler, rule: str, *, success: int = 200, body: Schemas | None = None
) -> Route:
    return Route(
        method=method,
        path=_SHARES + path,
        handler=handler,
        rule=f"os_compute_api:os-server-shares:{rule}",
        owned=True,
        low=97,
        success=success,
        body=body,
        query=shares.QUERY,
    )


ROUTES = (
    Route(
        method="GET",
        path="/os-console-auth-tokens/{id}",
        handler=tokens.show,
        rule="os_compute_api:os-console-auth-tokens",
        query=tokens.QUERY,
    ),
    Route(
        method="POST",
        path="/os-assisted-volume-snapshots",
        handler=snapshots.create,
        rule=f"{_SNAPSHOTS}:create",
        body=schemas.CREATE,
    ),
    Route(
        method="DELETE",
        path="/os-assisted-volume-snapshots/{id}",
        handler=snapshots.delete,
        rule=f"{_SNAPSHOTS}:delete",
        query=schemas.DELETE_QUERY,
        success=204,
    ),
    _share("GET", "", shares.index, "index"),
    _share("POST", "", shares.create, "create", success=201, body=shares.CREATE),
    _share("GET", "/{id}", shares.show, "show"),
    _share("DELETE", "/{id}", shares.delete, "delete"),
)
