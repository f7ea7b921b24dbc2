"""Traces reach a collector, when one is named."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.running import running_cloud


class Collector:
    """Keeps the documents it is sent."""

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                assert head[0] == "POST /v1/traces HTTP/1.1"
                fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(fields["content-length"]))
                self.documents.append(json.loads(body))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
        except asyncio.IncompleteReadError:
            writer.close()

    def spans(self) -> list[tuple[str, dict[str, Any]]]:
        """(service, span) of all."""
        return [
            (resource["resource"]["attributes"][0]["value"]["stringValue"], span)
            for document in self.documents
            for resource in document["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]


async def test_a_create_is_one_trace_of_many_services_for_the_collector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = Collector()
    server = await asyncio.start_server(collector.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    async with server, running_cloud(tmp_path / "state") as cloud:
        await cloud.active()
        async with asyncio.timeout(20):
            while not any("who is this server" in span["name"] for _, span in collector.spans()):
                await asyncio.sleep(0.05)

    found = collector.spans()
    (trace_id,) = {span["traceId"] for _, span in found if span["name"] == "POST /v2.1/servers"}
    mine = [(service, span) for service, span in found if span["traceId"] == trace_id]
    assert {"kilonova-client", "kilonova-api", "kilonova-conductor"} <= {service for service, _ in mine}
    assert all(int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"]) for _, span in mine)


async def test_a_collector_that_is_away_costs_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    async with running_cloud(tmp_path / "state") as cloud:
        assert (await cloud.active())["status"] == "ACTIVE"
