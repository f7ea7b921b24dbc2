"""One lease's work on one saga: asks the plan what comes next, does it, and lets go when it has to wait."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec

from kilonova.aio.clock import Clock
from kilonova.contract.compute import Outcome
from kilonova.db.database import Database, Transaction
from kilonova.db.repository import actions
from kilonova.model.errors import BadRequest, Forbidden, InternalError, KilonovaError, NotFound, Unavailable
from kilonova.model.ids import SagaId
from kilonova.model.time import Timestamp, later
from kilonova.observe import trace
from kilonova.saga import plan, store
from kilonova.saga.logbook import Changed, LeaseLost, Logbook
from kilonova.saga.saga import UNDO_TIMEOUT_S, Cancelled, HostOrder, Make, Run, Saga, Step
from kilonova.saga.trial import Moment

log = logging.getLogger(__name__)

W = TypeVar("W")

# Orders may be lost on the way; this is how long until they are sent again.
RESEND_S = 10.0
RETRY_S = (0.2, 1.0, 3.0, 10.0)

Send = Callable[[HostOrder], Awaitable[None]]
# Trials only: told each moment around a step, may raise, and answers whether the step is to be done again.
Meddle = Callable[[Moment, str], bool]


class Pause(Exception):
    """Let go until the moment given (or a bell)."""

    def __init__(self, wake_at: Timestamp) -> None:
        self.wake_at = wake_at


class Sent(Exception):
    """The order is on its way and the lease let go."""


class LookAgain(Exception):
    """What was to be waited for is not any more: ask the plan."""


class AnswerThere(Exception):
    """Rolls a letting-go back: the answer waited for has come."""


class OrderLost(Unavailable):
    """No outcome within the step's time."""

    def __init__(self, host: str, timeout_s: float) -> None:
        super().__init__(f"The compute host did not finish within {timeout_s:.0f} seconds.")
        self.host = host


# Not failures: how a step leaves its turn.
_LEAVING = (Pause, Sent, LookAgain, LeaseLost)


class Desk(Generic[W]):
    """What every turn works with. `wake_at` wakes a saga later, in this process."""

    def __init__(
        self,
        db: Database,
        world: W,
        clock: Clock,
        *,
        send: Send,
        changed: Changed,
        meddle: Meddle,
        wake_at: Callable[[SagaId, Timestamp], None],
    ) -> None:
        self.db = db
        self.world = world
        self.clock = clock
        self.send = send
        self.changed = changed
        self.meddle = meddle
        self.wake_at = wake_at


class Turn(Generic[W]):
    """`begin` in the transaction that takes the lease; `proceed` once that is durable."""

    def __init__(self, desk: Desk[W], row: store.SagaRow, saga: Saga[Any, W], logged: list[store.Logged]) -> None:
        self.row = row
        self._desk = desk
        self._clock = desk.clock
        self._saga = saga
        params = msgspec.json.decode(row.params, type=saga.params)
        self._run: Run[Any, W] = Run(row.id, params, desk.world, epoch=row.epoch, results={})
        self._log: Logbook[W] = Logbook(desk.db, desk.clock, desk.changed, row, saga, self._run, logged)
        self._began = False

    async def begin(self, tx: Transaction) -> None:
        """What the first step has to store before it runs is stored along with the lease."""
        act = plan.next_act(self._saga, self._log.events)
        if isinstance(act, plan.Do) and act.fresh and not self._log.to_be_cancelled():
            self._log.note("started", act.step, act.attempt, None)
            await self._log.write(tx)
            self._began = True

    async def proceed(self) -> SagaId | None:
        """Until the saga ends or waits; answers a saga that waited for this one's hold. Errors: LeaseLost."""
        if self._began:
            self._log.written()
        while True:
            if self._log.to_be_cancelled():
                self._log.note_error("cancelled", "", 0, Cancelled(self._run.params.server_id))
            act = plan.next_act(self._saga, self._log.events)
            try:
                match act:
                    case plan.Do():
                        await self._do(act)
                    case plan.Undo():
                        await self._undo(act)
                    case plan.Finish() | plan.Fail():
                        return await self._end(finished=isinstance(act, plan.Finish))
            except Sent:
                return None
            except LookAgain:
                continue
            except Pause as pause:
                if await self._let_go(pause.wake_at, again=True):
                    self._desk.wake_at(self.row.id, pause.wake_at)
                    return None

    # -- forward ------------------------------------------------------------------------------------------------

    async def _do(self, act: plan.Do) -> None:
        step = self._saga.by_name(act.step)
        if act.fresh:
            self._log.note("started", step.name, act.attempt, None)
        self._prepare(step, act.attempt, "do")
        try:
            result = await self._perform(step, act)
        except _LEAVING:
            raise
        except KilonovaError as error:
            self._failed(step, act, error)
        except Exception as error:
            log.exception("saga %s: step %s failed", self.row.id, step.name)
            self._failed(step, act, InternalError(f"{type(error).__name__}: {error}").because(error))
        else:
            self._log.note("done", step.name, act.attempt, result)

    async def _perform(self, step: Step[Any, W], act: plan.Do) -> Any:
        if step.act is not None:
            if not step.pure:
                await self._log.commit()
            self._desk.meddle("before", step.name)
            with trace.span(step.name):
                result = await step.act(self._run)
                if self._desk.meddle("after", step.name):
                    result = await step.act(self._run)
            return _plain(result)
        assert step.make is not None
        since = self._log.since("started", step.name, act.attempt)
        return await self._ordered(step.make, since, step.timeout_s, step.name, undo=False)

    def _failed(self, step: Step[Any, W], act: plan.Do, error: KilonovaError) -> None:
        """Try again in place what may pass by itself; note the rest. Errors: Pause."""
        since = self._log.since("started", step.name, act.attempt)
        lasting = self._clock.now() > later(since, seconds=step.timeout_s)
        if isinstance(error, Unavailable) and not isinstance(error, OrderLost) and not lasting:
            raise Pause(self._soon(since))
        forced = self._saga.forward or plan.past_return(self._saga, self._log.events)
        if forced and self._clock.now() < self.row.deadline:
            raise Pause(self._soon(since))
        retry = not isinstance(error, BadRequest | Forbidden | NotFound) and not getattr(error, "counts", None)
        self._log.note_error("failed", step.name, act.attempt, error, retry=retry, host=self._log.host())

    # -- back ---------------------------------------------------------------------------------------------------

    async def _undo(self, act: plan.Undo) -> None:
        step = self._saga.by_name(act.step)
        if act.fresh:
            self._log.note("undoing", step.name, act.attempt, None)
        self._prepare(step, act.attempt, "undo")
        since = self._log.since("undoing", step.name, act.attempt)
        try:
            if step.undo_act is not None:
                await self._log.commit()
                self._desk.meddle("before undo", step.name)
                await step.undo_act(self._run)
                if self._desk.meddle("after undo", step.name):
                    await step.undo_act(self._run)
            elif step.undo_make is not None:
                await self._ordered(step.undo_make, since, UNDO_TIMEOUT_S, step.name, undo=True)
        except _LEAVING:
            raise
        except Exception as error:
            if self._clock.now() < later(since, seconds=UNDO_TIMEOUT_S):
                raise Pause(self._soon(since)) from error
            # The host is lost or will not: what is left there goes by the host's own audit when it is back.
            log.error("saga %s: undo of %s given up", self.row.id, step.name, exc_info=error)
        self._log.note("undone", step.name, act.attempt, None)

    # -- hosts --------------------------------------------------------------------------------------------------

    async def _ordered(self, make: Make[Any, W], since: Timestamp, timeout_s: float, step: str, *, undo: bool) -> Any:
        """The outcome of the order `make` makes, or let go until there is one. Errors: the host's, OrderLost."""
        stored = await store.outcome_of(self._desk.db, self._run.step_key)
        if stored is None:
            order = await make(self._run)
            if order is None:
                return None
            now = self._clock.now()
            if now > later(since, seconds=timeout_s):
                raise OrderLost(order.host, timeout_s)
            self._desk.meddle("before undo" if undo else "before", step)
            # Let go first: the answer may be here before the sending returns.
            if await self._let_go(later(now, seconds=RESEND_S)):
                await self._dispatch(order, self._soon(since))
                raise Sent
            stored = await store.outcome_of(self._desk.db, self._run.step_key)
            if stored is None:
                raise LookAgain
        if self._desk.meddle("after undo" if undo else "after", step):
            raise Pause(self._clock.now())
        outcome = msgspec.convert(stored, Outcome)
        if outcome.error is not None:
            raise KilonovaError.revive(outcome.error, outcome.message, dict(outcome.attributes))
        return _plain(outcome.facts)

    async def _dispatch(self, order: HostOrder, again_at: Timestamp) -> None:
        """Send it, which may get lost on the way; where it certainly went nowhere it is sent again soon."""
        try:
            await self._desk.send(order)
        except Unavailable as error:
            log.warning("saga %s: %s", self.row.id, error.message)
            async with self._desk.db.begin() as tx:
                await store.wake_sooner(tx, self.row.id, self.row.epoch, wake_at=again_at)
            self._desk.wake_at(self.row.id, again_at)

    # -- letting go and ending ----------------------------------------------------------------------------------

    async def _let_go(self, wake_at: Timestamp, *, again: bool = False) -> bool:
        """Give the lease back until then. False when an outcome or a cancellation came meanwhile: go on instead.

        `again`: what the host answered was a failure to be tried once more, so its answer is forgotten.
        """
        try:
            async with self._desk.db.begin() as tx:
                await self._log.write(tx)
                if again:
                    await store.forget_outcome(tx, self._run.step_key)
                cancelled = self._log.to_be_cancelled()
                if not cancelled and not await store.let_go(tx, self.row.id, self.row.epoch, wake_at=wake_at):
                    raise LeaseLost
                if await store.outcome_of(tx, self._run.step_key) is not None:
                    raise AnswerThere
        except AnswerThere:
            return False
        self._log.written()
        return not cancelled

    async def _end(self, *, finished: bool) -> SagaId | None:
        now = self._clock.now()
        async with self._desk.db.begin() as tx:
            await self._log.write(tx)
            error = None if finished else self._log.last_error()
            if error is None:
                if self._saga.on_finish is not None:
                    await self._saga.on_finish(tx, self._run)
            elif self._saga.on_fail is not None:
                await self._saga.on_fail(tx, self._run, error)
            following = await store.close(tx, self.row, state="finished" if finished else "failed", now=now)
            await store.forget_outcomes(tx, self.row.id)
            if self._run.params.action:
                await actions.finish_action(
                    tx,
                    self._run.params.server_id,
                    self.row.request_id,
                    at=now,
                    message=None if error is None else "Error",
                )
        self._log.written()
        return following

    # -- small things -------------------------------------------------------------------------------------------

    def _prepare(self, step: Step[Any, W], attempt: int, what: str) -> None:
        self._run.attempt = attempt
        self._run.step_key = f"{self.row.id}.{step.name}.{attempt}.{what}"

    def _soon(self, since: Timestamp) -> Timestamp:
        """Sooner when the trouble is young, later when it is old."""
        for pause in RETRY_S:
            if self._clock.now() < later(since, seconds=pause * 4):
                return self._clock.after(pause)
        return self._clock.after(RETRY_S[-1])


def _plain(value: Any) -> Any:
    return None if value is None else msgspec.to_builtins(value)
