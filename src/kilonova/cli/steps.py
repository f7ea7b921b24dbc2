"""Spans as lines: step, time since the first, duration, who spoke to whom, how, what."""

from collections.abc import Iterable, Iterator

from kilonova.observe.trace import Span

_HOW = {"rest": "REST", "call": "call", "cast": "cast", "db": "db", "work": "work"}


def lines_of(spans: Iterable[Span], first_us: int) -> Iterator[str]:
    """`spans` in the order of their start."""
    for span in filter(is_shown, spans):
        yield line_of(span, first_us)


def is_shown(span: Span) -> bool:
    """Announcements to whom it may concern are no part of the way."""
    return span.target != "events"


def line_of(span: Span, first_us: int) -> str:
    at = (span.started_us - first_us) / 1000
    arrow = f"{span.source or '?'} → {span.target}" if span.target else span.source
    failed = f"  ✗ {span.error}" if span.error else ""
    return (
        f"{span.step or '':>6}  {at:9.1f} ms  {span.duration_us / 1000:8.1f} ms  "
        f"{_HOW[span.kind]:4}  {arrow:24}  {span.name}{failed}"
    )
