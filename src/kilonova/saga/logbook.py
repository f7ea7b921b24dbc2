"""A saga's log while somebody works on it: what is stored, what is noted and not yet stored, and its projections.

What a step's end and the next one's start have to write goes into one transaction. `task_state` and instance actions
are written in those transactions too, so they cannot drift from the log.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from kilonova.aio.clock import Clock
from kilonova.contract.scheduler import told_in_full
from kilonova.db.database import Database, Transaction
from kilonova.db.repository import actions, server_state
from kilonova.model.errors import InternalError, KilonovaError
from kilonova.model.ids import ServerId
from kilonova.model.time import Timestamp
from kilonova.saga import plan, store
from kilonova.saga.plan import Event
from kilonova.saga.saga import Run, Saga, Step, facts_of

W = TypeVar("W")

Changed = Callable[[ServerId], None]


class LeaseLost(Exception):
    """Somebody else works on the saga by now."""


def _told(result: Any) -> str | None:
    """What a step has to say of its result."""
    return result.get("details") if isinstance(result, dict) else None


class Logbook(Generic[W]):
    """`changed` is told of the server after each transaction."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        changed: Changed,
        row: store.SagaRow,
        saga: Saga[Any, W],
        run: Run[Any, W],
        logged: list[store.Logged],
    ) -> None:
        self.row = row
        self.cancelled = bool(row.cancelled)
        self._db = db
        self._clock = clock
        self._changed = changed
        self._saga = saga
        self._run = run
        self._logged = logged
        self._pending: list[store.Logged] = []
        for line in logged:
            self._reflect(line.event, line.data)

    # -- what it says -------------------------------------------------------------------------------------------

    @property
    def events(self) -> list[Event]:
        return [line.event for line in (*self._logged, *self._pending)]

    def to_be_cancelled(self) -> bool:
        """A delete asked the saga to make way, and it still can."""
        if not self.cancelled or self._saga.forward:
            return False
        events = self.events
        return not any(event.kind == "cancelled" for event in events) and not plan.past_return(self._saga, events)

    def since(self, kind: plan.EventKind, step: str, attempt: int) -> Timestamp:
        """When that was noted; now when it was not."""
        for line in reversed((*self._logged, *self._pending)):
            event = line.event
            if event.kind == kind and event.step == step and event.attempt == attempt:
                return line.at
        return self._clock.now()

    def host(self) -> str | None:
        """The host the last choosing step chose, for events and failures."""
        for value in reversed(list(self._run._results.values())):
            if isinstance(value, dict) and "host" in value:
                return str(value["host"])
        return None

    def last_error(self) -> KilonovaError:
        for line in reversed(self._logged + self._pending):
            if line.event.kind in ("failed", "cancelled"):
                return KilonovaError.revive(line.data["kind"], line.data["message"], line.data.get("attributes", {}))
        return InternalError("The operation failed.")

    # -- what is written ----------------------------------------------------------------------------------------

    def note(self, kind: plan.EventKind, step: str, attempt: int, data: Any) -> None:
        """Add a line, to be stored with the next transaction."""
        retry = bool(data and kind == "failed" and data.get("retry"))
        event = Event(kind=kind, step=step, attempt=attempt, retry=retry)
        self._pending.append(store.Logged(event, data, self._clock.now()))
        self._reflect(event, data)

    def note_error(self, kind: plan.EventKind, step: str, attempt: int, error: KilonovaError, **more: Any) -> None:
        said = {"kind": type(error).__name__, "message": error.message}
        self.note(kind, step, attempt, said | {"attributes": msgspec.to_builtins(error.public())} | more)

    def _reflect(self, event: Event, data: Any) -> None:
        """What a line means to the steps to come."""
        match event.kind:
            case "done":
                self._run._results[event.step] = data
            case "undone":
                self._run._results.pop(event.step, None)
            case "cancelled":
                self._run.cancelled = True
            case "failed":
                self._run.failures.append({"step": event.step, "attempt": event.attempt, **data})

    async def commit(self) -> None:
        """Store what is pending, in a transaction of its own."""
        if not self._pending:
            return
        async with self._db.begin() as tx:
            await self.write(tx)
        self.written()

    async def write(self, tx: Transaction) -> None:
        """The pending lines and their projections, if the lease is still ours; then `written`. Errors: LeaseLost."""
        cancelled = await store.cancelled_if_mine(tx, self.row.id, self.row.epoch)
        if cancelled is None:
            raise LeaseLost
        self.cancelled = cancelled
        await store.append(tx, self.row.id, len(self._logged), self._pending)
        for line in self._pending:
            await self._project(tx, line)

    def written(self) -> None:
        """What was pending is durable."""
        self._logged.extend(self._pending)
        self._pending = []
        self._changed(self._run.params.server_id)

    async def _project(self, tx: Transaction, line: store.Logged) -> None:
        event = line.event
        server_id, request_id = self._run.params.server_id, self.row.request_id
        step = self._interrupted(line) if event.kind == "cancelled" else self._saga.by_name(event.step)
        if step is None:
            return
        if event.kind == "started":
            if step.shows is not None:
                await server_state.change(tx, server_id, line.at, task_state=step.shows)
            if step.event:
                await actions.start_event(tx, server_id, request_id, step.event, at=line.at, host=self.host())
        elif event.kind == "done":
            if step.on_done is not None:
                await step.on_done(tx, self._run, facts_of(line.data) if step.make is not None else line.data)
            if step.event:
                await actions.finish_event(
                    tx, server_id, request_id, step.event, at=line.at, result="Success", details=_told(line.data)
                )
        elif event.kind in ("failed", "cancelled") and step.event:
            await actions.finish_event(
                tx, server_id, request_id, step.event, at=line.at, result="Error", details=told_in_full(line.data)
            )

    def _interrupted(self, cancellation: store.Logged) -> Step[Any, W] | None:
        """The step that was under way when the saga was cancelled."""
        lines = [*self._logged, *self._pending]
        before = lines[: lines.index(cancellation)]
        if not before or before[-1].event.kind != "started":
            return None
        return self._saga.by_name(before[-1].event.step)
