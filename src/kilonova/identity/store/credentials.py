"""Application credentials as log-in and validation need them."""

from functools import lru_cache

import msgspec
from sqlalchemy import bindparam, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.identity.store.tables import application_credentials
from kilonova.model.time import Timestamp


class AccessGrant(msgspec.Struct, frozen=True):
    """`role_ids`: what it may use of its user's roles on the project; `unrestricted`: may make others like itself."""

    id: str
    name: str
    user_id: str
    project_id: str
    secret_hash: str
    role_ids: list[str]
    expires_at: str | None
    unrestricted: bool

    def expired(self, now: Timestamp) -> bool:
        return self.expires_at is not None and self.expires_at <= now


_c = application_credentials.c
_COLUMNS = (_c.id, _c.name, _c.user_id, _c.project_id, _c.secret_hash, _c.role_ids, _c.expires_at, _c.unrestricted)


@lru_cache
def _grant(by: tuple[str, ...]) -> Statement:
    return Statement(select(*_COLUMNS).where(*(_c[name] == bindparam(name) for name in by)))


async def find_grant(reader: Reader, identifier: str) -> AccessGrant | None:
    return await _find(reader, id=identifier)


async def find_named_grant(reader: Reader, user_id: str, name: str) -> AccessGrant | None:
    return await _find(reader, user_id=user_id, name=name)


async def _find(reader: Reader, **by: str) -> AccessGrant | None:
    row = await reader.fetch_one(_grant(tuple(by)), **by)
    if row is None:
        return None
    role_ids = msgspec.json.decode(row[5], type=list[str])
    return AccessGrant(row[0], row[1], row[2], row[3], row[4], role_ids, row[6], bool(row[7]))
