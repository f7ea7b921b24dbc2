"""Runs sagas: takes a lease, asks the plan what comes next, does it, writes the log, and lets go while it waits.

What a step's end and the next one's start have to write goes into one transaction. `task_state` and instance actions
are written in those transactions too, so they cannot drift from the log.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.contract.compute import Outcome
from kilonova.db.database import Database, Transaction
from kilonova.db.repository import actions, server_state
from kilonova.model.errors import BadRequest, Forbidden, InternalError, KilonovaError, NotFound, Unavailable
from kilonova.model.ids import SagaId, ServerId
from kilonova.model.time import Timestamp, later, moment_of
from kilonova.observe import trace
from kilonova.saga import plan, store
from kilonova.saga.plan import Event
from kilonova.saga.saga import UNDO_TIMEOUT_S, Cancelled, HostOrder, Run, Saga, Step, facts_of
from kilonova.saga.trial import Killed, Moment

log = logging.getLogger(__name__)

W = TypeVar("W")

LEASE_S = 60.0
# Orders may be lost on the way; this is how long until they are sent again.
RESEND_S = 10.0
RETRY_S = (0.2, 1.0, 3.0, 10.0)
SWEEP_S = 2.0

Send = Callable[[HostOrder], Awaitable[None]]
Changed = Callable[[ServerId], None]
# Trials only: told each moment around a step, may raise, and answers whether the step is to be done again.
Meddle = Callable[[Moment, str], bool]


def _leave_alone(moment: Moment, step: str) -> bool:
    return False


class _LeaseLost(Exception):
    """Somebody else works on the saga by now."""


class _Pause(Exception):
    """Let go until the moment given (or a bell)."""

    def __init__(self, wake_at: Timestamp) -> None:
        self.wake_at = wake_at


class Executor(Generic[W]):
    """One per conductor. `send` casts an order to its host; `changed` is told of each server whose record changed."""

    def __init__(
        self,
        db: Database,
        world: W,
        definitions: Mapping[str, Saga[Any, W]],
        clock: Clock,
        *,
        me: str,
        send: Send,
        changed: Changed,
        meddle: Meddle | None = None,
        most: int = 512,
    ) -> None:
        self._db = db
        self._world = world
        self._definitions = definitions
        self._clock = clock
        self._me = me
        self._send = send
        self._changed = changed
        self._meddle = meddle or _leave_alone
        self._tasks = Tasks("sagas")
        self._running: set[SagaId] = set()
        self._rung: set[SagaId] = set()
        self._room = asyncio.Semaphore(most)
        self._dead = False

    def start(self, *, alone: bool) -> None:
        """Begin to sweep. `alone`: no other conductor works on this database, so leases found are of the dead."""
        self._tasks.start(self._recover(alone), name="recover")

    async def _recover(self, alone: bool) -> None:
        if alone:
            async with self._db.begin() as tx:
                await store.break_leases(tx, self._clock.now())
        self._tasks.every(SWEEP_S, self._sweep, self._clock, name="sweep")

    async def _sweep(self) -> None:
        for saga_id in await store.due(self._db, self._clock.now()):
            self.wake(saga_id)

    def wake(self, saga_id: SagaId) -> None:
        """There may be work on this saga."""
        if self._dead:
            return
        if saga_id in self._running:
            self._rung.add(saga_id)
            return
        self._running.add(saga_id)
        self._tasks.start(self._attend(saga_id), name=saga_id)

    def wake_at(self, saga_id: SagaId, moment: Timestamp) -> None:
        """Sooner than the sweep would, if this process lives so long."""
        self._tasks.start(self._wake_at(saga_id, moment), name=f"wake {saga_id}")

    async def _wake_at(self, saga_id: SagaId, moment: Timestamp) -> None:
        await self._clock.sleep(max(0.0, moment_of(moment).timestamp() - self._clock.time()))
        self.wake(saga_id)

    async def _attend(self, saga_id: SagaId) -> None:
        try:
            async with self._room:
                while True:
                    self._rung.discard(saga_id)
                    await self._work(saga_id)
                    if saga_id not in self._rung:
                        return
        finally:
            self._running.discard(saga_id)
            if saga_id in self._rung and not self._dead:
                self._rung.discard(saga_id)
                self.wake(saga_id)

    async def _work(self, saga_id: SagaId) -> None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            if not await store.take(tx, saga_id, me=self._me, now=now, until=later(now, seconds=LEASE_S)):
                return
            row = await store.row_of(tx, saga_id)
            logged = await store.log_of(tx, saga_id)
        assert row is not None
        with trace.serving("conductor", row.traceparent):
            work: _Work[W] = _Work(self, row, self._definitions[row.name], logged)
            try:
                following = await work.proceed()
            except Killed as death:
                log.info("trial: %s", death)
                self._dead = True
                return
            except _LeaseLost:
                log.warning("saga %s: the lease was lost", saga_id)
                return
        if following is not None:
            self.wake(following)

    async def close(self) -> None:
        await self._tasks.close()


class _Work(Generic[W]):
    """One lease's work on one saga."""

    def __init__(
        self, executor: Executor[W], row: store.SagaRow, saga: Saga[Any, W], logged: list[store.Logged]
    ) -> None:
        self._x = executor
        self._db = executor._db
        self._clock = executor._clock
        self._row = row
        self._saga = saga
        self._logged = logged
        self._pending: list[store.Logged] = []
        self._cancelled = bool(row.cancelled)
        params = msgspec.json.decode(row.params, type=saga.params)
        self._run: Run[Any, W] = Run(row.id, params, executor._world, epoch=row.epoch, results={})
        self._rebuild_results()

    async def proceed(self) -> SagaId | None:
        """Until the saga ends or waits; answers a saga that waited for this one's hold."""
        while True:
            events = [line.event for line in (*self._logged, *self._pending)]
            if self._to_be_cancelled(events):
                self._note("cancelled", "", 0, _error(Cancelled(self._run.params.server_id)))
                continue
            act = plan.next_act(self._saga, events)
            try:
                match act:
                    case plan.Do():
                        await self._do(act)
                    case plan.Undo():
                        await self._undo(act)
                    case plan.Finish() | plan.Fail():
                        return await self._end(finished=isinstance(act, plan.Finish))
            except _Sent:
                return None
            except _LookAgain:
                continue
            except _Pause as pause:
                if await self._let_go(pause.wake_at, again=True):
                    self._x.wake_at(self._row.id, pause.wake_at)
                    return None

    # -- forward ------------------------------------------------------------------------------------------------

    async def _do(self, act: plan.Do) -> None:
        step = self._saga.by_name(act.step)
        if act.fresh:
            self._note("started", step.name, act.attempt, None)
        self._prepare(step, act.attempt, "do")
        try:
            result = await self._perform(step, act)
        except (_Pause, _Sent, _LookAgain, _LeaseLost):
            raise
        except KilonovaError as error:
            await self._failed(step, act, error)
        except Exception as error:
            log.exception("saga %s: step %s failed", self._row.id, step.name)
            await self._failed(step, act, InternalError(f"{type(error).__name__}: {error}").because(error))
        else:
            self._note("done", step.name, act.attempt, result)

    async def _perform(self, step: Step[Any, W], act: plan.Do) -> Any:
        if step.act is not None:
            await self._commit()
            self._x._meddle("before", step.name)
            with trace.span(step.name):
                result = await step.act(self._run)
                if self._x._meddle("after", step.name):
                    result = await step.act(self._run)
            return _plain(result)
        assert step.make is not None
        since = self._since("started", step, act.attempt)
        return await self._ordered(step.make, since, step.timeout_s, step.name, undo=False)

    async def _failed(self, step: Step[Any, W], act: plan.Do, error: KilonovaError) -> None:
        """Try again in place what may pass by itself; log the rest."""
        since = self._since("started", step, act.attempt)
        lasting = self._clock.now() > later(since, seconds=step.timeout_s)
        events = [line.event for line in (*self._logged, *self._pending)]
        forced = self._saga.forward or plan.past_return(self._saga, events)
        if isinstance(error, Unavailable) and not isinstance(error, _OrderLost) and not lasting:
            raise _Pause(self._soon(since))
        if forced and self._clock.now() < self._row.deadline:
            raise _Pause(self._soon(since))
        retry = not isinstance(error, BadRequest | Forbidden | NotFound) and not getattr(error, "counts", None)
        self._note("failed", step.name, act.attempt, _error(error) | {"retry": retry, "host": self._host()})

    # -- back ---------------------------------------------------------------------------------------------------

    async def _undo(self, act: plan.Undo) -> None:
        step = self._saga.by_name(act.step)
        if act.fresh:
            self._note("undoing", step.name, act.attempt, None)
        self._prepare(step, act.attempt, "undo")
        since = self._since("undoing", step, act.attempt)
        try:
            if step.undo_act is not None:
                await self._commit()
                self._x._meddle("before undo", step.name)
                await step.undo_act(self._run)
                if self._x._meddle("after undo", step.name):
                    await step.undo_act(self._run)
            elif step.undo_make is not None:
                await self._ordered(step.undo_make, since, UNDO_TIMEOUT_S, step.name, undo=True)
        except (_Pause, _Sent, _LookAgain, _LeaseLost):
            raise
        except Exception as error:
            if self._clock.now() < later(since, seconds=UNDO_TIMEOUT_S):
                raise _Pause(self._soon(since)) from error
            # The host is lost or will not: what is left there goes by the host's own audit when it is back.
            log.error("saga %s: undo of %s given up", self._row.id, step.name, exc_info=error)
        self._run._results.pop(step.name, None)
        self._note("undone", step.name, act.attempt, None)

    # -- hosts --------------------------------------------------------------------------------------------------

    async def _ordered(self, make: Any, since: Timestamp, timeout_s: float, step: str, *, undo: bool) -> Any:
        """The outcome of the order `make` makes, or let go until there is one. Errors: the host's, _OrderLost."""
        stored = await store.outcome_of(self._db, self._run.step_key)
        if stored is None:
            order: HostOrder | None = await make(self._run)
            if order is None:
                return None
            now = self._clock.now()
            if now > later(since, seconds=timeout_s):
                raise _OrderLost(order.host, timeout_s)
            self._x._meddle("before undo" if undo else "before", step)
            # Let go first: the answer may be here before the sending returns.
            if await self._let_go(later(now, seconds=RESEND_S)):
                await self._dispatch(order, self._soon(since))
                raise _Sent
            stored = await store.outcome_of(self._db, self._run.step_key)
            if stored is None:
                raise _LookAgain
        if self._x._meddle("after undo" if undo else "after", step):
            raise _Pause(self._clock.now())
        outcome = msgspec.convert(stored, Outcome)
        if outcome.error is not None:
            raise KilonovaError.revive(outcome.error, outcome.message, dict(outcome.attributes))
        return _plain(outcome.facts)

    async def _dispatch(self, order: HostOrder, again_at: Timestamp) -> None:
        """Send it, which may get lost on the way; where it certainly went nowhere it is sent again soon."""
        try:
            await self._x._send(order)
        except Unavailable as error:
            log.warning("saga %s: %s", self._row.id, error.message)
            async with self._db.begin() as tx:
                await store.wake_sooner(tx, self._row.id, self._row.epoch, wake_at=again_at)
            self._x.wake_at(self._row.id, again_at)

    # -- the log ------------------------------------------------------------------------------------------------

    def _note(self, kind: plan.EventKind, step: str, attempt: int, data: Any) -> None:
        event = Event(
            kind=kind, step=step, attempt=attempt, retry=bool(data and kind == "failed" and data.get("retry"))
        )
        self._pending.append(store.Logged(event, data, self._clock.now()))
        if kind == "done":
            self._run._results[step] = data
        elif kind == "cancelled":
            self._run.cancelled = True
        elif kind == "failed":
            self._run.failures.append({"step": step, "attempt": attempt, **data})

    async def _commit(self) -> None:
        """Write what is pending, with its projections."""
        if not self._pending:
            return
        async with self._db.begin() as tx:
            await self._write(tx)
        self._written()

    def _written(self) -> None:
        self._logged.extend(self._pending)
        self._pending = []
        self._x._changed(self._run.params.server_id)

    async def _write(self, tx: Transaction) -> None:
        """The pending lines and their projections, if the lease is still ours. Errors: _LeaseLost."""
        cancelled = await store.cancelled_if_mine(tx, self._row.id, self._row.epoch)
        if cancelled is None:
            raise _LeaseLost
        self._cancelled = cancelled
        seq = len(self._logged)
        for index, line in enumerate(self._pending):
            await store.append(tx, self._row.id, seq + index, line.event, line.data, line.at)
            await self._project(tx, line)

    async def _project(self, tx: Transaction, line: store.Logged) -> None:
        event = line.event
        server_id, request_id = self._run.params.server_id, self._row.request_id
        step = self._interrupted(line) if event.kind == "cancelled" else self._saga.by_name(event.step)
        if step is None:
            return
        if event.kind == "started":
            if step.shows is not None:
                await server_state.change(tx, server_id, line.at, task_state=step.shows)
            if step.event:
                await actions.start_event(tx, server_id, request_id, step.event, at=line.at, host=self._host())
        elif event.kind == "done":
            if step.on_done is not None:
                await step.on_done(tx, self._run, facts_of(line.data) if step.make is not None else line.data)
            if step.event:
                await actions.finish_event(
                    tx, server_id, request_id, step.event, at=line.at, result="Success", details=None
                )
        elif event.kind in ("failed", "cancelled") and step.event:
            await actions.finish_event(
                tx, server_id, request_id, step.event, at=line.at, result="Error", details=line.data["message"][:255]
            )

    def _interrupted(self, cancellation: store.Logged) -> Step[Any, W] | None:
        """The step that was under way when the saga was cancelled."""
        lines = [*self._logged, *self._pending]
        before = lines[: lines.index(cancellation)]
        if not before or before[-1].event.kind != "started":
            return None
        return self._saga.by_name(before[-1].event.step)

    async def _let_go(self, wake_at: Timestamp, *, again: bool = False) -> bool:
        """Give the lease back until then. False when an outcome or a cancellation came meanwhile: go on instead.

        `again`: what the host answered was a failure to be tried once more, so its answer is forgotten.
        """
        try:
            async with self._db.begin() as tx:
                await self._write(tx)
                if again:
                    await store.forget_outcome(tx, self._run.step_key)
                cancelled = self._to_be_cancelled([line.event for line in (*self._logged, *self._pending)])
                if not cancelled and not await store.let_go(tx, self._row.id, self._row.epoch, wake_at=wake_at):
                    raise _LeaseLost
                if await store.outcome_of(tx, self._run.step_key) is not None:
                    raise _AnswerThere
        except _AnswerThere:
            return False
        self._written()
        return not cancelled

    async def _end(self, *, finished: bool) -> SagaId | None:
        now = self._clock.now()
        async with self._db.begin() as tx:
            await self._write(tx)
            error = None if finished else self._last_error()
            if error is None:
                if self._saga.on_finish is not None:
                    await self._saga.on_finish(tx, self._run)
            elif self._saga.on_fail is not None:
                await self._saga.on_fail(tx, self._run, error)
            following = await store.close(tx, self._row, state="finished" if finished else "failed", now=now)
            await store.forget_outcomes(tx, self._row.id)
            if self._run.params.action:
                await actions.finish_action(
                    tx,
                    self._run.params.server_id,
                    self._row.request_id,
                    at=now,
                    message=None if error is None else "Error",
                )
        self._written()
        return following

    # -- small things -------------------------------------------------------------------------------------------

    def _to_be_cancelled(self, events: list[Event]) -> bool:
        if not self._cancelled or self._saga.forward or any(event.kind == "cancelled" for event in events):
            return False
        return not plan.past_return(self._saga, events)

    def _prepare(self, step: Step[Any, W], attempt: int, what: str) -> None:
        self._run.attempt = attempt
        self._run.step_key = f"{self._row.id}.{step.name}.{attempt}.{what}"

    def _since(self, kind: str, step: Step[Any, W], attempt: int) -> Timestamp:
        for line in reversed((*self._logged, *self._pending)):
            if line.event.kind == kind and line.event.step == step.name and line.event.attempt == attempt:
                return line.at
        return self._clock.now()

    def _soon(self, since: Timestamp) -> Timestamp:
        """Sooner when the trouble is young, later when it is old."""
        for pause in RETRY_S:
            if self._clock.now() < later(since, seconds=pause * 4):
                return self._clock.after(pause)
        return self._clock.after(RETRY_S[-1])

    def _host(self) -> str | None:
        """The host the last choosing step chose, for events and failures."""
        for value in reversed(list(self._run._results.values())):
            if isinstance(value, dict) and "host" in value:
                return str(value["host"])
        return None

    def _last_error(self) -> KilonovaError:
        for line in reversed(self._logged + self._pending):
            if line.event.kind in ("failed", "cancelled"):
                return KilonovaError.revive(line.data["kind"], line.data["message"], line.data.get("attributes", {}))
        return InternalError("The operation failed.")

    def _rebuild_results(self) -> None:
        for line in self._logged:
            event = line.event
            if event.kind == "done":
                self._run._results[event.step] = line.data
            elif event.kind == "undone":
                self._run._results.pop(event.step, None)
            elif event.kind == "cancelled":
                self._run.cancelled = True
            elif event.kind == "failed":
                self._run.failures.append({"step": event.step, "attempt": event.attempt, **line.data})


class _AnswerThere(Exception):
    """Rolls a letting-go back: the answer waited for has come."""


class _Sent(Exception):
    """The order is on its way and the lease let go."""


class _LookAgain(Exception):
    """What was to be waited for is not any more: ask the plan."""


class _OrderLost(Unavailable):
    """No outcome within the step's time."""

    def __init__(self, host: str, timeout_s: float) -> None:
        super().__init__(f"The compute host did not finish within {timeout_s:.0f} seconds.")
        self.host = host


def _plain(value: Any) -> Any:
    return None if value is None else msgspec.to_builtins(value)


def _error(error: KilonovaError) -> dict[str, Any]:
    return {"kind": type(error).__name__, "message": error.message, "attributes": msgspec.to_builtins(error.public())}
