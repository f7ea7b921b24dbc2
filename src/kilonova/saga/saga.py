"""How a saga is defined: steps, their undos, and what is recorded with them.

A *local* step runs in the conductor. An *order* step has its work done by a compute host: it only makes the order; the
engine sends it until there is an outcome, and holds neither lease nor memory meanwhile. Both may run twice.
"""

import copy
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from kilonova.contract.compute import Facts, Order
from kilonova.contract.work import Work
from kilonova.db.database import Transaction
from kilonova.model.errors import KilonovaError
from kilonova.model.ids import HostName, SagaId, ServerId

P = TypeVar("P", bound=Work)
W = TypeVar("W")

# A host that has not answered by then is taken for lost; the step fails (or, undoing, is left to the host's own audit).
ORDER_TIMEOUT_S = 300.0
UNDO_TIMEOUT_S = 60.0
SAGA_DEADLINE_S = 1800.0


class Run(Generic[P, W]):
    """One run of a step: `key` is the same on every try of the saga, `step_key` on every try of this step's attempt."""

    def __init__(self, saga_id: SagaId, params: P, world: W, *, epoch: int, results: dict[str, Any]) -> None:
        self.id = saga_id
        self.key: str = saga_id
        self.params = params
        self.world = world
        self.epoch = epoch
        self.attempt = 1
        self.step_key = ""
        # Undoing to make way for another saga (a delete).
        self.cancelled = False
        self.failures: list[dict[str, Any]] = []
        self._results = results

    def result(self, step: "Step[P, W]") -> Any:
        """What `step` returned, as plain JSON values; None when it has not (or was undone)."""
        return self._results.get(step.name)

    def order(self, kind: type[Order], **more: Any) -> Order:
        """An order for this step's server in this run's name."""
        return kind(key=self.step_key, epoch=self.epoch, server_id=self.params.server_id, **more)


class HostOrder(msgspec.Struct, frozen=True):
    host: HostName
    order: Order


Local = Callable[[Run[P, W]], Awaitable[Any]]
Make = Callable[[Run[P, W]], Awaitable[HostOrder | None]]
Record = Callable[[Transaction, Run[P, W], Any], Awaitable[None]]


class Step(Generic[P, W]):
    def __init__(
        self, name: str, *, shows: str | None, event: str, timeout_s: float, no_return: bool, pure: bool
    ) -> None:
        self.name = name
        self.pure = pure
        self.shows = shows
        self.event = event
        self.timeout_s = timeout_s
        self.no_return = no_return
        self.act: Local[P, W] | None = None
        self.make: Make[P, W] | None = None
        self.undo_act: Local[P, W] | None = None
        self.undo_make: Make[P, W] | None = None
        self.on_done: Record[P, W] | None = None

    @property
    def undoable(self) -> bool:
        return self.undo_act is not None or self.undo_make is not None

    def undo(self, function: Local[P, W]) -> Local[P, W]:
        """`@step.undo`: a local undo. Covers the failed step too, so it must be happy to find nothing."""
        self.undo_act = function
        return function

    def undo_order(self, function: Make[P, W]) -> Make[P, W]:
        """`@step.undo_order`: an undo that a host does; None when no host has anything."""
        self.undo_make = function
        return function

    def record(self, function: Record[P, W]) -> Record[P, W]:
        """`@step.record`: written in the transaction that logs the step as done; gets its result (Facts for orders)."""
        self.on_done = function
        return function


class Finish(Protocol[P, W]):
    async def __call__(self, tx: Transaction, run: Run[P, W], /) -> None: ...


class Fail(Protocol[P, W]):
    async def __call__(self, tx: Transaction, run: Run[P, W], error: KilonovaError, /) -> None: ...


class Saga(Generic[P, W]):
    """`attempts` > 1: what fails at or after `retry_from` (else the first step) is undone to there and tried again.

    `forward`: never undone.
    """

    def __init__(
        self,
        params: type[P],
        *,
        version: int = 1,
        attempts: int = 1,
        retry_from: str = "",
        forward: bool = False,
        deadline_s: float = SAGA_DEADLINE_S,
    ) -> None:
        self.name = params.saga
        self.version = version
        self.params = params
        self.attempts = attempts
        self.retry_from = retry_from
        self.forward = forward
        self.deadline_s = deadline_s
        self.steps: list[Step[P, W]] = []
        self.on_finish: Finish[P, W] | None = None
        self.on_fail: Fail[P, W] | None = None

    def step(
        self,
        *,
        shows: str | None = None,
        event: str = "",
        timeout_s: float = 60.0,
        no_return: bool = False,
        pure: bool = False,
    ) -> Callable[[Local[P, W]], Step[P, W]]:
        """A local step, named by its function. `shows` is the task_state while it runs, `event` its action event.

        `pure`: it only looks, or stands for its undo; so it may run before its start is in the log.
        """

        def add(function: Local[P, W]) -> Step[P, W]:
            step = self._add(function, shows, event, timeout_s, no_return, pure)
            step.act = function
            return step

        return add

    def order(
        self,
        *,
        shows: str | None = None,
        event: str = "",
        timeout_s: float = ORDER_TIMEOUT_S,
        no_return: bool = False,
    ) -> Callable[[Make[P, W]], Step[P, W]]:
        """A step a host does."""

        def add(function: Make[P, W]) -> Step[P, W]:
            step = self._add(function, shows, event, timeout_s, no_return, False)
            step.make = function
            return step

        return add

    def with_attempts(self, attempts: int) -> "Saga[P, W]":
        """The same saga, tried that often."""
        same = copy.copy(self)
        same.attempts = attempts
        return same

    def finish(self, function: Finish[P, W]) -> Finish[P, W]:
        """`@saga.finish`: written in the last transaction of a run that went well."""
        self.on_finish = function
        return function

    def fail(self, function: Fail[P, W]) -> Fail[P, W]:
        """`@saga.fail`: written in the last transaction after everything was undone."""
        self.on_fail = function
        return function

    def by_name(self, name: str) -> Step[P, W]:
        return next(step for step in self.steps if step.name == name)

    def _add(
        self,
        function: Callable[..., Any],
        shows: str | None,
        event: str,
        timeout_s: float,
        no_return: bool,
        pure: bool,
    ) -> Step[P, W]:
        step: Step[P, W] = Step(
            function.__name__, shows=shows, event=event, timeout_s=timeout_s, no_return=no_return, pure=pure
        )
        if any(other.name == step.name for other in self.steps):
            raise ValueError(f"{self.name} has two steps named {step.name}")
        self.steps.append(step)
        return step


def facts_of(result: Any) -> Facts:
    """An order step's result as Facts again."""
    return Facts() if result is None else msgspec.convert(result, Facts, strict=False)


class Cancelled(KilonovaError):
    """The saga made way for another (a delete)."""

    def __init__(self, server_id: ServerId) -> None:
        super().__init__(f"Instance {server_id} is being deleted.")
