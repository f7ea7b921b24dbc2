"""A request to the Compute API: its version, who calls, its checked body and query, and what policy says."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope

from kilonova.api.policy_checks import Target
from kilonova.api.world import World
from kilonova.model.caller import Caller
from kilonova.model.errors import Forbidden
from kilonova.web import request as web
from kilonova.web.application import TokenCheck

if TYPE_CHECKING:
    from kilonova.api.routes.route import Route


class PolicyForbids(Forbidden):
    def __init__(self, rule: str) -> None:
        super().__init__(f"Policy doesn't allow {rule} to be performed.")
        self.rule = rule


class Request(web.Request[World]):
    """`version` is the minor number; `body` and `query` are there once the dispatcher has checked them.

    `query` maps each accepted parameter to its values in order. `legacy` means the URL began with /v2.
    """

    version: int
    legacy: bool
    route: "Route"
    check_token: TokenCheck
    caller: Caller
    body: Any
    query: dict[str, list[str]]

    def __init__(self, scope: Scope, receive: Receive, world: World, *, max_body: int, request_id: str) -> None:
        super().__init__(scope, receive, world, {}, max_body)
        self.request_id = request_id
        self.version = 1
        self.legacy = False
        self.url_project: str | None = None
        self.prefix = ""
        self.body = None
        self.query = {}

    @property
    def project_id(self) -> str:
        """The caller's project. Errors: Forbidden for a token without one."""
        if self.caller.project_id is None:
            raise Forbidden("The request needs a token scoped to a project.")
        return self.caller.project_id

    def one(self, name: str) -> str | None:
        """The last value of a query parameter, None when it was not given."""
        values = self.query.get(name)
        return values[-1] if values else None

    def permits(self, rule: str, target: Target | Mapping[str, str] | None = None) -> bool:
        """`target` owns `project_id` and `user_id`; None means the caller's own."""
        if target is None:
            target = Target(self.caller.project_id or "", self.caller.user_id)
        elif not isinstance(target, Target):
            target = Target(target.get("project_id", ""), target.get("user_id", ""))
        return self.world.policy.permits(rule, self.caller, target)

    def allow(self, rule: str = "", target: Target | None = None) -> None:
        """Check `rule` (default: the route's). Errors: PolicyForbids."""
        rule = rule or self.route.rule
        if not self.permits(rule, target):
            raise PolicyForbids(rule)

    @property
    def self_base(self) -> str:
        """`http://host/compute/v2.1[/project]`, for `self` links."""
        return self._link_root() + self.prefix + self._project()

    @property
    def bookmark_base(self) -> str:
        """The same without the version, for `bookmark` links."""
        return self._link_root() + self._project()

    def _link_root(self) -> str:
        return self.world.settings.link_prefix or self.base

    def _project(self) -> str:
        return "" if self.url_project is None else "/" + self.url_project
