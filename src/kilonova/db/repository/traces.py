"""Traces as kept: the spans of a server's creation."""

import msgspec
from sqlalchemy import bindparam, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.sagas import spans
from kilonova.db.tables.servers import actions, servers
from kilonova.model.ids import ServerId
from kilonova.observe.trace import Span

_SPANS = Statement(
    select(*(spans.c[name] for name in Span.__struct_fields__))
    .where(spans.c.trace_id == bindparam("trace_id"))
    .order_by(spans.c.started_us, spans.c.number)
)
_TRACE = Statement(
    select(actions.c.trace_id)
    .where(actions.c.server_id == bindparam("server_id"), actions.c.action == bindparam("action"))
    .order_by(actions.c.number.desc())
    .limit(1)
)
_NAMED = Statement(
    select(servers.c.id)
    .where((servers.c.id == bindparam("name")) | (servers.c.name == bindparam("name")))
    .order_by(servers.c.number.desc())
    .limit(1)
)


async def server_named(db: Reader, name: str) -> ServerId | None:
    """By id or name; the newest of that name, deleted ones too."""
    found = await db.fetch_value(_NAMED, name=name)
    return None if found is None else ServerId(found)


async def trace_of(db: Reader, server_id: ServerId, action: str) -> str | None:
    """The trace of the server's last action of that name."""
    found = await db.fetch_value(_TRACE, server_id=server_id, action=action)
    return None if found is None else str(found)


async def spans_of(db: Reader, trace_id: str) -> list[Span]:
    """Oldest first."""
    fields = Span.__struct_fields__
    rows = await db.fetch_all(_SPANS, trace_id=trace_id)
    return [msgspec.convert(dict(zip(fields, row, strict=True)), Span) for row in rows]
