"""The operators of extra specs: `>= 4`, `<in> abc`, `<or> a <or> b`, `s== x`; none means equal as text.

Nova's: <all-in> <in> <or> = == != >= <= for numbers (`=` means at least), s== s!= s< s<= s> s>= for text.
"""

import operator
from collections.abc import Callable

_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
}


def matches(value: object, wanted: str) -> bool:
    """Whether a host's `value` is what the extra spec's text asks for; numbers that are none do not match."""
    words = wanted.split()
    if not words:
        return str(value) == wanted
    first, rest = words[0], words[1:]
    if first in _NUMBERS and rest:
        try:
            return _NUMBERS[first](float(str(value)), float(rest[0]))
        except ValueError:
            return False
    if first in _TEXTS and rest:
        return _TEXTS[first](str(value), rest[0])
    if first == "<in>" and rest:
        return rest[0] in (value if isinstance(value, list) else str(value))
    if first == "<all-in>":
        return all(word in (value if isinstance(value, list) else str(value)) for word in rest)
    if first == "<or>":
        return any(str(value) == word for word in wanted.split("<or>") for word in [word.strip()] if word)
    return str(value) == wanted
