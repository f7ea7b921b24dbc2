"""One trace through nested work, and over a header."""

from collections.abc import Iterator

import pytest

from kilonova.observe import trace
from kilonova.observe.trace import Span


@pytest.fixture
def spans() -> Iterator[list[Span]]:
    found: list[Span] = []
    trace.set_sink(found.append)
    yield found
    trace.set_sink(None)


def test_spans_know_who_called_them(spans: list[Span]) -> None:
    token = trace.begin_trace()
    with trace.serving("api", trace.header()), trace.span("outer", target="conductor"):
        carried = trace.header()
        with trace.serving("conductor", carried), trace.span("inner"):
            pass
    trace.end_trace(token)

    inner, outer = spans
    assert (outer.name, outer.source, outer.target) == ("outer", "api", "conductor")
    assert (inner.source, inner.parent_id, inner.trace_id) == ("conductor", outer.span_id, outer.trace_id)


def test_a_failure_is_named_in_its_span_and_goes_on(spans: list[Span]) -> None:
    token = trace.begin_trace()
    with pytest.raises(KeyError), trace.span("breaks"):
        raise KeyError("x")
    trace.end_trace(token)

    assert [span.error for span in spans] == ["KeyError"]


def test_outside_of_a_trace_nothing_is_recorded(spans: list[Span]) -> None:
    with trace.serving("api", None), trace.span("unseen"):
        assert trace.header() is None

    assert spans == []


@pytest.mark.parametrize("header", ["", "00", "00-short-0123456789abcdef-01", f"00-{'a' * 32}-{'b' * 15}-01"])
def test_a_malformed_header_is_no_trace(header: str) -> None:
    assert trace.parse(header) is None
