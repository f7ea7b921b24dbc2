"""One trace per request, carried through REST headers and queue envelopes.

A span says who spoke to whom, how, for how long. Spans of a traced request go to the process's sink (set by launch);
without a current trace a span costs one context variable look-up and nothing is recorded.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Literal

import msgspec

Kind = Literal["rest", "call", "cast", "db", "work"]


class Span(msgspec.Struct, kw_only=True):
    """`step` is the number in the picture of a create (`3`, `19-21`) or ''; times in microseconds since 1970."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: Kind
    source: str
    target: str
    step: str
    started_us: int
    duration_us: int = 0
    error: str = ""


class Here(msgspec.Struct, frozen=True):
    """Where in a trace the current task is; `step` is the innermost numbered one around it."""

    trace_id: str
    span_id: str
    step: str = ""


# The same calls are made on other occasions too: a token check is step 20 only when it guards an image that a host
# fetches, and only a host fetches images as step 19.
_INSIDE = {"4-5": "3", "20": "19-21", "23": "22-24", "26": "25-27"}
_TAKEN_BY = {"19-21": "compute", "22-24": "compute", "25-27": "compute"}
_STATE = "kilonova="


_here: ContextVar[Here | None] = ContextVar("trace", default=None)
_service: ContextVar[str] = ContextVar("service", default="")
_sink: Callable[[Span], None] | None = None


def set_sink(sink: Callable[[Span], None] | None) -> None:
    """Where finished spans of this process go."""
    global _sink
    _sink = sink


def new_trace_id() -> str:
    return secrets.token_hex(16)


def header() -> str | None:
    """The W3C `traceparent` of the current place, or None outside of a trace."""
    here = _here.get()
    return None if here is None else f"00-{here.trace_id}-{here.span_id}-01"


def state() -> str | None:
    """The W3C `tracestate` that goes with `header`: the step we are in, None outside of one."""
    here = _here.get()
    return f"{_STATE}{here.step}" if here is not None and here.step else None


def trace_id() -> str | None:
    here = _here.get()
    return None if here is None else here.trace_id


def service() -> str:
    return _service.get()


@contextmanager
def serving(name: str, traceparent: str | None, tracestate: str | None = None) -> Iterator[None]:
    """Work as service `name`, inside the trace that `traceparent` names (none or a malformed one: no trace)."""
    named = _service.set(name)
    placed = _here.set(parse(traceparent, tracestate))
    try:
        yield
    finally:
        _here.reset(placed)
        _service.reset(named)


def parse(traceparent: str | None, tracestate: str | None = None) -> Here | None:
    if traceparent is None:
        return None
    parts = traceparent.split("-")
    if len(parts) != 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return None
    ours = (entry.strip() for entry in (tracestate or "").split(","))
    step = next((entry.removeprefix(_STATE) for entry in ours if entry.startswith(_STATE)), "")
    return Here(parts[1], parts[2], step[:8])


def begin_trace() -> Token[Here | None]:
    """Start a trace in this task where there is none yet; pass the result to `end_trace`."""
    return _here.set(_here.get() or Here(new_trace_id(), "0" * 16))


def end_trace(token: Token[Here | None]) -> None:
    _here.reset(token)


@contextmanager
def span(name: str, *, kind: Kind = "work", target: str = "", step: str = "") -> Iterator[None]:
    """Record one span from the current service to `target` ('' for work of its own)."""
    here = _here.get()
    if here is None or _sink is None:
        yield
        return
    step = _numbered(step, here)
    this = Span(
        trace_id=here.trace_id,
        span_id=secrets.token_hex(8),
        parent_id=here.span_id,
        name=name,
        kind=kind,
        source=_service.get(),
        target=target,
        step=step,
        started_us=time.time_ns() // 1000,
    )
    began = time.perf_counter_ns()
    placed = _here.set(Here(here.trace_id, this.span_id, step or here.step))
    try:
        yield
    except BaseException as error:
        this.error = type(error).__name__
        raise
    finally:
        _here.reset(placed)
        this.duration_us = (time.perf_counter_ns() - began) // 1000
        _sink(this)


def _numbered(step: str, here: Here) -> str:
    """`step` where it is one of the picture, '' where the same call is made for something else or is told twice."""
    if step == here.step or _INSIDE.get(step, here.step) != here.step:
        return ""
    return step if _TAKEN_BY.get(step, _service.get()) == _service.get() else ""
