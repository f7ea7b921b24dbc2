"""Answers held against the API's description of itself."""

import re
from functools import lru_cache
from typing import Any

import httpx
import jsonschema_rs

_COMPILED: dict[tuple[str, str, str, str], Any] = {}


def misfits(described: dict[str, Any], method: str, path: str, answer: httpx.Response) -> str:
    """What about `answer` to a call of `path` (below /v2.1) is not as `described` says; '' where all is."""
    template = _template(tuple(described["paths"]), path.partition("?")[0], method.lower(), described)
    if template is None:
        return f"no such operation: {method} {path}"
    responses = described["paths"][template][method.lower()]["responses"]
    told = responses.get(str(answer.status_code))
    if told is None:
        return f"{answer.status_code} is not declared"
    content = told.get("content", {}).get("application/json", {})
    if "schema" not in content or not answer.content:
        return ""
    key = (described["info"]["version"], template, method, str(answer.status_code))
    if key not in _COMPILED:
        schema = {**content["schema"], "components": described["components"]}
        _COMPILED[key] = jsonschema_rs.Draft202012Validator(schema)
    found = next(iter(_COMPILED[key].iter_errors(answer.json())), None)
    return "" if found is None else f"{found.message} at {list(found.instance_path)}"


def _template(paths: tuple[str, ...], path: str, method: str, described: dict[str, Any]) -> str | None:
    fitting = [one for one in paths if _pattern(one).fullmatch(path) and method in described["paths"][one]]
    return min(fitting, key=lambda one: one.count("{")) if fitting else None


@lru_cache(maxsize=1024)
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path))
