"""Durable work: sagas, their events, who holds what, outcomes of orders; and traces."""

from sqlalchemy import Column, Index, Table

from kilonova.db.schema import BIG, FLAG, ID, INTEGER, JSON_TEXT, LONG_TEXT, SERIAL, WHEN, id_column, metadata, text

sagas = Table(
    "sagas",
    metadata,
    id_column(),
    Column("name", text(64), nullable=False),
    Column("version", INTEGER, nullable=False),
    Column("params", JSON_TEXT, nullable=False),
    # What it holds; '' for nothing.
    Column("holds", ID, nullable=False),
    # queued (waits for the hold), open, finished, failed
    Column("state", text(16), nullable=False),
    Column("cancelled", FLAG, nullable=False, default=0),
    Column("owner", text(64)),
    Column("epoch", INTEGER, nullable=False, default=0),
    Column("lease_until", WHEN),
    Column("wake_at", WHEN, nullable=False),
    Column("deadline", WHEN, nullable=False),
    Column("request_id", text(64), nullable=False, default=""),
    Column("user_id", text(64), nullable=False, default=""),
    Column("project_id", text(64), nullable=False, default=""),
    Column("traceparent", text(64)),
    Column("created_at", WHEN, nullable=False),
    Column("finished_at", WHEN),
    Index("ix_sagas_due", "state", "wake_at"),
    Index("ix_sagas_holds", "holds", "state"),
    mysql_charset="utf8mb4",
)

saga_events = Table(
    "saga_events",
    metadata,
    Column("saga_id", ID, primary_key=True),
    Column("seq", INTEGER, primary_key=True, autoincrement=False),
    Column("kind", text(16), nullable=False),
    Column("step", text(64), nullable=False),
    Column("attempt", INTEGER, nullable=False),
    Column("data", JSON_TEXT),
    Column("at", WHEN, nullable=False),
    mysql_charset="utf8mb4",
)

# At most one open saga holds a server (or whatever bears the id).
holds = Table(
    "holds",
    metadata,
    Column("resource_id", ID, primary_key=True),
    Column("saga_id", ID, nullable=False),
    mysql_charset="utf8mb4",
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("order_key", text(128), primary_key=True),
    Column("saga_id", ID, nullable=False, index=True),
    Column("outcome", JSON_TEXT, nullable=False),
    Column("at", WHEN, nullable=False),
    mysql_charset="utf8mb4",
)

spans = Table(
    "spans",
    metadata,
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("trace_id", text(32), nullable=False, index=True),
    Column("span_id", text(16), nullable=False),
    Column("parent_id", text(16), nullable=False),
    Column("name", text(), nullable=False),
    Column("kind", text(8), nullable=False),
    Column("source", text(32), nullable=False),
    Column("target", text(32), nullable=False),
    Column("step", text(16), nullable=False),
    Column("started_us", BIG, nullable=False),
    Column("duration_us", BIG, nullable=False),
    Column("error", text(64), nullable=False),
    mysql_charset="utf8mb4",
)

# A retried create answers what the first one answered.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("project_id", text(64), primary_key=True),
    Column("key", text(255), primary_key=True),
    Column("body_hash", text(64), nullable=False),
    Column("status", INTEGER, nullable=False),
    Column("headers", JSON_TEXT, nullable=False),
    Column("body", LONG_TEXT, nullable=False),
    Column("created_at", WHEN, nullable=False),
    mysql_charset="utf8mb4",
)
