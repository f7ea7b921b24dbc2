"""Checks of single values: each returns the value as we keep it, or raises ValueError with Neutron's reason. Pure."""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

from kilonova.model.ids import is_uuid_like

_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
_WORD = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
Check = Callable[[Any], Any]


def string(limit: int = 255, *, null: bool = False) -> Check:
    def check(value: Any) -> str | None:
        if value is None and null:
            return None
        if not isinstance(value, str):
            raise ValueError(f"'{value}' is not a valid string")
        if len(value) > limit:
            raise ValueError(f"'{value[:80]}' exceeds maximum length of {limit}")
        if "\0" in value:
            raise ValueError("a string must not contain a null character")
        return value

    return check


def one_of(*choices: str | bool | None, lower: bool = False) -> Check:
    def check(value: Any) -> str | bool | None:
        found = value.lower() if lower and isinstance(value, str) else value
        if found not in choices:
            raise ValueError(f"'{value}' is not in {list(choices)}")
        chosen: str | bool | None = found
        return chosen

    return check


def flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if value in (0, 1, "0", "1"):
        return bool(int(value))
    raise ValueError(f"'{value}' cannot be converted to boolean")


def number(low: int, high: int, *, null: bool = False) -> Check:
    def check(value: Any) -> int | None:
        if value is None and null:
            return None
        try:
            found = int(value) if not isinstance(value, bool) else None
        except (TypeError, ValueError):
            found = None
        if found is None:
            raise ValueError(f"'{value}' is not an integer")
        if found < low:
            raise ValueError(f"'{found}' is too small - must be at least '{low}'")
        if found > high:
            raise ValueError(f"'{found}' is too large - must be no larger than '{high}'")
        return found

    return check


def identifier(value: Any) -> str:
    if not isinstance(value, str) or not is_uuid_like(value):
        raise ValueError(f"'{value}' is not a valid UUID")
    return value


def nullable(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def address(value: Any) -> str:
    try:
        return str(ip_address(value if isinstance(value, str) else ""))
    except ValueError:
        raise ValueError(f"'{value}' is not a valid IP address") from None


def cidr(value: Any) -> str:
    """With host bits cleared refused, as Neutron does."""
    try:
        if not isinstance(value, str) or "/" not in value:
            raise ValueError
        return str(ip_network(value))
    except ValueError:
        raise ValueError(f"'{value}' is not a valid IP subnet") from None


def prefix(value: Any) -> str:
    """A CIDR or an address; host bits are cleared."""
    try:
        return str(ip_network(value if isinstance(value, str) else "", strict=False))
    except ValueError:
        raise ValueError(f"'{value}' is not a valid IP subnet") from None


def address_prefix(value: Any) -> str:
    """A CIDR or an address, as it was given."""
    try:
        return str(ip_interface(value if isinstance(value, str) else ""))
    except ValueError:
        raise ValueError(f"'{value}' is not a valid IP subnet") from None


def mac(value: Any) -> str:
    if not isinstance(value, str) or not _MAC.fullmatch(value.lower().replace("-", ":")):
        raise ValueError(f"'{value}' is not a valid MAC address")
    return value.lower().replace("-", ":")


def host_name(value: Any) -> str:
    if value in ("", None):
        return ""
    if not isinstance(value, str) or not all(_WORD.fullmatch(label) for label in value.rstrip(".").split(".")):
        raise ValueError(f"'{value}' not a valid PQDN or FQDN")
    return value


def list_of(check: Check) -> Check:
    def check_all(value: Any) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise ValueError(f"'{value}' is not a list")
        return [check(one) for one in value]

    return check_all


def distinct(check: Check) -> Check:
    inner = list_of(check)

    def check_all(value: Any) -> list[Any]:
        found: list[Any] = inner(value)
        if len({str(one) for one in found}) != len(found):
            raise ValueError(f"Duplicate items in the list: '{', '.join(str(one) for one in found)}'")
        return found

    return check_all


def record(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    """A dictionary with these keys and no others; optional ones that are missing are left out."""
    known = {**required, **(optional or {})}

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"'{value}' is not a dictionary")
        missing, extra = sorted(set(required) - set(value)), sorted(set(value) - set(known))
        if missing or extra:
            expected = f"Expected keys: {sorted(required)} Provided keys: {sorted(value)}"
            raise ValueError(f"Validation of dictionary's keys failed. {expected}")
        return {key: known[key](one) for key, one in value.items()}

    return check


def mapping(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"'{value}' is not a dictionary")
    return value


def option_value(value: Any) -> str:
    """What goes into dnsmasq's files: one line."""
    if not isinstance(value, str) or len(value) > 255 or any(ord(one) < 32 for one in value):
        raise ValueError(f"'{value!r}' is not a valid option value")
    return value
