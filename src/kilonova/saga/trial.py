"""The trial kit: what may go wrong in a saga, made to go wrong at each of its steps.

A test runs a saga once per `Fault`, hands the fault's `meddle` to the executor, and compares the ledger of the world
(claims, ports, volumes, disks, guests) before and after. `fail` runs must leave it as it was; `twice` and `kill` runs
must end as if nothing had happened (a killed executor is replaced by a new one on the same database).
"""

from collections.abc import Iterator
from typing import Any, Literal

from kilonova.model.errors import KilonovaError
from kilonova.saga.saga import Saga

Moment = Literal["before", "after", "before undo", "after undo"]


class TrialFailure(KilonovaError):
    """The failure a trial asked for."""


class Killed(BaseException):
    """The process is gone: nothing may be done after this but by another executor."""


class Fault:
    """One thing that goes wrong, once: at `step`, at the `moment` around it.

    `fail` raises an error, `kill` ends the executor, `twice` runs the step (or its undo) a second time. With
    `undoing` the saga is made to fail at its last step first, so that every undo has its turn.
    """

    def __init__(self, kind: Literal["fail", "kill", "twice"], step: str, moment: Moment, *, last: str = "") -> None:
        self.kind = kind
        self.step = step
        self.moment = moment
        self._last = last
        self.struck = False
        self.deaths = 0

    def __repr__(self) -> str:
        return f"{self.kind} {self.moment} {self.step}" + (" while undoing" if self._last else "")

    @property
    def undone(self) -> bool:
        """Whether the run must end undone."""
        return self.kind == "fail" or bool(self._last)

    def meddle(self, moment: Moment, step: str) -> bool:
        """What the executor calls; True asks it to do the step again."""
        if self._last and moment == "after" and step == self._last:
            raise TrialFailure(f"{step} was made to fail")
        if (moment, step) != (self.moment, self.step) or (self.struck and self.kind != "fail"):
            return False
        self.struck = True
        if self.kind == "kill":
            self.deaths += 1
            raise Killed(repr(self))
        if self.kind == "fail":
            raise TrialFailure(f"{step} was made to fail")
        return True


def faults_of(saga: Saga[Any, Any]) -> Iterator[Fault]:
    """Every fault there is for the saga. A forward saga cannot fail for good, so it has no `fail` faults."""
    last = saga.steps[-1].name
    for step in saga.steps:
        if not saga.forward and not _past(saga, step.name):
            yield Fault("fail", step.name, "before")
            yield Fault("fail", step.name, "after")
        yield Fault("kill", step.name, "before")
        yield Fault("kill", step.name, "after")
        yield Fault("twice", step.name, "after")
        if step.undoable and not saga.forward and not _past(saga, last):
            yield Fault("kill", step.name, "before undo", last=last)
            yield Fault("kill", step.name, "after undo", last=last)
            yield Fault("twice", step.name, "after undo", last=last)


def _past(saga: Saga[Any, Any], name: str) -> bool:
    """Whether `name` lies at or behind a point of no return."""
    for step in saga.steps:
        if step.no_return:
            return True
        if step.name == name:
            return False
    return False
