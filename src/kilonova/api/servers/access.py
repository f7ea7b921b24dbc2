"""The addresses users say their servers are reached at: any spelling in, one out."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

_COLUMNS = {"accessIPv4": "access_ip_v4", "accessIPv6": "access_ip_v6"}


def access_addresses(body: Mapping[str, Any]) -> dict[str, str]:
    """Those of `body` (checked already), by column; empty ones stay so."""
    return {
        column: str(ip_address(body[name])) if body[name] else "" for name, column in _COLUMNS.items() if name in body
    }
