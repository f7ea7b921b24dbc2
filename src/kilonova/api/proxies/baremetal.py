"""Bare-metal nodes: this cloud has no service for them, and they were never managed from here."""

from kilonova.api.request import Request
from kilonova.model.errors import BadRequest, NotSupported


async def unavailable(request: Request) -> None:
    raise NotSupported("Ironic client unavailable, cannot access Ironic.")


async def refused(request: Request) -> None:
    raise BadRequest("Command Not supported. Please use the bare metal service itself to perform this action.")
