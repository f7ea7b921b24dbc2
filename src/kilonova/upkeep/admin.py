"""The cloud's REST APIs as its administrator, by the credentials that `clouds.yaml` in the state directory holds."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import yaml

from kilonova.model.errors import NotFound, Unauthenticated
from kilonova.web.client import RestClient

CLOUD = "kilonova-admin"
COMPUTE = {"OpenStack-API-Version": "compute 2.100"}
# The last one that tells what hypervisors have.
HYPERVISORS = {"OpenStack-API-Version": "compute 2.87"}
PLACEMENT = {"OpenStack-API-Version": "placement 1.39"}
PAGE = 1000


class NoCloud(NotFound):
    """There are no credentials to enter a cloud with."""


class Admin:
    """`base_url` is the cloud's, below which each service has its path; `user` is identity's password method's user."""

    def __init__(self, base_url: str, user: Mapping[str, Any], project: Mapping[str, Any]) -> None:
        self.base_url = base_url
        self._user = user
        self._project = project
        self._clients: dict[str, RestClient] = {}
        self._token: str | None = None
        self._turn = asyncio.Lock()

    def _client(self, service: str) -> RestClient:
        if service not in self._clients:
            self._clients[service] = RestClient(service, f"{self.base_url}/{service}")
        return self._clients[service]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    async def compute(self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] = COMPUTE) -> Any:
        """JSON of the Compute API, `path` below `/v2.1`. Errors: the family of the status, Unavailable."""
        return await self.ask("compute", method, f"/v2.1{path}", json=json, headers=headers)

    async def placement(self, path: str) -> Any:
        return await self.ask("placement", "GET", path, headers=PLACEMENT)

    async def ask(
        self, service: str, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Logs in where that is due. Errors: the family of the status, Unavailable."""
        token = await self._logged_in(None)
        try:
            return await self._client(service).json(method, path, token=token, json=json, headers=headers)
        except Unauthenticated:
            token = await self._logged_in(token)
            return await self._client(service).json(method, path, token=token, json=json, headers=headers)

    async def all_of(self, path: str, name: str) -> list[Any]:
        """Every page of a list of the Compute API, which is called `name` in its answers."""
        found: list[Any] = []
        joint = "&" if "?" in path else "?"
        marker = ""
        while True:
            page = (await self.compute("GET", f"{path}{joint}limit={PAGE}{marker}"))[name]
            found += page
            if len(page) < PAGE:
                return found
            marker = f"&marker={page[-1]['id']}"

    async def _logged_in(self, refused: str | None) -> str:
        """A token that is not the `refused` one."""
        async with self._turn:
            if self._token is None or self._token == refused:
                auth = {
                    "identity": {"methods": ["password"], "password": {"user": self._user}},
                    "scope": {"project": self._project},
                }
                answer = await self._client("identity").request(
                    "POST", "/v3/auth/tokens?nocatalog", token=None, json={"auth": auth}
                )
                self._token = str(answer.headers["x-subject-token"])
            return self._token


@asynccontextmanager
async def entered(state_dir: Path) -> AsyncIterator[Admin]:
    """Errors: NoCloud."""
    path = state_dir / "clouds.yaml"
    try:
        cloud = yaml.safe_load(path.read_text())["clouds"][CLOUD]
        given = msgspec.convert(cloud["auth"], dict[str, str])
        base_url = given["auth_url"].removesuffix("/v3").removesuffix("/identity")
        user = {
            "name": given["username"],
            "password": given["password"],
            "domain": {"name": given["user_domain_name"]},
        }
        project = {"name": given["project_name"], "domain": {"name": given["project_domain_name"]}}
    except (OSError, KeyError, TypeError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise NoCloud(f"{path} names no cloud {CLOUD}: is there a cloud on {state_dir}?") from error
    admin = Admin(base_url, user, project)
    try:
        yield admin
    finally:
        await admin.close()
