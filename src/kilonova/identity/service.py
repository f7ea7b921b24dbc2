"""Identity as a service: hand it a database, a bus, a clock and settings; mount `app`."""

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks
from kilonova.bus.bus import Bus, Subscription
from kilonova.bus.proxy import serve
from kilonova.contract.identity import EVERYBODY, IDENTITY_EVENTS, RevocationListener
from kilonova.db.database import Database
from kilonova.identity.api.faults import render
from kilonova.identity.api.routes import all_routes
from kilonova.identity.cached import Cached
from kilonova.identity.catalog import read_catalog
from kilonova.identity.keys import KeyRing
from kilonova.identity.login import Login
from kilonova.identity.passwords import Passwords
from kilonova.identity.revocation import Revocations
from kilonova.identity.rolebook import read_rolebook
from kilonova.identity.settings import IdentitySettings
from kilonova.identity.tokens import Tokens
from kilonova.identity.world import World
from kilonova.web.application import Application

_PRUNE_EVERY_S = 3600.0


class IdentityService:
    """The tables must be there before `start`; `bootstrap` may run before or after it."""

    def __init__(self, db: Database, bus: Bus, clock: Clock, settings: IdentitySettings) -> None:
        self._bus = bus
        self._clock = clock
        self._tasks = Tasks("identity")
        self._subscription: Subscription | None = None
        self.keys = KeyRing(settings.keys_dir, max_active=settings.max_active_keys)
        self._world = _make_world(db, bus, clock, settings, self.keys)
        self.app: Application[World] = Application(
            "identity", all_routes(), self._world, render=render, check_token=self._world.tokens.caller
        )

    async def start(self) -> None:
        self.keys.ensure()
        self._world.credential_keys.ensure()
        await self._world.passwords.start()
        self._subscription = await serve(self._bus, IDENTITY_EVENTS, RevocationListener, self)
        self._tasks.every(_PRUNE_EVERY_S, self._world.revocations.prune, self._clock, name="prune revocations")

    async def revoked(self, subjects: list[str]) -> None:
        """Another identity process changed roles or the catalog: forget what was read of them."""
        if EVERYBODY in subjects:
            self._world.roles.drop()
            self._world.catalog.drop()

    async def close(self) -> None:
        if self._subscription is not None:
            await self._subscription.cancel()
        await self._tasks.close()
        self._world.passwords.close()


def _make_world(db: Database, bus: Bus, clock: Clock, settings: IdentitySettings, keys: KeyRing) -> World:
    passwords = Passwords(settings)
    # A validation may be asked for this long after a token's issue.
    keep_s = settings.token_lifetime_s + settings.allow_expired_window_s
    revocations = Revocations(db, bus, clock, keep_s=keep_s)
    roles = Cached(lambda: read_rolebook(db), clock, keep_s=settings.cache_s)
    tokens = Tokens(db, keys, clock, settings, roles=roles, revocations=revocations)
    return World(
        db=db,
        clock=clock,
        passwords=passwords,
        tokens=tokens,
        login=Login(db, clock, passwords, tokens),
        revocations=revocations,
        roles=roles,
        catalog=Cached(lambda: read_catalog(db), clock, keep_s=settings.cache_s),
        credential_keys=KeyRing(settings.keys_dir / "credentials"),
    )
