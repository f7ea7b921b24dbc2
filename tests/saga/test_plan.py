"""The plan, over any definition and any history: forward in order, back newest first, and always to an end."""

from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kilonova.saga.plan import Act, Do, Event, Fail, Finish, Undo, next_act


class AStep(msgspec.Struct, frozen=True):
    name: str
    undoable: bool
    no_return: bool = False


class AShape(msgspec.Struct, frozen=True):
    steps: tuple[AStep, ...]
    attempts: int
    retry_from: str


@st.composite
def shapes(draw: st.DrawFn) -> AShape:
    undoable = draw(st.lists(st.booleans(), min_size=1, max_size=6))
    steps = tuple(AStep(f"step{number}", can) for number, can in enumerate(undoable))
    retry_from = draw(st.sampled_from(["", *(step.name for step in steps)]))
    return AShape(steps, draw(st.integers(1, 4)), retry_from)


# What becomes of an act. "dies": its start is in the log and nothing else; "cancelled": a delete came meanwhile.
FATES = st.sampled_from(["well", "well", "well", "fails", "fails for good", "dies", "cancelled"])


class History:
    """A saga's log as an executor would write it, each act's fate chosen in turn; when they run out all goes well."""

    def __init__(self, shape: AShape, fates: list[str]) -> None:
        self.shape = shape
        self.fates = list(fates)
        self.events: list[Event] = []
        self.acts: list[Act] = []
        self.cancelled = False

    def place(self, step: str) -> int:
        return [known.name for known in self.shape.steps].index(step)

    def first(self) -> int:
        """The place of the step retries start from."""
        return self.place(self.shape.retry_from) if self.shape.retry_from else 0

    def run(self) -> Act:
        """To the end, which is answered."""
        for _ in range(1000):
            act = next_act(self.shape, self.events)
            self.acts.append(act)
            if isinstance(act, Finish | Fail):
                return act
            self._perform(act, self.fates.pop(0) if self.fates else "well")
        raise AssertionError("the plan does not come to an end")

    def _perform(self, act: Do | Undo, fate: str) -> None:
        if fate == "cancelled":
            if not self.cancelled:
                self.events.append(Event(kind="cancelled", step="", attempt=0))
                self.cancelled = True
            return
        forward = isinstance(act, Do)
        if act.fresh:
            self._log("started" if forward else "undoing", act)
        if fate == "dies":
            return
        if forward and fate.startswith("fails"):
            self._log("failed", act, retry=fate == "fails")
        else:
            self._log("done" if forward else "undone", act)

    def _log(self, kind: str, act: Do | Undo, *, retry: bool = False) -> None:
        self.events.append(Event(kind=kind, step=act.step, attempt=act.attempt, retry=retry))  # type: ignore[arg-type]


histories = st.builds(History, shapes(), st.lists(FATES, max_size=30))
whole = settings(max_examples=150, deadline=None)


@whole
@given(histories)
def test_every_history_comes_to_an_end(history: History) -> None:
    end = history.run()
    gone_wrong = {event.kind for event in history.events} & {"failed", "cancelled"}
    if not gone_wrong:
        assert isinstance(end, Finish)
    if "cancelled" in gone_wrong:
        assert isinstance(end, Fail)


@whole
@given(histories)
def test_a_finished_saga_has_every_step_done_in_order_and_none_undone(history: History) -> None:
    if not isinstance(history.run(), Finish):
        return
    standing: list[str] = []
    for event in history.events:
        if event.kind == "done":
            standing.append(event.step)
        elif event.kind == "failed":
            # What was done from the retried step on is done anew, whether there was an undo for it or not.
            standing = [step for step in standing if history.place(step) < history.first()]
    assert standing == [step.name for step in history.shape.steps]


@whole
@given(histories)
def test_a_failed_saga_has_undone_every_start_that_can_be_undone(history: History) -> None:
    if not isinstance(history.run(), Fail):
        return
    undoable = {step.name for step in history.shape.steps if step.undoable}
    started = Counter((e.step, e.attempt) for e in history.events if e.kind == "started" and e.step in undoable)
    undone = Counter((e.step, e.attempt) for e in history.events if e.kind == "undone")
    assert undone == started
    assert set(started.values()) <= {1}


@whole
@given(histories)
def test_undoing_goes_from_the_newest_to_the_oldest(history: History) -> None:
    history.run()
    undoable = {step.name for step in history.shape.steps if step.undoable}
    standing: list[tuple[str, int]] = []
    for event in history.events:
        if event.kind == "started" and event.step in undoable:
            standing.append((event.step, event.attempt))
        elif event.kind == "undone":
            assert standing.pop() == (event.step, event.attempt)


@whole
@given(histories)
def test_no_step_starts_before_the_one_before_it_is_done(history: History) -> None:
    history.run()
    reached = 0
    for event in history.events:
        if event.kind == "started":
            assert history.place(event.step) == reached
        elif event.kind == "done":
            reached = history.place(event.step) + 1
        elif event.kind == "failed":
            reached = history.first()


@whole
@given(histories)
def test_what_may_pass_is_tried_again_as_often_as_said_and_not_once_more(history: History) -> None:
    end = history.run()
    attempts = [event.attempt for event in history.events if event.kind == "started"]
    assert attempts == sorted(attempts)
    assert max(attempts, default=1) <= history.shape.attempts
    if history.cancelled:
        return
    first = history.first()
    failures = [event for event in history.events if event.kind == "failed"]
    lasting = [failure for failure in failures if not failure.retry or history.place(failure.step) < first]
    assert isinstance(end, Finish) == (not lasting and len(failures) < history.shape.attempts)


@whole
@given(histories)
def test_what_lies_before_the_retried_step_is_left_standing_by_a_retry(history: History) -> None:
    if not isinstance(history.run(), Finish):
        return
    first = history.first()
    starts = Counter(event.step for event in history.events if event.kind == "started")
    assert all(history.place(event.step) >= first for event in history.events if event.kind == "undone")
    assert all(count == 1 for step, count in starts.items() if history.place(step) < first)


@whole
@given(histories)
def test_a_start_is_fresh_exactly_when_the_log_does_not_have_it(history: History) -> None:
    history.run()
    for length in range(len(history.events) + 1):
        events = history.events[:length]
        act = next_act(history.shape, events)
        assert act == next_act(history.shape, tuple(events))
        if isinstance(act, Do | Undo):
            kind = "started" if isinstance(act, Do) else "undoing"
            logged = any((e.kind, e.step, e.attempt) == (kind, act.step, act.attempt) for e in events)
            assert act.fresh != logged
