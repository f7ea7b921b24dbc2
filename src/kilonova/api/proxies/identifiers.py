"""Ids on their way to another service's URL."""

from kilonova.model.errors import NotFound
from kilonova.model.ids import is_uuid_like


def passed_on(identifier: str, refused: NotFound) -> str:
    """What is no uuid names nothing over there, and is no part of a URL to us. Errors: `refused`."""
    if not is_uuid_like(identifier):
        raise refused
    return identifier
