"""What comes next, from the log alone. Pure: no clock, no database; property-tested."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

EventKind = Literal["started", "done", "failed", "undoing", "undone", "cancelled"]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a saga's log. `retry` on a failure: another attempt may help."""

    kind: EventKind
    step: str
    attempt: int
    retry: bool = False


class StepShape(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def undoable(self) -> bool: ...
    @property
    def no_return(self) -> bool: ...


class Shape(Protocol):
    """The parts of a definition that decide the order of things."""

    @property
    def steps(self) -> Sequence[StepShape]: ...
    @property
    def attempts(self) -> int: ...
    @property
    def retry_from(self) -> str: ...


class Do(msgspec.Struct, frozen=True):
    """Run the step; `fresh` when its start is not in the log yet."""

    step: str
    attempt: int
    fresh: bool


class Undo(msgspec.Struct, frozen=True):
    step: str
    attempt: int
    fresh: bool


class Finish(msgspec.Struct, frozen=True):
    pass


class Fail(msgspec.Struct, frozen=True):
    pass


Act = Do | Undo | Finish | Fail


def next_act(shape: Shape, events: Sequence[Event]) -> Act:
    """Forward through the steps; after a failure back through all that was started, newest first; then again or out."""
    order = {step.name: index for index, step in enumerate(shape.steps)}
    undoable = {step.name for step in shape.steps if step.undoable}
    started: list[tuple[str, int]] = []  # and not undone yet, oldest first
    position, attempt = 0, 1
    running = False
    undoing = ""
    down_to = -1  # undo what is at or after this index; -1 while going forward
    retrying = False  # and then go forward again from there
    for event in events:
        match event.kind:
            case "started":
                started.append((event.step, event.attempt))
                running = True
            case "done":
                position = order[event.step] + 1
                running = False
            case "failed" | "cancelled":
                running = False
                first = order.get(shape.retry_from, 0)
                retrying = event.kind == "failed" and event.retry and attempt < shape.attempts
                retrying = retrying and order[event.step] >= first
                down_to = first if retrying else 0
            case "undoing":
                undoing = event.step
            case "undone":
                undoing = ""
                while started and started[-1][0] != event.step:
                    started.pop()
                if started:
                    started.pop()
        if down_to >= 0 and not undoing:
            while started and order[started[-1][0]] >= down_to and started[-1][0] not in undoable:
                started.pop()
            if retrying and not (started and order[started[-1][0]] >= down_to):
                position, attempt, down_to, retrying = down_to, attempt + 1, -1, False
    if down_to >= 0:
        if not started:
            return Fail()
        name, of_attempt = started[-1]
        return Undo(name, of_attempt, fresh=not undoing)
    if position >= len(shape.steps):
        return Finish()
    return Do(shape.steps[position].name, attempt, fresh=not running)


def past_return(shape: Shape, events: Sequence[Event]) -> bool:
    """True once a step declared a point of no return has been started: failures are then tried again, never undone."""
    final = {step.name for step in shape.steps if step.no_return}
    return any(event.kind == "started" and event.step in final for event in events)
