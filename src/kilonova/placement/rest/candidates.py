"""/allocation_candidates"""

import itertools
import re
from typing import Annotated, Any, Literal

import msgspec
from starlette.responses import Response

from kilonova.contract.placement import ProviderState
from kilonova.model.errors import BadRequest
from kilonova.model.ids import is_uuid_like
from kilonova.placement.candidates import Candidate, Group, Query, Search
from kilonova.placement.errors import BadQuery, DuplicateQueryKey, MissingQueryValue
from kilonova.placement.rest import classes
from kilonova.placement.rest.answers import summary
from kilonova.placement.rest.query import Pairs, amounts, member_of, traits
from kilonova.placement.rest.shapes import at, shaped
from kilonova.placement.rest.traits import check_known
from kilonova.placement.rest.world import Request, World
from kilonova.web.response import json_response

# Parts of a group, and from when on; a suffix is a number from 1.25 on, and nearly any word from 1.33 on.
_SINCE = {"resources": 10, "required": 17, "member_of": 21, "in_tree": 31}
_SUFFIXES = ((0, ""), (25, "[1-9][0-9]*"), (33, "[a-zA-Z0-9_-]{1,64}"))
_PATTERNS = tuple((since, re.compile(f"({'|'.join(_SINCE)})({suffix})?")) for since, suffix in _SUFFIXES)
_WHOLE = {"limit": 16, "group_policy": 25, "root_required": 35, "same_subtree": 36}

_WRONG = "Invalid query string parameters"


class Whole(msgspec.Struct):
    """What is said once, for all groups."""

    limit: Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]*$")] | msgspec.UnsetType = msgspec.UNSET
    group_policy: Literal["none", "isolate"] | msgspec.UnsetType = msgspec.UNSET


async def index(request: Request, minor: int) -> Response:
    query, limit = _parse(list(request.query_params.multi_items()), minor)
    named = frozenset().union(query.root_traits.named, *(group.traits.named for group in query.groups))
    await check_known(request.world, named)
    names = {name for group in query.groups for name in group.resources}
    await classes.check_known(request.world, names, "Invalid resource class in resources parameter")
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
    """Errors: BadRequest, BadQuery, DuplicateQueryKey, MissingQueryValue."""
    pattern = at(minor, _PATTERNS)
    parts: dict[str, dict[str, list[str]]] = {}
    others: dict[str, list[str]] = {}
    for key, value in given:
        match = pattern.fullmatch(key)
        if match is not None and minor >= _SINCE[match[1]]:
            parts.setdefault(match[2] or "", {}).setdefault(match[1], []).append(value)
        elif minor >= _WHOLE.get(key, 99):
            others.setdefault(key, []).append(value)
        else:
            raise BadRequest(f"{_WRONG}: {_unexpected(key, minor)}")
    # Of these the first counts, of those of a group the last.
    whole = shaped({key: values[0] for key, values in others.items()}, Whole, _WRONG)
    subtrees = tuple(frozenset(part.strip() for part in value.split(",")) for value in others.get("same_subtree", []))
    _check_parts(parts, frozenset().union(*subtrees), minor)
    groups = tuple(_group(suffix, part, minor) for suffix, part in sorted(parts.items()))
    if not whole.group_policy and sum(bool(group.suffix) for group in groups) > 1:
        raise BadRequest(
            'The "group_policy" parameter is required when specifying more than one "resources{N}" parameter.'
        )
    roots = others.get("root_required", [])
    if len(roots) > 1:
        raise DuplicateQueryKey("Query parameter 'root_required' may be specified only once.")
    query = Query(
        groups=groups,
        isolate=whole.group_policy == "isolate",
        # It has no alternatives, not even from 1.39 on.
        root_traits=traits(roots, min(minor, 38), "root_required"),
        same_subtree=subtrees,
        nested=minor >= 29,
    )
    return query, int(whole.limit) if whole.limit else None


def _unexpected(key: str, minor: int) -> str:
    if minor < 25:
        return f"Additional properties are not allowed ('{key}' was unexpected)"
    suffix = at(minor, _SUFFIXES)
    known = ", ".join(f"'^{kind}({suffix})?$'" for kind, since in sorted(_SINCE.items()) if minor >= since)
    return f"'{key}' does not match any of the regexes: {known}"


def _check_parts(parts: dict[str, dict[str, list[str]]], in_subtrees: frozenset[str], minor: int) -> None:
    """Every group asks for resources; from 1.36 on those of a subtree need not, if only one does at all."""
    bare = frozenset(suffix for suffix, part in parts.items() if "resources" not in part)
    if len(bare) == len(parts) and minor < 25:
        raise BadRequest(f"{_WRONG}: 'resources' is a required property")
    if len(bare) == len(parts):
        raise MissingQueryValue("At least one group has to ask for resources.")
    if strange := in_subtrees - (parts.keys() - {""}):
        raise BadQuery(f"`same_subtree` takes suffixes of this request's groups, not: {sorted(strange)}")
    if strange := bare - in_subtrees:
        keys = sorted(f"{kind}{suffix}" for suffix in strange for kind in parts[suffix])
        raise BadQuery(f"All request groups must specify resources. No `same_subtree` has these: {', '.join(keys)}")


def _group(suffix: str, part: dict[str, list[str]], minor: int) -> Group:
    in_tree = part["in_tree"][-1].strip() if "in_tree" in part else None
    if in_tree is not None and not is_uuid_like(in_tree):
        raise BadQuery(f"{_WRONG}: Expected 'in_tree{suffix}' parameter to be a uuid. Got: {in_tree}")
    return Group(
        suffix=suffix,
        resources=amounts(part["resources"][-1]) if "resources" in part else {},
        traits=traits(part.get("required", []), minor, f"required{suffix}"),
        member_of=member_of(part.get("member_of", []), minor, f"member_of{suffix}"),
        in_tree=in_tree,
    )


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
