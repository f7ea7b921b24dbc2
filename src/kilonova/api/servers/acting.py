"""The common shape of an action on a server: look up, allow, check its state, mark the task, store the work."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from kilonova.api.accept import accepting, store, tell
from kilonova.api.request import Request
from kilonova.api.servers.find import find_server
from kilonova.contract.events import ServerChanged
from kilonova.contract.work import Work
from kilonova.db.database import Transaction
from kilonova.db.repository import servers
from kilonova.db.repository.actions import ActionStart, record_action
from kilonova.model.server import Server, TaskState
from kilonova.model.server_actions import check
from kilonova.observe import trace

# What events tell of a server.
_SHOWN = frozenset({"vm_state", "task_state", "power_state"})


class Acting(msgspec.Struct, frozen=True):
    """A server in a transaction, its state checked."""

    request: Request
    tx: Transaction
    server: Server

    async def change(self, **columns: object) -> None:
        now = self.request.world.clock.now()
        await servers.change(self.tx, self.server.id, now, **columns)
        if columns.keys() & _SHOWN:
            server = self.server
            shown = {name: columns.get(name, getattr(server, name)) for name in _SHOWN}
            event = {"server_id": server.id, "project_id": server.project_id, "at": now, **shown}
            tell(self.request, self.tx, msgspec.convert(event, ServerChanged))

    async def begin(self, work: Work, task: TaskState | None = None, *, preempt: bool = False) -> None:
        """Show the task before the 202 and store the work. With `preempt` other work makes way. Errors: ServerBusy."""
        await store(self.request, self.tx, work, preempt=preempt)
        if task is not None:
            await self.change(task_state=task.value)

    async def record(self, action: str) -> None:
        """An instance action that is over with this transaction."""
        request = self.request
        await record_action(
            self.tx,
            ActionStart(
                server_id=self.server.id,
                request_id=request.request_id,
                action=action,
                user_id=request.caller.user_id,
                project_id=request.caller.project_id or "",
                at=request.world.clock.now(),
                trace_id=trace.trace_id(),
            ),
        )


@asynccontextmanager
async def acting(request: Request, action: str | None, *, shown_as: str | None = None) -> AsyncIterator[Acting]:
    """`action` is a key of the state table; None is allowed in any state. Errors: as `find_server` and `check`."""
    async with accepting(request) as tx:
        server = await find_server(request, reader=tx)
        if action is not None:
            check(action, server, admin=request.caller.is_admin, shown_as=shown_as)
        yield Acting(request, tx, server)
