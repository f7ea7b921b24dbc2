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
    """`step` is the number in the picture of a create (`4`, `19-21`) or ''; times in microseconds since 1970."""

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
    """Where in a trace the current task is."""

    trace_id: str
    span_id: str


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


def trace_id() -> str | None:
    here = _here.get()
    return None if here is None else here.trace_id


def service() -> str:
    return _service.get()


@contextmanager
def serving(name: str, traceparent: str | None) -> Iterator[None]:
    """Work as service `name`, inside the trace that `traceparent` names (none or a malformed one: no trace)."""
    named = _service.set(name)
    placed = _here.set(parse(traceparent))
    try:
        yield
    finally:
        _here.reset(placed)
        _service.reset(named)


def parse(traceparent: str | None) -> Here | None:
    if traceparent is None:
        return None
    parts = traceparent.split("-")
    if len(parts) != 4 or len(parts[1]) != 32 or len(parts[2]) != 16:
        return None
    return Here(parts[1], parts[2])


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
    placed = _here.set(Here(here.trace_id, this.span_id))
    try:
        yield
    except BaseException as error:
        this.error = type(error).__name__
        raise
    finally:
        _here.reset(placed)
        this.duration_us = (time.perf_counter_ns() - began) // 1000
        _sink(this)
