"""Authentication: from the body of `POST /v3/auth/tokens` to a token."""

from typing import Any

import msgspec

from kilonova.aio.clock import Clock
from kilonova.db.database import Database
from kilonova.identity.errors import InvalidInput, NotAllowed, NotAuthenticated
from kilonova.identity.passwords import Passwords
from kilonova.identity.payload import ScopeKind
from kilonova.identity.store.credentials import AccessGrant, find_grant, find_named_grant
from kilonova.identity.store.people import Person, find_person, find_place
from kilonova.identity.tokens import SYSTEM_WIDE, UNSCOPED, Scope, Token, Tokens, union


class DomainRef(msgspec.Struct, frozen=True):
    id: str | None = None
    name: str | None = None


class UserRef(msgspec.Struct, frozen=True):
    id: str | None = None
    name: str | None = None
    domain: DomainRef | None = None


class PasswordUser(UserRef, frozen=True, kw_only=True):
    password: str


class PasswordMethod(msgspec.Struct, frozen=True):
    user: PasswordUser


class TokenMethod(msgspec.Struct, frozen=True):
    id: str


class CredentialMethod(msgspec.Struct, frozen=True, kw_only=True):
    secret: str
    id: str | None = None
    name: str | None = None
    user: UserRef | None = None


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    methods: list[str]
    password: PasswordMethod | None = None
    token: TokenMethod | None = None
    application_credential: CredentialMethod | None = None


class SystemRef(msgspec.Struct, frozen=True):
    all: bool = False


class ScopeRef(msgspec.Struct, frozen=True):
    """`project` is told like a user: by id, or by name and domain."""

    project: UserRef | None = None
    domain: DomainRef | None = None
    system: SystemRef | None = None
    unscoped: dict[str, Any] | None = None


class Auth(msgspec.Struct, frozen=True):
    identity: Identity
    scope: ScopeRef | str | None = None


class AuthBody(msgspec.Struct, frozen=True):
    auth: Auth


class _Proof(msgspec.Struct, frozen=True):
    """Who a method showed the client to be."""

    user: Person
    methods: tuple[str, ...]
    parent: Token | None = None
    grant: AccessGrant | None = None


def parse_auth(document: Any) -> Auth:
    """Errors: InvalidInput."""
    try:
        return msgspec.convert(document, AuthBody).auth
    except msgspec.ValidationError as error:
        raise InvalidInput(f"Invalid input for authentication: {error}") from error


class Login:
    """Errors of `authenticate`: InvalidInput, NotAuthenticated (whatever is wrong), NotAllowed."""

    def __init__(self, db: Database, clock: Clock, passwords: Passwords, tokens: Tokens) -> None:
        self._db = db
        self._clock = clock
        self._passwords = passwords
        self._tokens = tokens

    async def authenticate(self, auth: Auth) -> Token:
        proof = await self._prove(auth.identity)
        scope = await self._scope(auth.scope, proof)
        if scope is not None:
            return await self._tokens.issue(proof.user, scope, proof.methods, parent=proof.parent, grant=proof.grant)
        return await self._default(proof)

    async def check_password(self, user: Person | None, password: str) -> Person:
        """The user, when the password is right. Takes as long whether there is such a user or not."""
        right = await self._passwords.verify(user.password_hash if user else None, password)
        if user is None or not right or not user.enabled:
            raise NotAuthenticated()
        return user

    async def _prove(self, identity: Identity) -> _Proof:
        proofs = [await self._by_method(method, identity) for method in dict.fromkeys(identity.methods)]
        if not proofs:
            raise InvalidInput("Invalid input for field 'identity.methods': at least one is needed.")
        first = proofs[0]
        if any(proof.user.id != first.user.id for proof in proofs):
            raise NotAuthenticated()
        return _Proof(
            first.user,
            union(*(proof.methods for proof in proofs)),
            next((proof.parent for proof in proofs if proof.parent), None),
            next((proof.grant for proof in proofs if proof.grant), None),
        )

    async def _by_method(self, method: str, identity: Identity) -> _Proof:
        if method == "password" and identity.password is not None:
            return await self._by_password(identity.password.user)
        if method == "token" and identity.token is not None:
            return await self._by_token(identity.token)
        if method == "application_credential" and identity.application_credential is not None:
            return await self._by_credential(identity.application_credential)
        if method in ("password", "token", "application_credential"):
            raise InvalidInput(f"Expecting to find {method} in identity.")
        raise NotAuthenticated()

    async def _by_password(self, told: PasswordUser) -> _Proof:
        user = await self.check_password(await self.find_user(told), told.password)
        if user.password_expires_at is not None and user.password_expires_at <= self._clock.now():
            raise NotAuthenticated()
        return _Proof(user, ("password",))

    async def _by_token(self, told: TokenMethod) -> _Proof:
        parent = await self._tokens.read(told.id)
        if parent.grant is not None:
            raise NotAllowed("application credentials cannot be rescoped")
        return _Proof(parent.user, union(("token",), parent.payload.methods), parent)

    async def _by_credential(self, told: CredentialMethod) -> _Proof:
        grant, user = await self._find_credential(told)
        right = await self._passwords.verify(grant.secret_hash if grant else None, told.secret)
        if grant is None or user is None or not right or not user.enabled or grant.expired(self._clock.now()):
            raise NotAuthenticated()
        return _Proof(user, ("application_credential",), grant=grant)

    async def _find_credential(self, told: CredentialMethod) -> tuple[AccessGrant | None, Person | None]:
        if told.id is not None:
            grant = await find_grant(self._db, told.id)
            return grant, await find_person(self._db, id=grant.user_id) if grant else None
        if told.name is None or told.user is None:
            raise InvalidInput("An application credential is told by id, or by name and user.")
        user = await self.find_user(told.user)
        return await find_named_grant(self._db, user.id, told.name) if user else None, user

    async def find_user(self, told: UserRef) -> Person | None:
        """Errors: InvalidInput when neither id nor name and domain are told."""
        if told.id is not None:
            return await find_person(self._db, id=told.id)
        return await find_person(self._db, **_by_name(told))

    async def _scope(self, told: ScopeRef | str | None, proof: _Proof) -> Scope | None:
        """What was asked for, or None when nothing was."""
        if proof.grant is not None:
            if told is not None:
                raise NotAuthenticated()
            return await self._project(UserRef(id=proof.grant.project_id))
        if told is None:
            return None
        if isinstance(told, str):
            if told != "unscoped":
                raise InvalidInput("Invalid input for field 'scope'.")
            return UNSCOPED
        return await self._told_scope(told)

    async def _told_scope(self, told: ScopeRef) -> Scope | None:
        if sum(one is not None for one in (told.project, told.domain, told.system, told.unscoped)) > 1:
            raise InvalidInput("Only one of project, domain, system and unscoped may be asked for.")
        if told.project is not None:
            return await self._project(told.project)
        if told.domain is not None:
            return await self._domain(told.domain)
        if told.system is not None:
            if not told.system.all:
                raise InvalidInput("Invalid input for field 'scope.system': all must be true.")
            return SYSTEM_WIDE
        return UNSCOPED if told.unscoped is not None else None

    async def _project(self, told: UserRef) -> Scope:
        by = {"id": told.id} if told.id is not None else _by_name(told)
        place = await find_place(self._db, is_domain=False, **by)
        if place is None:
            raise NotAuthenticated()
        return Scope(ScopeKind.PROJECT, place)

    async def _domain(self, told: DomainRef) -> Scope:
        if told.id is None and told.name is None:
            raise InvalidInput("A domain is told by id or by name.")
        by = {"id": told.id} if told.id is not None else {"name": told.name or ""}
        place = await find_place(self._db, is_domain=True, **by)
        if place is None:
            raise NotAuthenticated()
        return Scope(ScopeKind.DOMAIN, place)

    async def _default(self, proof: _Proof) -> Token:
        """In the user's default project where that can be, else unscoped."""
        project_id = proof.user.default_project_id
        if project_id is not None:
            try:
                scope = await self._project(UserRef(id=project_id))
                return await self._tokens.issue(proof.user, scope, proof.methods, parent=proof.parent)
            except NotAuthenticated:
                pass
        return await self._tokens.issue(proof.user, UNSCOPED, proof.methods, parent=proof.parent)


def _by_name(told: UserRef) -> dict[str, str]:
    domain = told.domain
    if told.name is None or domain is None or (domain.id is None and domain.name is None):
        raise InvalidInput("Expecting an id, or a name with its domain's id or name.")
    by = {"domain_id": domain.id} if domain.id is not None else {"domain_name": domain.name or ""}
    return {"name": told.name, **by}
