"""Key pairs, by their user and name."""

from sqlalchemy import bindparam, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.db.tables.flavors import keypairs

_C = keypairs.c
_PUBLIC_KEY = Statement(select(_C.public_key).where(_C.user_id == bindparam("user_id"), _C.name == bindparam("name")))


async def public_key(db: Reader, user_id: str, name: str) -> str | None:
    """The key's text, None when the user has none of that name."""
    found = await db.fetch_value(_PUBLIC_KEY, user_id=user_id, name=name)
    return None if found is None else str(found)
