"""JsonFilter: the hint `query` holds an expression over a host's attributes, such as [">=", "$free_ram_mb", 1024]."""

import operator
from collections.abc import Callable
from typing import Any

import msgspec

from kilonova.scheduler.filters.capabilities import attribute
from kilonova.scheduler.filters.filter import HostFilter
from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import PASS, Verdict, reject

# A hint comes from any user: nesting deeper than this is refused rather than followed.
MAX_DEPTH = 16

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


class _BadQuery(Exception):
    pass


def judge(host: HostState, request: Request) -> Verdict:
    text = request.spec.hints["query"][0]
    try:
        query = msgspec.json.decode(text)
        passed = _truth(host, query, 0)
    except (msgspec.DecodeError, _BadQuery, TypeError, RecursionError) as error:
        return reject(f"the hint 'query' cannot be evaluated: {error}")
    return PASS if passed else reject("the hint 'query' is not true")


def _truth(host: HostState, query: object, depth: int) -> bool:
    value = _value(host, query, depth)
    return any(value) if isinstance(value, list) else bool(value)


def _value(host: HostState, query: object, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _BadQuery("too deep")
    if isinstance(query, str) and query.startswith("$"):
        return attribute(host, query[1:].split("."))
    if not isinstance(query, list) or not query:
        return query
    name = query[0]
    values = [_value(host, part, depth + 1) for part in query[1:]]
    if name == "not":
        return [not value for value in values]
    if name == "or":
        return any(any(value) if isinstance(value, list) else value for value in values)
    if name == "and":
        return all(all(value) if isinstance(value, list) else value for value in values)
    if name == "in":
        return bool(values) and any(value == values[0] for value in values[1:])
    if name in _COMPARE and len(values) > 1:
        # None: the host has no such attribute, so nothing compares with it.
        return all(values[0] is not None and _COMPARE[name](values[0], other) for other in values[1:])
    raise _BadQuery(f"unknown operator {name!r}")


JSON_QUERY = HostFilter(name="JsonFilter", judge=judge, applies=lambda request: bool(request.spec.hints.get("query")))
