"""Identity as the other services see it: who holds a token, a token of one's own, whether a project exists."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from kilonova.aio.clock import Clock
from kilonova.bus.bus import Bus, Subscription
from kilonova.bus.proxy import serve
from kilonova.contract import identity as subject
from kilonova.contract.identity import EVERYBODY, IDENTITY_EVENTS, RevocationListener
from kilonova.model.caller import Caller
from kilonova.model.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from kilonova.model.time import moment_of, stamp
from kilonova.observe import trace
from kilonova.web.client import RestClient

_NOT_AUTHENTICATED = "The request you have made requires authentication."

# What may go into a header: anything else can be no token.
_PLAUSIBLE = re.compile(r"[\x21-\x7e]{1,8192}")

# A token with less than this left is not used for new work.
_MARGIN_S = 120.0


class ServiceUser(msgspec.Struct, frozen=True, kw_only=True):
    """A service's own user, as in nova.conf's [keystone_authtoken]. Domains by name."""

    username: str
    password: str
    project_name: str = "service"
    user_domain_name: str = "Default"
    project_domain_name: str = "Default"


class ServiceSession:
    """Keeps a service user logged in. `client`'s base URL is identity's, without `/v3`."""

    def __init__(self, client: RestClient, user: ServiceUser, clock: Clock) -> None:
        self._client = client
        self._user = user
        self._clock = clock
        self._token: str | None = None
        self._ends_at = 0.0
        self._turn = asyncio.Lock()

    async def token(self) -> str:
        """A token that holds for a while yet. Errors: Unavailable when identity does not answer or refuses us."""
        async with self._turn:
            if self._token is None or self._clock.time() > self._ends_at:
                await self._log_in()
            assert self._token is not None
            return self._token

    def forget(self, token: str) -> None:
        """`token` was refused somewhere: the next call logs in again."""
        if self._token == token:
            self._token = None

    async def ask(self, path: str, *, headers: Mapping[str, str] | None = None, step: str = "") -> Any:
        """GET JSON from identity with our own token. Errors: the family of the status, Unavailable."""
        for last in (False, True):
            own = await self.token()
            try:
                return await self._client.json("GET", path, token=own, headers=headers, step=step)
            except Unauthenticated as error:
                # Our token was revoked, or identity lost its keys: one new log-in must do.
                self.forget(own)
                if last:
                    raise Unavailable("Identity refuses our own token.") from error
        raise AssertionError("the second round ends the loop")

    async def _log_in(self) -> None:
        try:
            answer = await self._client.request(
                "POST", "/v3/auth/tokens?nocatalog", token=None, json={"auth": _password_auth(self._user)}
            )
        except Unauthenticated as error:
            # Our own misconfiguration; the user whose request needs it is not to be told to log in.
            raise Unavailable(f"Identity refuses the service user {self._user.username}.") from error
        shown = msgspec.json.decode(answer.content)["token"]
        self._token = answer.headers["X-Subject-Token"]
        ends_at = moment_of(shown["expires_at"]).timestamp()
        lifetime_s = ends_at - self._clock.time()
        self._ends_at = ends_at - min(_MARGIN_S, lifetime_s / 10)


def _password_auth(user: ServiceUser) -> dict[str, Any]:
    return {
        "identity": {
            "methods": ["password"],
            "password": {
                "user": {
                    "name": user.username,
                    "domain": {"name": user.user_domain_name},
                    "password": user.password,
                }
            },
        },
        "scope": {"project": {"name": user.project_name, "domain": {"name": user.project_domain_name}}},
    }


class _Known(msgspec.Struct, frozen=True):
    caller: Caller
    subjects: frozenset[str]
    ends_at: float


class TokenChecker:
    """Validates tokens at identity and remembers the answer for `keep_s` seconds, at most `size` of them.

    A revocation announced on the bus (`listen`) ends what is remembered at once; one whose announcement is lost is
    seen after `keep_s`. `step` is the number of the validation in the picture of a create.
    """

    def __init__(
        self,
        session: ServiceSession,
        clock: Clock,
        *,
        step: str = "",
        keep_s: float = 60.0,
        size: int = 10_000,
    ) -> None:
        self._session = session
        self._clock = clock
        self._step = step
        self._keep_s = keep_s
        self._size = size
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Caller]] = {}
        self._announcements = 0

    async def __call__(self, token: str) -> Caller:
        """Errors: Unauthenticated; Unavailable when identity does not answer."""
        known = self._known.get(token)
        if known is not None:
            if self._clock.time() < known.ends_at:
                with trace.span("token known", target="identity", step=self._step):
                    return known.caller
            del self._known[token]
        if _PLAUSIBLE.fullmatch(token) is None:
            raise Unauthenticated(_NOT_AUTHENTICATED)
        return await self._ask_once(token)

    async def listen(self, bus: Bus) -> Subscription:
        """Honour revocations from now on; cancel the subscription at the end."""
        return await serve(bus, IDENTITY_EVENTS, RevocationListener, self)

    async def revoked(self, subjects: list[str]) -> None:
        self._announcements += 1
        # Who asks from now on must not be given the answer to an older question.
        self._asking.clear()
        if EVERYBODY in subjects:
            self._known.clear()
            return
        concerned = [token for token, known in self._known.items() if not known.subjects.isdisjoint(subjects)]
        for token in concerned:
            del self._known[token]

    async def _ask_once(self, token: str) -> Caller:
        """Many requests with one new token make one validation; a client that goes away does not stop it."""
        asking = self._asking.get(token)
        if asking is None:
            asking = asyncio.get_running_loop().create_task(self._ask(token))
            self._asking[token] = asking
            asking.add_done_callback(lambda done: self._asked(token, done))
        return await asyncio.shield(asking)

    def _asked(self, token: str, done: "asyncio.Task[Caller]") -> None:
        if self._asking.get(token) is done:
            del self._asking[token]
        if not done.cancelled():
            # Whoever asked has it; without this, an error nobody waited for is reported as never retrieved.
            done.exception()

    async def _ask(self, token: str) -> Caller:
        announcements = self._announcements
        document = await self._validate(token)
        known = _known(document, token, forget_at=self._clock.time() + self._keep_s)
        # An answer that was on its way while something was revoked may be older than the revocation.
        if announcements == self._announcements:
            self._known[token] = known
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return known.caller

    async def _validate(self, token: str) -> dict[str, Any]:
        try:
            answer = await self._session.ask(
                "/v3/auth/tokens?nocatalog", headers={"X-Subject-Token": token}, step=self._step
            )
        except NotFound as error:
            raise Unauthenticated(_NOT_AUTHENTICATED) from error
        return dict(answer["token"])


def _known(document: dict[str, Any], token: str, *, forget_at: float) -> _Known:
    """From a token's document, as Keystone shows it."""
    expires = moment_of(document["expires_at"])
    user, project, domain = document["user"], document.get("project"), document.get("domain")
    caller = Caller(
        user_id=user["id"],
        user_name=user["name"],
        user_domain_id=user["domain"]["id"],
        user_domain_name=user["domain"]["name"],
        project_id=project["id"] if project else None,
        project_name=project["name"] if project else None,
        project_domain_id=project["domain"]["id"] if project else None,
        project_domain_name=project["domain"]["name"] if project else None,
        domain_id=domain["id"] if domain else None,
        system=bool(document.get("system", {}).get("all")),
        roles=frozenset(role["name"] for role in document.get("roles", ())),
        expires_at=stamp(expires),
        token=token,
    )
    return _Known(caller, _subjects(document), min(forget_at, expires.timestamp()))


def _subjects(document: dict[str, Any]) -> frozenset[str]:
    """Everything whose revocation concerns the token."""
    user, project, domain = document["user"], document.get("project"), document.get("domain")
    found = {subject.user(user["id"]), subject.domain(user["domain"]["id"])}
    found |= {subject.audit(audit_id) for audit_id in document.get("audit_ids", ())[:1]}
    if project:
        found |= {subject.project(project["id"]), subject.domain(project["domain"]["id"])}
    if domain:
        found.add(subject.domain(domain["id"]))
    if credential := document.get("application_credential"):
        found.add(subject.application_credential(credential["id"]))
    return frozenset(found)


class IdentityClient:
    """Questions about identity's nouns, asked with the service's own token."""

    def __init__(self, session: ServiceSession) -> None:
        self._session = session

    async def project_exists(self, project_id: str) -> bool:
        """True also when identity will not tell us: then it is not for us to refuse. Errors: Unavailable."""
        if not project_id:
            return False
        try:
            await self._session.ask(f"/v3/projects/{quote(project_id, safe='')}")
        except NotFound:
            return False
        except Forbidden:
            return True
        return True
