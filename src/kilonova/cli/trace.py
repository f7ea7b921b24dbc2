"""`trace SERVER`: the way of a create through all services, numbered as in the design's picture, with times."""

import argparse
import asyncio
import json
import sys

import msgspec

from kilonova.cli.steps import lines_of
from kilonova.cli.up import configuration
from kilonova.db.connect import connect
from kilonova.db.repository import traces
from kilonova.observe.trace import Span


def run(given: argparse.Namespace) -> int:
    given.config_file = None
    return asyncio.run(_trace(given))


async def _trace(given: argparse.Namespace) -> int:
    db = await connect(configuration(given).database.connection)
    try:
        server_id = await traces.server_named(db, given.server)
        if server_id is None:
            print(f"kilonova: there is no server {given.server}", file=sys.stderr)
            return 1
        trace_id = await traces.trace_of(db, server_id, "create")
        spans = [] if trace_id is None else await traces.spans_of(db, trace_id)
    finally:
        await db.close()
    if given.json:
        print(json.dumps({"server": server_id, "trace": trace_id, "spans": msgspec.to_builtins(spans)}, indent=1))
    else:
        _show(spans)
    return 0 if spans else 1


def _show(spans: list[Span]) -> None:
    if not spans:
        print("no trace is kept of this server's creation")
        return
    first = spans[0].started_us
    for line in lines_of(spans, first):
        print(line)
    last = max(span.started_us + span.duration_us for span in spans)
    print(f"{len(spans)} spans, {(last - first) / 1000:.1f} ms")
