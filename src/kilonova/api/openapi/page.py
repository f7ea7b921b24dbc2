"""`docs/api.md`: the same tables as a page."""

from collections.abc import Iterable, Iterator

from kilonova.api.openapi import words
from kilonova.api.openapi.operations import errors
from kilonova.api.routes.route import Route
from kilonova.api.version import HIGHEST, LOWEST
from kilonova.contract.reasons import Reason

_REASONS = ", ".join(f"`{reason}`" for reason in Reason)

_HEAD = f"""# The Compute API

Made from the router's own tables by `./kilonova openapi --page`; do not edit.

Every operation at every microversion from 2.{LOWEST} to 2.{HIGHEST}. Ask for one with `OpenStack-API-Version: compute
2.N`. The same as OpenAPI 3.1, with the schema of every body, is served by a running cloud (no token needed) at
`/compute/v2.1/openapi.json?version=2.N`, and printed by `./kilonova openapi --version 2.N`.

Every call needs `X-Auth-Token`. Any of them may answer 400, 401, 403, 404 and 503; further errors are in the tables.

## Beyond Nova

**A create that may be sent again.** With an `Idempotency-Key` header (1 to 255 printable characters) `POST /servers`
makes its servers once: the same call with the same key, by the same user, within a day, at once or later, makes
nothing and gets the first answer. The same key with another body is a 409. What was refused may be tried again.

**Events.** `GET /servers/events` is a stream of server-sent events, one for each change of a state of the project's
servers (`all_tenants=1`: of all, for admins):

    id: 2026-11-21T07:26:45.123456/5f0c2d1e/17
    event: server
    data: {{"server_id":"…","project_id":"…","status":"ACTIVE","vm_state":"active","task_state":null,"power_state":1,…}}

`Last-Event-ID` tells what was missed; who was away for too long is told the present state of what changed since. After
an event `reset` that was too much: list the servers anew. Clients that do not read are cut off.

**Why, and why not.** `POST /servers/explain` takes the body of a create, checks it as one, and answers what the
scheduler would decide, making nothing: `filters`, each in order with what it asked of how many hosts and how many
passed, and for those that did not a `reason`, in words what was `short`, and what the nearest host `lacks`;
`candidates`, the best hosts with their `score` and each weigher's part in it; of `count` servers how many would be
`placed`, and the `message` of the first refusal. `GET /servers/{{server_id}}/explain` tells the same of a server there
is, as if it were nowhere yet. Hosts are shown by their `host_id`; who may see the hosts of servers sees their names.
Reasons: {_REASONS}.
"""

_EVERY_ERROR = {400, 401, 403, 404, 503}


def page(routes: Iterable[Route]) -> str:
    by_tag: dict[str, list[Route]] = {}
    gone: list[Route] = []
    for route in routes:
        if route.gone:
            gone.append(route)
        else:
            by_tag.setdefault(words.tag(route), []).append(route)
    lines = [_HEAD]
    for tag, rows in sorted(by_tag.items()):
        lines += [f"## {tag}", "", *_table(rows), ""]
    lines += ["## Gone", "", "These answer 410 at every microversion:", ""]
    lines += [f"- `{_called(route)}`" for route in gone]
    return "\n".join(lines) + "\n"


def _table(rows: Iterable[Route]) -> Iterator[str]:
    yield "| operation | versions | success | errors | policy rule | |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for route in rows:
        success = ", ".join(str(status) for status in (route.success, *route.also))
        more = ", ".join(str(status) for status in sorted(errors(route) - _EVERY_ERROR))
        rule = f"`{route.rule}`" if route.rule else ""
        yield f"| `{_called(route)}` | {words.versions(route)} | {success} | {more} | {rule} | {words.promise(route)} |"


def _called(route: Route) -> str:
    return f"{route.method} {route.path}" + (f" {route.action}" if route.action else "")
