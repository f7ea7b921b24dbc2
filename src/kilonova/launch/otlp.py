"""Spans to an OpenTelemetry collector, when one is configured (OTEL_EXPORTER_OTLP_ENDPOINT): OTLP over HTTP, as JSON.

Names and numbers as in the OpenTelemetry protocol, version 1.
"""

import logging
import os
from collections.abc import Iterable
from typing import Any

import httpx
import msgspec

from kilonova.observe.trace import Kind, Span

log = logging.getLogger(__name__)

# SPAN_KIND: internal 1, client 3, producer 4.
_KINDS: dict[Kind, int] = {"work": 1, "db": 3, "rest": 3, "call": 3, "cast": 4}
_STATUS_ERROR = 2


def endpoint() -> str | None:
    """Where traces go; None: nowhere."""
    own = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if own:
        return own
    base = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    return base.rstrip("/") + "/v1/traces" if base else None


class Exporter:
    """A collector that does not answer loses spans, and nothing else."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = httpx.AsyncClient(timeout=5, trust_env=False)

    async def export(self, spans: Iterable[Span]) -> None:
        try:
            answer = await self._http.post(
                self._url, content=msgspec.json.encode(document(spans)), headers={"Content-Type": "application/json"}
            )
            answer.raise_for_status()
        except httpx.HTTPError as error:
            log.warning("traces not exported to %s: %s", self._url, error)

    async def close(self) -> None:
        await self._http.aclose()


def document(spans: Iterable[Span]) -> dict[str, Any]:
    """An ExportTraceServiceRequest: one resource per service."""
    by_service: dict[str, list[dict[str, Any]]] = {}
    for span in spans:
        by_service.setdefault(span.source or "client", []).append(_span(span))
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [_text("service.name", f"kilonova-{service}")]},
                "scopeSpans": [{"scope": {"name": "kilonova"}, "spans": shown}],
            }
            for service, shown in by_service.items()
        ]
    }


def _span(span: Span) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_id.strip("0") and span.parent_id,
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.started_us * 1000),
        "endTimeUnixNano": str((span.started_us + span.duration_us) * 1000),
        "attributes": [_text("peer.service", span.target), _text("kilonova.step", span.step)],
    }
    if span.error:
        shown["status"] = {"code": _STATUS_ERROR, "message": span.error}
    return shown


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
