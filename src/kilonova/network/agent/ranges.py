"""An external range nobody on this machine uses yet, so that several clouds can live on it. Blocking."""

import json
from collections.abc import Iterable
from ipaddress import IPv4Network, ip_network

from kilonova.network.agent.commands import run
from kilonova.network.errors import NetworkUnavailable

# DevStack's, which people know, and those after it.
_CANDIDATES = tuple(IPv4Network(f"172.24.{number}.0/24") for number in range(4, 256))


def free_external_range() -> str:
    """The first of 172.24.4.0/24, 172.24.5.0/24 … no route of the host leads to; the first where it cannot be asked."""
    try:
        routes = json.loads(run("ip", "-j", "-4", "route", "show", "table", "all") or "[]")
    except NetworkUnavailable:
        routes = []
    return str(first_free(str(route.get("dst", "")) for route in routes))


def first_free(destinations: Iterable[str]) -> IPv4Network:
    used = []
    for destination in destinations:
        try:
            found = ip_network(destination, strict=False)
        except ValueError:
            # `default`, and kinds of routes that lead nowhere in particular.
            continue
        if isinstance(found, IPv4Network) and found.prefixlen > 0:
            used.append(found)
    return next((one for one in _CANDIDATES if not any(one.overlaps(other) for other in used)), _CANDIDATES[0])
