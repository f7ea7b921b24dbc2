"""consoleauth: gives tokens out and takes them back."""

import hashlib
import uuid

import msgspec

from kilonova.aio.clock import Clock
from kilonova.console import store
from kilonova.console.errors import ConsoleTokenInvalid
from kilonova.contract.console import ConsoleTarget
from kilonova.db.database import Database
from kilonova.db.statement import delete_by, insert_into
from kilonova.model.ids import ServerId

# SPICE opens one connection per channel with the same token; the others need one only.
_SEVERAL_CONNECTIONS = frozenset({"spice-html5", "spice-direct"})


class ConsoleAuthService:
    """Topic `consoleauth`. `token_ttl_s` as nova.conf's [consoleauth]token_ttl."""

    def __init__(self, db: Database, clock: Clock, *, token_ttl_s: float) -> None:
        self._db = db
        self._clock = clock
        self._token_ttl_s = token_ttl_s

    async def authorize(self, target: ConsoleTarget) -> str:
        token = str(uuid.uuid4())
        async with self._db.begin() as tx:
            await tx.execute(store.EXPIRE, now=self._clock.now())
            await tx.execute(
                insert_into(store.console_tokens),
                hash=_hash(token),
                server_id=target.server_id,
                target=msgspec.json.encode(target).decode(),
                once=0 if target.console_type in _SEVERAL_CONNECTIONS else 1,
                expires_at=self._clock.after(self._token_ttl_s),
            )
        return token

    async def redeem(self, token: str) -> ConsoleTarget:
        """Errors: ConsoleTokenInvalid."""
        now = self._clock.now()
        async with self._db.begin() as tx:
            found = await tx.fetch_value(store.BY_HASH, hash=_hash(token), now=now)
            if found is None or not await tx.execute(store.USE, by_hash=_hash(token), now=now):
                raise ConsoleTokenInvalid
        return msgspec.json.decode(found, type=ConsoleTarget)

    async def look_up(self, token: str) -> ConsoleTarget:
        """What a token is good for, without using it up. Errors: ConsoleTokenInvalid."""
        found = await self._db.fetch_value(store.BY_HASH, hash=_hash(token), now=self._clock.now())
        if found is None:
            raise ConsoleTokenInvalid
        return msgspec.json.decode(found, type=ConsoleTarget)

    async def revoke(self, server_id: ServerId) -> None:
        async with self._db.begin() as tx:
            await tx.execute(delete_by(store.console_tokens, ("server_id",)), server_id=server_id)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
