"""What happened to a server, told to whoever listens (topic `events`)."""

from typing import Protocol

import msgspec

from kilonova.contract.message import fan_out
from kilonova.model.ids import ServerId
from kilonova.model.time import Timestamp


class ServerChanged(msgspec.Struct, frozen=True, kw_only=True):
    server_id: ServerId
    project_id: str
    vm_state: str
    task_state: str | None
    power_state: int
    at: Timestamp


class EventListener(Protocol):
    @fan_out()
    async def server_changed(self, event: ServerChanged) -> None: ...
