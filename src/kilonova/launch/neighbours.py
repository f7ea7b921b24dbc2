"""REST clients of the neighbours, and logins there: straight into this process, or to where nova.conf says."""

from collections.abc import Mapping
from typing import Any

from kilonova.aio.clock import Clock
from kilonova.config.errors import BadConfiguration
from kilonova.config.options import Config, KeystoneAuthtoken, Neighbour
from kilonova.peers.identity import ServiceSession, ServiceUser
from kilonova.web.client import RestClient

# Where the services are below the public address.
PREFIXES = {
    "identity": "/identity",
    "image": "/image",
    "network": "/network",
    "volume": "/volume",
    "placement": "/placement",
    "compute": "/compute",
}

_SECTIONS = {
    "identity": "keystone_authtoken",
    "image": "glance",
    "network": "neutron",
    "volume": "cinder",
    "placement": "placement",
}


class Neighbours:
    """One client per service. `apps` are those that run in this process; the others are reached by their address."""

    def __init__(self, config: Config, apps: Mapping[str, Any], base_url: str) -> None:
        self._config = config
        self._apps = apps
        self._base_url = base_url
        self._clients: dict[str, RestClient] = {}
        self._sessions: dict[ServiceUser, ServiceSession] = {}

    def client(self, name: str) -> RestClient:
        if name not in self._clients:
            app = self._apps.get(name)
            if app is not None:
                self._clients[name] = RestClient(name, f"http://{name}", app=app)
            else:
                section = self._section(name)
                self._clients[name] = RestClient(name, self._address(name, section), cafile=section.cafile)
        return self._clients[name]

    def _section(self, name: str) -> Neighbour | KeystoneAuthtoken:
        found: Neighbour | KeystoneAuthtoken = getattr(self._config, _SECTIONS.get(name, ""), Neighbour())
        return found

    def _address(self, name: str, section: Neighbour | KeystoneAuthtoken) -> str:
        if section.endpoint_override is not None:
            return section.endpoint_override
        if isinstance(section, KeystoneAuthtoken) and section.auth_url is not None:
            return section.auth_url.removesuffix("/v3")
        return self._base_url + PREFIXES[name]

    def session(
        self, user: str, passwords: Mapping[str, str], clock: Clock, *, project: str = "service"
    ) -> ServiceSession:
        """`user` logged in, with what nova.conf says of who we are, else with the password made at the first start.

        One session for all who ask for the same user: a log-in costs 23 ms of CPU.
        """
        named = self._config.service_user if user == "nova" else self._config.keystone_authtoken
        if user in ("admin", "demo") or named.username is None:
            if user not in passwords:
                raise BadConfiguration(f"nova.conf names no username and password for the service user {user}.")
            who = ServiceUser(username=user, password=passwords[user], project_name=project)
        else:
            who = ServiceUser(
                username=named.username,
                password=named.password or "",
                project_name=named.project_name,
                user_domain_name=named.user_domain_name,
                project_domain_name=named.project_domain_name,
            )
        if who not in self._sessions:
            self._sessions[who] = ServiceSession(self.client("identity"), who, clock)
        return self._sessions[who]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()
