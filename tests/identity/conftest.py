"""An identity service of its own for each test: spoken to in process, or over a socket where a real client is used."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from kilonova.bus.local import LocalBus
from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.database import Database
from kilonova.identity.bootstrap import USER_NAMES, bootstrap
from kilonova.identity.service import IdentityService
from kilonova.identity.settings import IdentitySettings
from kilonova.model.time import Timestamp, later, stamp_of_unix
from kilonova.peers.identity import IdentityClient, ServiceSession, ServiceUser, TokenChecker
from kilonova.web.application import Mounts
from kilonova.web.client import RestClient

PASSWORDS = {name: f"{name}-secret" for name in USER_NAMES}


class MovableClock:
    """The machine's time, plus what the test adds."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def time(self) -> float:
        return time.time() + self.ahead_s

    def now(self) -> Timestamp:
        return stamp_of_unix(self.time())

    def after(self, seconds: float) -> Timestamp:
        return later(self.now(), seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class IdentityCloud:
    db: Database
    bus: LocalBus
    clock: MovableClock
    settings: IdentitySettings
    service: IdentityService
    app: Mounts
    http: httpx.AsyncClient
    tokens: dict[str, str] = field(default_factory=dict)

    async def login(self, name: str, project: str | None = None, *, password: str | None = None) -> httpx.Response:
        scope = {"project": {"name": project, "domain": {"id": "default"}}} if project else "unscoped"
        return await self.authenticate(password_method(name, password or f"{name}-secret"), scope)

    async def authenticate(self, identity: dict[str, Any], scope: Any = None) -> httpx.Response:
        auth: dict[str, Any] = {"identity": identity}
        if scope is not None:
            auth["scope"] = scope
        return await self.http.post("/identity/v3/auth/tokens", json={"auth": auth})

    async def token(self, name: str, project: str | None = None, *, password: str | None = None) -> str:
        answer = await self.login(name, project, password=password)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["X-Subject-Token"])

    async def admin(self, method: str, path: str, json: Any = None, *, status: int | None = None) -> Any:
        """As admin; the JSON of the answer, whose status must be `status` (default: any below 400)."""
        if "admin" not in self.tokens:
            self.tokens["admin"] = await self.token("admin", "admin")
        answer = await self.call(self.tokens["admin"], method, path, json)
        assert answer.status_code < 400 if status is None else answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def call(self, token: str, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        url = f"/identity/v3{path}"
        return await self.http.request(method, url, json=json, headers={"X-Auth-Token": token, **headers})

    async def validate(self, token: str, *, by: str | None = None, query: str = "") -> httpx.Response:
        return await self.call(by or token, "GET", f"/auth/tokens{query}", **{"X-Subject-Token": token})

    async def role(self, name: str) -> str:
        return str((await self.admin("GET", f"/roles?name={name}"))["roles"][0]["id"])

    async def project(self, name: str, **more: Any) -> str:
        return str((await self.admin("POST", "/projects", {"project": {"name": name, **more}}))["project"]["id"])

    async def user(self, name: str, **more: Any) -> str:
        body = {"user": {"name": name, "password": f"{name}-secret", **more}}
        return str((await self.admin("POST", "/users", body))["user"]["id"])

    async def grant(self, user_id: str, project_id: str, role: str, *, method: str = "PUT") -> None:
        await self.admin(method, f"/projects/{project_id}/users/{user_id}/roles/{await self.role(role)}")

    async def id_of(self, kind: str, name: str) -> str:
        return str((await self.admin("GET", f"/{kind}?name={name}"))[kind][0]["id"])

    def rest(self) -> RestClient:
        return RestClient("identity", "http://identity/identity", app=self.app)

    def session(self, name: str = "nova") -> ServiceSession:
        return ServiceSession(self.rest(), ServiceUser(username=name, password=PASSWORDS[name]), self.clock)

    def checker(self, **options: Any) -> TokenChecker:
        return TokenChecker(self.session(), self.clock, **options)

    def asker(self) -> IdentityClient:
        return IdentityClient(self.session())


def password_method(name: str, password: str) -> dict[str, Any]:
    user = {"name": name, "domain": {"id": "default"}, "password": password}
    return {"methods": ["password"], "password": {"user": user}}


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError(f"nothing is mounted at {scope}")


@pytest.fixture
def settings(tmp_path: Path) -> IdentitySettings:
    # Passwords hashed as cheaply as argon2 allows: what is tested is not argon2.
    return IdentitySettings(keys_dir=tmp_path / "keys", argon2_time_cost=1, argon2_memory_kib=8)


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    """Which database; modules that want others override it."""
    return sqlite_url


@pytest.fixture
async def cloud(store_url: str, settings: IdentitySettings) -> AsyncIterator[IdentityCloud]:
    await create_all(store_url)
    db, bus, clock = await connect(store_url), LocalBus(), MovableClock()
    service = IdentityService(db, bus, clock, settings)
    await service.start()
    await bootstrap(db, passwords=PASSWORDS, base_url="http://cloud:8774", settings=settings)
    app = Mounts({"identity": service.app}, nothing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://cloud:8774") as http:
        yield IdentityCloud(db, bus, clock, settings, service, app, http)
    await service.close()
    await bus.close()
    await db.close()


@pytest.fixture
async def auth_url(cloud: IdentityCloud) -> AsyncIterator[str]:
    """The cloud on a socket, its catalog saying so."""
    listener = socket.create_server(("127.0.0.1", 0))
    base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    await bootstrap(cloud.db, passwords=PASSWORDS, base_url=base_url, settings=cloud.settings)
    await cloud.service.revoked(["all:"])
    server = uvicorn.Server(uvicorn.Config(cloud.app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield f"{base_url}/identity"
    server.should_exit = True
    await serving
