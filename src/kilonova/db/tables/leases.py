"""Who may do a thing now (see `db.lease`)."""

from sqlalchemy import Column, Table

from kilonova.db.schema import BIG, WHEN, metadata, text

leases = Table(
    "leases",
    metadata,
    Column("name", text(), primary_key=True),
    Column("owner", text(), nullable=False),
    Column("epoch", BIG, nullable=False),
    # Until then it is the owner's. Let go: the beginning of time, so that the epoch is kept.
    Column("expires_at", WHEN, nullable=False),
    mysql_charset="utf8mb4",
)
