"""/allocation_candidates"""

import itertools
import re
from typing import Any

from starlette.responses import Response

from kilonova.contract.placement import ProviderState
from kilonova.model.errors import BadRequest
from kilonova.placement.candidates import Candidate, Group, Query, Search
from kilonova.placement.conditions import Traits
from kilonova.placement.errors import BadQuery
from kilonova.placement.rest import classes
from kilonova.placement.rest.answers import summary
from kilonova.placement.rest.query import Pairs, amounts, member_of, traits
from kilonova.placement.rest.traits import check_known
from kilonova.placement.rest.world import Request, World
from kilonova.web.response import json_response

# A suffix is a number from 1.25 on, and nearly any word from 1.33 on.
_NUMBERED = re.compile(r"(resources|required|member_of|in_tree)([1-9][0-9]*)?")
_NAMED = re.compile(r"(resources|required|member_of|in_tree)([a-zA-Z0-9_-]{1,64})?")
_PLAIN = re.compile(r"(resources|required|member_of|in_tree)()")
_SINCE = {"resources": 10, "required": 17, "member_of": 21, "in_tree": 31}


async def index(request: Request, minor: int) -> Response:
    query, limit = _parse(list(request.query_params.multi_items()), minor)
    named = frozenset().union(query.root_traits.named, *(group.traits.named for group in query.groups))
    await check_known(request.world, named)
    await classes.check_known(request.world, {name for group in query.groups for name in group.resources})
    known = await request.world.picture.current()
    answered = request.world.questions.answered(request.scope["query_string"], minor, providers=len(known))
    found = list(itertools.islice(Search(known, query, answered.looked).candidates(), limit))
    return json_response(
        {
            "allocation_requests": [answered.part(candidate, minor) for candidate in found],
            "provider_summaries": _summaries(request.world, known, found, query, minor),
        }
    )


def _parse(given: Pairs, minor: int) -> tuple[Query, int | None]:
    pattern = _NAMED if minor >= 33 else _NUMBERED if minor >= 25 else _PLAIN
    parts: dict[str, dict[str, list[str]]] = {}
    others: dict[str, list[str]] = {}
    for key, value in given:
        match = pattern.fullmatch(key)
        if match is not None and minor >= _SINCE[match[1]]:
            parts.setdefault(match[2] or "", {}).setdefault(match[1], []).append(value)
        elif minor >= {"limit": 16, "group_policy": 25, "root_required": 35, "same_subtree": 36}.get(key, 99):
            others.setdefault(key, []).append(value)
        else:
            raise BadRequest(f"Invalid query string parameters: Additional properties are not allowed ('{key}')")
    subtrees = tuple(frozenset(value.split(",")) for value in others.get("same_subtree", []))
    groups = tuple(_group(suffix, part, minor, frozenset().union(*subtrees)) for suffix, part in sorted(parts.items()))
    if not any(group.resources for group in groups):
        raise BadRequest("All requested resources are missing: at least one 'resources' parameter is needed.")
    policy = _only(others, "group_policy")
    if policy not in (None, "none", "isolate"):
        raise BadQuery(f"Invalid query string parameters: '{policy}' is not one of ['none', 'isolate']")
    if policy is None and sum(bool(group.suffix and group.resources) for group in groups) > 1:
        raise BadRequest(
            'The "group_policy" parameter is required when specifying more than one "resources{N}" parameter.'
        )
    root = traits(others["root_required"], minor) if "root_required" in others else Traits()
    return Query(groups=groups, isolate=policy == "isolate", root_traits=root, same_subtree=subtrees), _limit(others)


def _group(suffix: str, part: dict[str, list[str]], minor: int, in_subtrees: frozenset[str]) -> Group:
    if "resources" not in part and suffix not in in_subtrees:
        raise BadRequest(
            f"All parts of a request group need resources: 'resources{suffix}' is missing for {sorted(part)}."
        )
    if len(part.get("required", [])) > 1 and minor < 39:
        raise BadQuery(f"Query parameter 'required{suffix}' may only be specified once.")
    return Group(
        suffix=suffix,
        resources=amounts(part["resources"][0]) if "resources" in part else {},
        traits=traits(part.get("required", []), minor),
        member_of=member_of(part.get("member_of", []), minor),
        in_tree=_only(part, "in_tree"),
    )


def _only(values: dict[str, list[str]], key: str) -> str | None:
    found = values.get(key, [])
    if len(found) > 1:
        raise BadQuery(f"Query parameter '{key}' may only be specified once.")
    return found[0] if found else None


def _limit(values: dict[str, list[str]]) -> int | None:
    text = _only(values, "limit")
    if text is not None and (not text.isdigit() or int(text) < 1):
        raise BadQuery(f"Invalid query string parameters: '{text}' is not a whole number from 1 on")
    return None if text is None else int(text)


def _summaries(
    world: World, known: dict[str, ProviderState], found: list[Candidate], query: Query, minor: int
) -> dict[str, Any]:
    """Of the providers in the candidates; from 1.29 on of all in their trees. All classes from 1.27 on."""
    used = {provider for candidate in found for one in candidate.mappings.values() for provider in one}
    if minor >= 29:
        roots = {known[provider].root_id for provider in used}
        return {state.id: world.summaries.of(state) for state in known.values() if state.root_id in roots}
    asked = {name for group in query.groups for name in group.resources}
    return {provider: summary(known[provider], asked, minor) for provider in known if provider in used}
