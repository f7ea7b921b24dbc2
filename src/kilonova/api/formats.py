"""String formats of the schemas, and what is said of a name that will not do. Rules: Nova's parameter types."""

import base64
import binascii
import ipaddress
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC

from kilonova.model.errors import BadRequest
from kilonova.model.ids import is_uuid_like
from kilonova.model.time import moment_of


class InvalidName(BadRequest):
    def __init__(self, reason: str) -> None:
        super().__init__(f"An invalid 'name' value was provided. The name must be: {reason}")


_NAME_REASON = "printable characters. Can not start or end with whitespace."
_NAME_OUTER_SPACES_REASON = "printable characters with at least one non space character"
_ZONE_REASON = "printable characters except :.Can not start or end with whitespace."

NAME_REASONS = {
    "name": _NAME_REASON,
    "name_with_leading_trailing_spaces": _NAME_OUTER_SPACES_REASON,
    "az_name": _ZONE_REASON,
    "cell_name": _NAME_REASON,
}


def _printable(character: str) -> bool:
    category = unicodedata.category(character)
    return category == "Zs" or category[0] not in "ZC"


def is_name(text: str) -> bool:
    """Printable, not empty, no space around. Length is the schema's business."""
    if text.isascii() and text.isprintable():
        return bool(text) and text[0] != " " and text[-1] != " "
    return bool(text) and text == text.strip() and all(map(_printable, text))


def is_name_with_spaces(text: str) -> bool:
    return bool(text.strip()) and all(map(_printable, text))


def is_zone_name(text: str) -> bool:
    return ":" not in text and is_name(text)


def is_base64(text: str) -> bool:
    try:
        base64.decodebytes(text.encode("ascii"))
        base64.b64decode("".join(text.split()), validate=True)
    except (ValueError, binascii.Error):
        return False
    return True


def is_address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            return ipaddress.ip_address(text).version == version
        except ValueError:
            return False

    return check


def is_moment(text: str) -> bool:
    try:
        # In UTC: the first and the last day of all time are not there in every zone.
        moment_of(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True


def is_mac(text: str) -> bool:
    return re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", text, re.IGNORECASE) is not None


def is_cidr(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


FORMATS: dict[str, Callable[[str], bool]] = {
    "name": is_name,
    "name_with_leading_trailing_spaces": is_name_with_spaces,
    "az_name": is_zone_name,
    "cell_name": is_name,
    "base64": is_base64,
    "uuid": is_uuid_like,
    "ipv4": is_address(4),
    "ipv6": is_address(6),
    "date-time": is_moment,
    "mac-address": is_mac,
    "cidr": is_cidr,
    "regex": is_pattern,
}


def ranged(low: int | None, high: int | None) -> str:
    """The format of digits that stand for a number in the range. Registered on the way."""
    name = f"integer {low}..{high}"
    if name not in FORMATS:

        def check(text: str) -> bool:
            try:
                number = int(text)
            except ValueError:
                return False
            return (low is None or number >= low) and (high is None or number <= high)

        FORMATS[name] = check
    return name
