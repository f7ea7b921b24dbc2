"""Why a server would be where, or nowhere: the scheduler's answer to a create, with nothing created."""

from collections.abc import Sequence
from typing import Any

import msgspec

from kilonova.api.request import Request
from kilonova.api.servers.create import checked_count, spec_of, understood
from kilonova.api.servers.find import find_server, owner_of
from kilonova.contract.reasons import Reason
from kilonova.contract.scheduler import Candidate, Explained, FilterCount, RequestSpec
from kilonova.db.repository import servers
from kilonova.model.ids import ServerId
from kilonova.model.server import host_id

# Who may see where servers are may see the names of hosts here.
_NAMES = "os_compute_api:os-extended-server-attributes"


async def explain(request: Request) -> dict[str, Any]:
    """The body of a create, checked as one. Errors: as a create's."""
    wanted = await understood(request)
    count = await checked_count(request, request.world.db, wanted)
    spec = spec_of(request, wanted, ServerId(request.world.new_id()))
    told = await request.world.scheduler.explain(spec, count, ())
    return _document(told, count=count, project_id=request.project_id, names=request.permits(_NAMES))


async def explain_server(request: Request) -> dict[str, Any]:
    """What the scheduler would say to the request of a server there is, were it nowhere. Errors: ServerNotFound."""
    server = await find_server(request)
    spec = msgspec.json.decode(
        (await servers.get(request.world.db, server.id, project_id=None)).request_spec or "{}", type=RequestSpec
    )
    told = await request.world.scheduler.explain(spec, 1, ())
    names = request.permits(_NAMES, owner_of(server))
    return _document(told, count=1, project_id=server.project_id, names=names)


def _document(told: Explained, *, count: int, project_id: str, names: bool) -> dict[str, Any]:
    """Without `names` hosts are shown by the hash that servers show them by."""
    shown: dict[str, Any] = {
        "count": count,
        "placed": len(told.hosts),
        "message": told.refusal,
        "reason": None if told.refusal is None else _reason(told.counts),
        "by_chance": told.by_chance,
        "passed": told.passed,
        "filters": [_filter(one, names=names) for one in told.counts],
        "candidates": [
            _candidate(one, rank, project_id=project_id, names=names) for rank, one in enumerate(told.candidates, 1)
        ],
        "host_ids": [host_id(project_id, host) for host in told.hosts],
    }
    if names:
        shown["hosts"] = list(told.hosts)
    return {"explanation": shown}


def _reason(counts: Sequence[FilterCount]) -> Reason | None:
    """Of the filter that let no host through."""
    if not counts or not counts[0].given:
        return Reason.NO_HOSTS
    return counts[-1].reason


def _filter(count: FilterCount, *, names: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": count.name,
        "asked": count.asked,
        "given": count.given,
        "passed": count.passed,
        "reason": count.reason,
        "short": count.short,
        "lacks": count.lacks,
    }
    if names:
        shown["nearest"] = count.nearest
    return shown


def _candidate(candidate: Candidate, rank: int, *, project_id: str, names: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "rank": rank,
        "host_id": host_id(project_id, candidate.host),
        "score": candidate.score,
        "weights": msgspec.to_builtins(candidate.weights),
    }
    if names:
        shown["host"] = candidate.host
    return shown
