"""Names of servers and what their guests are called. Rules: Nova's sanitize_hostname and multi-create."""

import re

_TO_DASH = re.compile(r"[ _.]")
_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9-]")
LONGEST_HOSTNAME = 63


def hostname_of(name: str, server_id: str) -> str:
    """The guest's host name made from the server's name; one without a usable character gets the id instead."""
    cleaned = _NOT_ALLOWED.sub("", _TO_DASH.sub("-", name)).lower().strip("-")
    return cleaned[:LONGEST_HOSTNAME].rstrip("-") or f"server-{server_id}"


def numbered(name: str, index: int, count: int) -> str:
    """`name-1` … `name-N`, only when more than one is made."""
    return name if count == 1 else f"{name}-{index + 1}"
