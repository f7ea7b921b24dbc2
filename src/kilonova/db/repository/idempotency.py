"""Answers kept under the key a client gave its call, so that the same call again gets the same answer."""

from collections.abc import Mapping

import msgspec
from sqlalchemy import bindparam, select, update

from kilonova.db.database import Reader, Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.db.statement import Statement, insert_into, update_columns
from kilonova.db.tables.sagas import idempotency_keys
from kilonova.model.time import Timestamp

_K = idempotency_keys.c
_MINE = (_K.project_id == bindparam("project_id"), _K.key == bindparam("key"))
_FIND = Statement(
    select(_K.body_hash, _K.status, _K.headers, _K.body).where(*_MINE, _K.created_at >= bindparam("kept_since"))
)
_TAKE_OVER = Statement(
    update(idempotency_keys)
    .where(*_MINE, _K.created_at < bindparam("kept_since"))
    .values(body_hash=bindparam("new_hash"), created_at=bindparam("now"))
)
_ANSWER = ("body", "headers", "status")


class Kept(msgspec.Struct, frozen=True):
    """What the first call was answered; `body_hash` tells what it asked for."""

    body_hash: str
    status: int
    headers: dict[str, str]
    body: str


async def find(db: Reader, project_id: str, key: str, *, kept_since: Timestamp) -> Kept | None:
    row = await db.fetch_one(_FIND, project_id=project_id, key=key, kept_since=kept_since)
    return None if row is None else Kept(row[0], row[1], msgspec.json.decode(row[2], type=dict[str, str]), row[3])


async def claim(
    tx: Transaction, project_id: str, key: str, *, body_hash: str, now: Timestamp, kept_since: Timestamp
) -> None:
    """Make the key this transaction's own; another one that wants it waits. Errors: AlreadyThere."""
    try:
        # Inserted before anything is looked for: two that find nothing would both go on.
        async with tx.attempt():
            await tx.execute(
                insert_into(idempotency_keys),
                project_id=project_id,
                key=key,
                body_hash=body_hash,
                status=0,
                headers="{}",
                body="",
                created_at=now,
            )
    except AlreadyThere:
        taken_over = await tx.execute(
            _TAKE_OVER, project_id=project_id, key=key, new_hash=body_hash, now=now, kept_since=kept_since
        )
        if not taken_over:
            raise


async def keep(
    tx: Transaction, project_id: str, key: str, *, status: int, headers: Mapping[str, str], body: str
) -> None:
    """The answer of the call that claimed the key."""
    await tx.execute(
        update_columns(idempotency_keys, _ANSWER, ("project_id", "key")),
        by_project_id=project_id,
        by_key=key,
        status=status,
        headers=msgspec.json.encode(dict(headers)).decode(),
        body=body,
    )
