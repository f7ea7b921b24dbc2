"""The tokens in SQL: by their hash only, so that a read of the table opens no console."""

from sqlalchemy import Column, Table, and_, bindparam, delete, or_, select, update

from kilonova.db.schema import FLAG, ID, JSON_TEXT, WHEN, metadata, text
from kilonova.db.statement import Statement

console_tokens = Table(
    "console_tokens",
    metadata,
    Column("hash", text(64), primary_key=True),
    Column("server_id", ID, nullable=False, index=True),
    # ConsoleTarget.
    Column("target", JSON_TEXT, nullable=False),
    # Whether the first redemption uses it up.
    Column("once", FLAG, nullable=False),
    Column("used", FLAG, nullable=False, default=0),
    Column("expires_at", WHEN, nullable=False),
    mysql_charset="utf8mb4",
)

_C = console_tokens.c

BY_HASH = Statement(
    select(_C.target).where(
        _C.hash == bindparam("hash"), _C.expires_at > bindparam("now"), or_(_C.used == 0, _C.once == 0)
    )
)
# Matches once however many ask at the same time.
USE = Statement(
    update(console_tokens)
    .where(
        and_(
            _C.hash == bindparam("by_hash"),
            _C.expires_at > bindparam("now"),
            or_(_C.used == 0, _C.once == 0),
        )
    )
    .values(used=1)
)
EXPIRE = Statement(delete(console_tokens).where(_C.expires_at <= bindparam("now")))
