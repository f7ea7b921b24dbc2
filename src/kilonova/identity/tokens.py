"""Tokens: made from an authenticated user and a scope, and read back with everything looked up anew.

Nothing is stored per token. Validation asks whether user, scope and roles still stand, so a removed role is gone from
the next validation, and a user without roles left has no token.
"""

from collections.abc import Iterable

import msgspec

from kilonova.aio.clock import Clock
from kilonova.contract import identity as subject
from kilonova.contract.identity import Subject
from kilonova.db.database import Database
from kilonova.identity.cached import Cached
from kilonova.identity.errors import NotAuthenticated
from kilonova.identity.keys import KeyRing
from kilonova.identity.payload import METHODS, Payload, ScopeKind, microseconds, new_audit_id, seal, unseal
from kilonova.identity.revocation import Revocations
from kilonova.identity.rolebook import Role, RoleBook
from kilonova.identity.settings import IdentitySettings
from kilonova.identity.store.assignments import SYSTEM, held_role_ids
from kilonova.identity.store.credentials import AccessGrant, find_grant
from kilonova.identity.store.people import Domain, Person, Place, find_person, find_place
from kilonova.identity.store.tree import ids_above
from kilonova.model.caller import Caller
from kilonova.model.time import Timestamp, stamp_of_unix


class Scope(msgspec.Struct, frozen=True):
    """Where a token counts: `place` is the project or domain."""

    kind: ScopeKind
    place: Place | None = None

    @property
    def id(self) -> str:
        if self.place is not None:
            return self.place.id
        return SYSTEM if self.kind is ScopeKind.SYSTEM else ""


UNSCOPED = Scope(ScopeKind.UNSCOPED)
SYSTEM_WIDE = Scope(ScopeKind.SYSTEM)


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A valid token and what it says now."""

    id: str
    payload: Payload
    user: Person
    scope: Scope
    roles: tuple[Role, ...]
    grant: AccessGrant | None = None

    @property
    def project(self) -> Place | None:
        return self.scope.place if self.scope.kind is ScopeKind.PROJECT else None

    @property
    def domain(self) -> Domain | None:
        place = self.scope.place
        return place.domain if place is not None and place.is_domain else None

    @property
    def expires_at(self) -> Timestamp:
        return stamp_of_unix(self.payload.expires_us / 1e6)

    @property
    def issued_at(self) -> Timestamp:
        return stamp_of_unix(self.payload.issued_us / 1e6)


class TokenCaller(Caller, frozen=True, kw_only=True):
    """A caller of identity itself, with the whole token."""

    facts: Token


class Tokens:
    def __init__(
        self,
        db: Database,
        keys: KeyRing,
        clock: Clock,
        settings: IdentitySettings,
        *,
        roles: Cached[RoleBook],
        revocations: Revocations,
    ) -> None:
        self._db = db
        self._keys = keys
        self._clock = clock
        self._settings = settings
        self._roles = roles
        self._revocations = revocations

    async def issue(
        self,
        user: Person,
        scope: Scope,
        methods: tuple[str, ...],
        *,
        parent: Token | None = None,
        grant: AccessGrant | None = None,
    ) -> Token:
        """A token from a token (`parent`) ends when that one does. Errors: NotAuthenticated without a role there."""
        roles = await self._roles_in(user, scope, grant)
        now = self._clock.time()
        expires_us = microseconds(now + self._settings.token_lifetime_s)
        audit_ids: tuple[str, ...] = (new_audit_id(),)
        if parent is not None:
            expires_us = parent.payload.expires_us
            audit_ids = (*audit_ids, parent.payload.audit_ids[-1])
        payload = Payload(
            user_id=user.id,
            methods=methods,
            scope=scope.kind,
            scope_id=scope.id,
            issued_us=microseconds(now),
            expires_us=expires_us,
            audit_ids=audit_ids,
            application_credential_id=grant.id if grant is not None else None,
        )
        return Token(id=seal(payload, self._keys), payload=payload, user=user, scope=scope, roles=roles, grant=grant)

    async def read(self, token_id: str, *, allow_expired: bool = False) -> Token:
        """The token, if it is valid now. Errors: NotAuthenticated."""
        payload = unseal(token_id, self._keys)
        if payload is None or not self._in_time(payload, allow_expired):
            raise NotAuthenticated()
        user = await find_person(self._db, id=payload.user_id)
        if user is None or not user.enabled:
            raise NotAuthenticated()
        scope = await self._scope_of(payload)
        issued = stamp_of_unix(payload.issued_us / 1e6)
        if await self._revocations.concerns(self._db, _subjects(payload, user, scope), issued):
            raise NotAuthenticated()
        grant = None
        if payload.application_credential_id is not None:
            grant = await find_grant(self._db, payload.application_credential_id)
            if grant is None or grant.expired(self._clock.now()):
                raise NotAuthenticated()
        roles = await self._roles_in(user, scope, grant)
        return Token(id=token_id, payload=payload, user=user, scope=scope, roles=roles, grant=grant)

    async def caller(self, token: str) -> TokenCaller:
        """Who sends a request to us. Errors: NotAuthenticated."""
        return caller_of(await self.read(token))

    def _in_time(self, payload: Payload, allow_expired: bool) -> bool:
        grace_s = self._settings.allow_expired_window_s if allow_expired else 0.0
        return self._clock.time() * 1e6 < payload.expires_us + grace_s * 1e6

    async def _scope_of(self, payload: Payload) -> Scope:
        if payload.scope in (ScopeKind.UNSCOPED, ScopeKind.SYSTEM):
            return Scope(payload.scope)
        place = await find_place(self._db, is_domain=payload.scope is ScopeKind.DOMAIN, id=payload.scope_id)
        if place is None:
            raise NotAuthenticated()
        return Scope(payload.scope, place)

    async def _roles_in(self, user: Person, scope: Scope, grant: AccessGrant | None) -> tuple[Role, ...]:
        """Errors: NotAuthenticated for a place that is disabled or where the user has no role (any more)."""
        if scope.kind is ScopeKind.UNSCOPED:
            return ()
        above: list[str] = []
        if scope.place is not None:
            if not scope.place.enabled:
                raise NotAuthenticated()
            above = await ids_above(self._db, scope.place)
        book = await self._roles.get()
        roles = book.effective(await held_role_ids(self._db, user.id, scope.id, above))
        if grant is not None:
            held = {role.id for role in roles}
            if not held.issuperset(grant.role_ids):
                raise NotAuthenticated()
            roles = book.effective(grant.role_ids)
        if not roles:
            raise NotAuthenticated()
        return roles


def caller_of(token: Token) -> TokenCaller:
    project, domain = token.project, token.domain
    return TokenCaller(
        user_id=token.user.id,
        user_name=token.user.name,
        user_domain_id=token.user.domain.id,
        user_domain_name=token.user.domain.name,
        project_id=project.id if project else None,
        project_name=project.name if project else None,
        project_domain_id=project.domain.id if project else None,
        project_domain_name=project.domain.name if project else None,
        domain_id=domain.id if domain else None,
        system=token.scope.kind is ScopeKind.SYSTEM,
        roles=frozenset(role.name for role in token.roles),
        expires_at=token.expires_at,
        token=token.id,
        facts=token,
    )


def _subjects(payload: Payload, user: Person, scope: Scope) -> list[Subject]:
    """What the token depends on; `peers.identity` derives the same from the token's document."""
    found = {subject.audit(payload.audit_ids[0]), subject.user(user.id), subject.domain(user.domain.id)}
    if scope.place is not None:
        found.add(subject.domain(scope.place.domain.id))
        if scope.kind is ScopeKind.PROJECT:
            found.add(subject.project(scope.place.id))
    if payload.application_credential_id is not None:
        found.add(subject.application_credential(payload.application_credential_id))
    return sorted(found)


def union(*methods: Iterable[str]) -> tuple[str, ...]:
    """All methods of a chain of tokens, each once, in the order that a token read back has."""
    used = {method for some in methods for method in some}
    return tuple(method for method in METHODS if method in used)
