"""Key pairs, by their user and name."""

from typing import Any

from sqlalchemy import bindparam, func, select

from kilonova.db.database import Reader, Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.db.statement import Statement, delete_by, insert_into
from kilonova.db.tables.flavors import keypairs
from kilonova.model.keypair import Keypair, KeypairExists, KeypairNotFound

_C = keypairs.c
_MINE = _C.user_id == bindparam("user_id")
_COLUMNS = (_C.number, _C.user_id, _C.name, _C.type, _C.fingerprint, _C.public_key, _C.created_at)
_PUBLIC_KEY = Statement(select(_C.public_key).where(_MINE, _C.name == bindparam("name")))
_ONE = Statement(select(*_COLUMNS).where(_MINE, _C.name == bindparam("name")))
_COUNT = Statement(select(func.count()).where(_MINE))
_LIST = Statement(
    select(*_COLUMNS).where(_MINE, _C.name > bindparam("after")).order_by(_C.name).limit(bindparam("page"))
)


async def public_key(db: Reader, user_id: str, name: str) -> str | None:
    """The key's text, None when the user has none of that name."""
    found = await db.fetch_value(_PUBLIC_KEY, user_id=user_id, name=name)
    return None if found is None else str(found)


async def get(db: Reader, user_id: str, name: str) -> Keypair:
    """Errors: KeypairNotFound."""
    row = await db.fetch_one(_ONE, user_id=user_id, name=name)
    if row is None:
        raise KeypairNotFound(name, user_id)
    return Keypair(*row)


async def listed(db: Reader, user_id: str, *, after: str, limit: int) -> list[Keypair]:
    """In the order of their names, from the first behind `after` ('' for the first)."""
    return [Keypair(*row) for row in await db.fetch_all(_LIST, user_id=user_id, after=after, page=limit)]


async def count(db: Reader, user_id: str) -> int:
    return int(await db.fetch_value(_COUNT, user_id=user_id))


async def insert(tx: Transaction, *, name: str, **columns: Any) -> None:
    """Errors: KeypairExists."""
    try:
        await tx.execute(insert_into(keypairs), name=name, **columns)
    except AlreadyThere as error:
        raise KeypairExists(name) from error


async def delete(tx: Transaction, user_id: str, name: str) -> None:
    """Errors: KeypairNotFound."""
    if not await tx.execute(delete_by(keypairs, ("user_id", "name")), user_id=user_id, name=name):
        raise KeypairNotFound(name, user_id)
