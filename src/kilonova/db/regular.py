"""Regular expressions for SQLite, which has none of its own.

By Rust's engine (through jsonschema-rs), in time linear to the text: patterns come from users, and Python's could
be made to hold the loop for years.
"""

from functools import lru_cache

import jsonschema_rs


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> jsonschema_rs.Draft202012Validator | None:
    try:
        return jsonschema_rs.Draft202012Validator(
            {"pattern": f"(?i){pattern}"}, pattern_options=jsonschema_rs.RegexOptions()
        )
    except ValueError:
        return None


def matches(pattern: str | None, text: object) -> bool | None:
    """SQL's `text REGEXP pattern`, case ignored, unanchored. A pattern that engine does not know matches nothing."""
    if pattern is None or text is None:
        return None
    compiled = _compiled(pattern)
    return compiled is not None and compiled.is_valid(str(text))
