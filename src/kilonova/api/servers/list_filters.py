"""From a query string to conditions: which filters count for whom, at which version. Source: Nova's server filters."""

import re
from collections.abc import Iterator

import msgspec

from kilonova.api.parameters import truth
from kilonova.api.request import Request
from kilonova.api.servers.list_schemas import JOINED
from kilonova.db.repository.server_filters import Condition
from kilonova.model.errors import BadRequest, Forbidden
from kilonova.model.server import STATUSES, VmState, states_of
from kilonova.model.time import moment_of, stamp

# Aliases first: several names may mean one thing.
_ALIASES = {
    "display_name": "name",
    "display_description": "description",
    "image_ref": "image",
    "tenant_id": "project_id",
    "uuid": "id",
}
_EXACT = frozenset({"project_id", "user_id", "image", "vm_state", "flavor", "id", "host", "task_state"})
_IGNORED = frozenset({"kernel_id", "ramdisk_id"})

# What callers without `allow_all_filters` may filter by, and since when.
_OPEN_FILTERS = (
    (1, {"reservation_id", "name", "status", "image", "flavor", "ip", "changes-since", "all_tenants"}),
    (5, {"ip6"}),
    (26, {"tags", "tags-any", "not-tags", "not-tags-any"}),
    (66, {"changes-before"}),
    (73, {"locked"}),
    (83, {"availability_zone", "config_drive", "key_name", "created_at", "launched_at", "terminated_at", "power_state",
          "task_state", "vm_state", "progress", "user_id"}),
    (90, {"hostname"}),
)  # fmt: skip
_NOT_FILTERS = frozenset({"limit", "marker", "sort_key", "sort_dir", "all_tenants"})
_TAGS = {"tags": "all_of", "tags-any": "any_of", "not-tags": "not_all_of", "not-tags-any": "none_of"}


_SOFTLY = (VmState.SOFT_DELETED.value,)


class NothingMatches(Exception):
    """The answer is an empty list, whatever there is."""


def conditions(request: Request) -> tuple[Condition, ...]:
    """What the servers listed must be. Errors: BadRequest, Forbidden, PolicyForbids, NothingMatches."""
    asked = _asked(request)
    found: list[Condition] = [*_whose(request, asked), *_changes(asked), *_status(request, asked)]
    for name, value in asked.items():
        found += _filter(request, name, value)
    return tuple(found)


def _asked(request: Request) -> dict[str, str]:
    """The filters that count, last value of each; a status may come several times."""
    query = request.query
    permitted = None if request.permits("os_compute_api:servers:allow_all_filters") else _open(request.version)
    asked: dict[str, str] = {}
    for given, values in query.items():
        name = _ALIASES.get(given, given)
        if name in _NOT_FILTERS:
            continue
        if permitted is None:
            _refuse_joined(name)
        elif name not in permitted:
            continue
        asked[name] = values[-1]
    return asked


def _open(version: int) -> frozenset[str]:
    return frozenset().union(*(names for since, names in _OPEN_FILTERS if since <= version))


def _refuse_joined(name: str) -> None:
    if name in JOINED or name.startswith("_"):
        raise BadRequest(f"Invalid filter field: {name}.")


def _whose(request: Request, asked: dict[str, str]) -> Iterator[Condition]:
    if asks_for_all_tenants(request):
        request.allow(f"{request.route.rule}:get_all_tenants")
        return
    # The caller's own project, whatever project_id says, for admins too.
    asked.pop("project_id", None)
    yield Condition("is", "project_id", (request.caller.project_id or "",))


def asks_for_all_tenants(request: Request) -> bool:
    value = request.one("all_tenants")
    if value is None:
        return False
    return value == "" or _boolean("all_tenants", value)


def _changes(asked: dict[str, str]) -> Iterator[Condition]:
    since, before = asked.pop("changes-since", None), asked.pop("changes-before", None)
    deleted = asked.pop("deleted", None)
    if since is not None:
        yield Condition("since", "updated_at", (_moment(since),))
    if before is not None:
        yield Condition("until", "updated_at", (_moment(before),))
    if since is not None and before is not None and _moment(since) > _moment(before):
        raise BadRequest("The value of changes-since must be less than or equal to changes-before.")
    softly = truth(asked.pop("soft_deleted", "")) if "soft_deleted" in asked else None
    if deleted is not None and truth(deleted):
        yield Condition("is", "deleted", (1,)) if softly is False else Condition("gone", "vm_state", _SOFTLY)
    elif deleted is not None or (since is None and before is None):
        # With either of the two deleted servers show as well: a poller must learn of them.
        yield Condition("is", "deleted", (0,))
        if not softly and not _asks_for_soft_deleted(asked):
            yield Condition("is_not", "vm_state", _SOFTLY)


def _asks_for_soft_deleted(asked: dict[str, str]) -> bool:
    """Those that can still be restored show to who asks for just them."""
    return (
        asked.get("status", "").upper() == "SOFT_DELETED" or asked.get("vm_state", "").lower() == VmState.SOFT_DELETED
    )


def _moment(text: str) -> str:
    return stamp(moment_of(text.strip().replace(" ", "+") if "T" in text else text.strip()))


def _status(request: Request, asked: dict[str, str]) -> Iterator[Condition]:
    asked.pop("status", None)
    statuses = [status.upper() for status in request.query.get("status", [])]
    if not statuses:
        return
    known = [status for status in statuses if status in STATUSES]
    if len(known) < len(statuses) and request.version >= 38:
        raise BadRequest("Invalid status value")
    if "DELETED" in known and not request.caller.is_admin:
        raise Forbidden("Only administrators may list deleted instances")
    vm_states: set[str] = set()
    tasks: set[str] = set()
    any_task = False
    for status in known:
        states, with_tasks = states_of(status)
        vm_states.update(states)
        tasks.update(with_tasks)
        # A status without tasks of its own lifts the condition on tasks for all, as Nova has it.
        any_task = any_task or not with_tasks
    if not vm_states:
        raise NothingMatches
    yield Condition("in", "vm_state", tuple(sorted(vm_states)))
    if not any_task:
        yield Condition("in", "task_state", tuple(sorted(tasks)))


def _filter(request: Request, name: str, value: str) -> Iterator[Condition]:
    if name in _IGNORED:
        return
    if name in _TAGS:
        tags = [msgspec.json.encode(tag).decode() for tag in value.split(",")]
        yield Condition(_TAGS[name], "tags", tuple(tags))
    elif name in ("ip", "ip6"):
        yield Condition("matches", "addresses", (_address_pattern(value),))
    elif name == "locked":
        yield Condition("not_null" if _boolean(name, value) else "is_null", "locked_by")
    elif name == "vm_state" and value.lower() == VmState.DELETED and not request.caller.is_admin:
        raise Forbidden("Only administrators may list deleted instances")
    elif name == "task_state" and value.lower() in ("", "none"):
        yield Condition("is_null", "task_state")
    elif name in _EXACT:
        yield Condition("is", name, (value,))
    elif name == "config_drive":
        yield Condition("is", name, (int(_boolean(name, value)),))
    elif name == "description" and request.version < 19:
        yield Condition("matches", "name", (value,))
    else:
        yield Condition("matches", name, (value,))


def _boolean(name: str, value: str) -> bool:
    said = truth(value)
    if said is None:
        raise BadRequest(f"Invalid value '{value}' for '{name}'.")
    return said


def _address_pattern(pattern: str) -> str:
    """The user's expression, looked for inside the `addr` members of the stored JSON only."""
    start = "" if pattern.startswith("^") else '[^"]*'
    end = '"' if re.search(r"(?<!\\)\$$", pattern) else ""
    bare = pattern.removeprefix("^")
    return f'"addr":"{start}(?:{bare[:-1] if end else bare}){end}'
