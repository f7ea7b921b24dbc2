"""What a list's query string asks for: filters, fields, order, page. Words of refusals are Neutron's. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kilonova.network.attributes import Attribute, Resource
from kilonova.network.checks import flag
from kilonova.network.errors import HTTPBadRequest
from kilonova.network.nouns.noun import Noun
from kilonova.network.store.listing import Filter

_RESERVED = {
    "fields",
    "limit",
    "marker",
    "sort_key",
    "sort_dir",
    "page_reverse",
    "verbose",
    "all_projects",
    "all_tenants",
}
_PARTS_OF_FIXED_IPS = {"ip_address", "subnet_id", "ip_address_substr"}
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Query:
    """`nothing` means that no row can match (a status no row ever has)."""

    filters: tuple[Filter, ...]
    fields: frozenset[str]
    sorts: tuple[tuple[str, bool], ...]
    limit: int | None
    marker: str | None
    backwards: bool
    nothing: bool = False


def parse(noun: Noun, pairs: Pairs, *, max_limit: int) -> Query:
    """Errors: HTTPBadRequest."""
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(noun.resource.aliases.get(name, name), []).append(value)
    limit = _limit(grouped.get("limit", []), max_limit)
    filters, nothing = _filters(noun, grouped)
    return Query(
        filters=filters,
        fields=frozenset(one for one in grouped.get("fields", []) if one),
        sorts=_sorts(noun.resource, grouped),
        limit=limit,
        marker=next(iter(grouped.get("marker", [])), None),
        backwards=grouped.get("page_reverse", ["false"])[0].lower() == "true",
        nothing=nothing,
    )


def _limit(values: Sequence[str], max_limit: int) -> int | None:
    if not values:
        return None
    if not values[0].isdigit():
        raise HTTPBadRequest(f"Limit must be an integer 0 or greater and not '{values[0]}'")
    return min(int(values[0]), max_limit) or None


def _sorts(resource: Resource, grouped: dict[str, list[str]]) -> tuple[tuple[str, bool], ...]:
    keys, directions = grouped.get("sort_key", []), grouped.get("sort_dir", [])
    if not keys:
        return (("created_at", False),)
    if directions and len(directions) != len(keys):
        raise HTTPBadRequest("The number of sort_keys and sort_dirs must be same")
    sorts = []
    for key, direction in zip(keys, directions or ["asc"] * len(keys), strict=True):
        name = resource.aliases.get(key, key)
        column = resource.column(name) if name in resource.attributes else None
        if column is None:
            raise HTTPBadRequest(f"['{key}'] is invalid attribute for sort_key")
        if direction not in ("asc", "desc"):
            raise HTTPBadRequest(f"['{direction}'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'")
        sorts.append((column, direction == "desc"))
    return tuple(sorts)


def _filters(noun: Noun, grouped: dict[str, list[str]]) -> tuple[tuple[Filter, ...], bool]:
    found: list[Filter] = []
    nothing = False
    unknown = [name for name in grouped if name not in _RESERVED and not _filterable(noun, name)]
    if unknown:
        raise HTTPBadRequest(f"{unknown} is invalid attribute for filtering")
    for name, values in grouped.items():
        if name in _RESERVED:
            continue
        if name == "fixed_ips":
            found += _fixed_ips(values)
        elif name in noun.searches:
            found.append(Filter(name, tuple(values)))
        else:
            column = noun.resource.column(name)
            if column is None:
                nothing |= "ACTIVE" not in values if name == "status" else False
            else:
                found.append(Filter(column, tuple(_value(noun.resource.attributes[name], one) for one in values)))
    return tuple(found), nothing


def _filterable(noun: Noun, name: str) -> bool:
    if name in noun.searches:
        return True
    attribute = noun.resource.attributes.get(name)
    return attribute is not None and attribute.filters and (attribute.column is not None or name == "status")


def _value(attribute: Attribute, text: str) -> Any:
    """Text as the column keeps it. Errors: HTTPBadRequest for a flag that is none."""
    if attribute.check is flag or isinstance(attribute.default, bool):
        try:
            return int(flag(text))
        except ValueError as error:
            raise HTTPBadRequest(f"Invalid input for filter. Reason: {error}.") from error
    return int(text) if text.isdigit() and isinstance(attribute.default, int) else text


def _fixed_ips(values: Sequence[str]) -> list[Filter]:
    """`fixed_ips=ip_address=A&fixed_ips=subnet_id=S`: any of the addresses, and on any of the subnets."""
    parts: dict[str, list[str]] = {}
    for value in values:
        part, sign, text = value.partition("=")
        if not sign or part not in _PARTS_OF_FIXED_IPS:
            raise HTTPBadRequest(f"Invalid input for filter. Reason: '{value}' is not a fixed_ips filter.")
        parts.setdefault(part, []).append(_like(text) if part == "ip_address_substr" else text)
    return [Filter(f"fixed_ips.{part}", tuple(texts)) for part, texts in parts.items()]


def _like(text: str) -> str:
    return "%" + text.replace("%", "").replace("_", "") + "%"
