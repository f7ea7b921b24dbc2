"""`explain`: where a server would go and why, or why nowhere; nothing is created."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import Any

from kilonova.launch.running import Running, running_cloud
from kilonova.launch.state_dir import StateDir
from kilonova.model.errors import BadRequest, Forbidden, NotFound
from kilonova.web.client import RestClient

# The newest microversion whose create we speak.
_VERSION = {"OpenStack-API-Version": "compute 2.100"}
# Of tables, where no terminal says how wide they may be.
WIDTH = 160
_PREFIXES = {"identity": "/identity", "compute": "/compute/v2.1", "image": "/image", "network": "/network"}


def run(given: argparse.Namespace) -> int:
    """0 where all servers would be placed, 1 where not."""
    running = running_cloud(given.state_dir)
    if running is None:
        raise NotFound(f"no cloud runs on {given.state_dir}")
    told = asyncio.run(_asked(running, given))
    if given.json:
        print(json.dumps(told, indent=1))
    else:
        _show(told)
    return 0 if told["placed"] >= told["count"] else 1


async def _asked(running: Running, given: argparse.Namespace) -> dict[str, Any]:
    clients = {service: RestClient(service, running.base_url + prefix) for service, prefix in _PREFIXES.items()}
    try:
        cloud = _Cloud(clients, await _login(clients["identity"], given))
        if given.server:
            answer = await cloud.get("compute", f"/servers/{await cloud.server(given.server)}/explain")
        else:
            body = json.loads(given.file.read_text()) if given.file else await cloud.body(given)
            answer = await cloud.ask(body)
    finally:
        for client in clients.values():
            await client.close()
    explanation: dict[str, Any] = answer["explanation"]
    return explanation


async def _login(identity: RestClient, given: argparse.Namespace) -> str:
    password = StateDir(given.state_dir).passwords(make=False)[given.user]
    user = {"name": given.user, "domain": {"name": "Default"}, "password": password}
    scope = {"project": {"name": given.project or given.user, "domain": {"name": "Default"}}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    answer = await identity.request("POST", "/v3/auth/tokens", token=None, json=body)
    return str(answer.headers["x-subject-token"])


class _Cloud:
    """The REST APIs, and names made ids."""

    def __init__(self, clients: dict[str, RestClient], token: str) -> None:
        self._clients = clients
        self._token = token

    async def get(self, service: str, path: str) -> dict[str, Any]:
        found: dict[str, Any] = await self._clients[service].json("GET", path, token=self._token, headers=_VERSION)
        return found

    async def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = await self._clients["compute"].json(
            "POST", "/servers/explain", token=self._token, json=body, headers=_VERSION
        )
        return answer

    async def body(self, given: argparse.Namespace) -> dict[str, Any]:
        """A create's, from the command line. Errors: NotFound, BadRequest."""
        server: dict[str, Any] = {"name": "explain", "flavorRef": await self._flavor(given.flavor), "networks": "auto"}
        server["min_count"] = server["max_count"] = given.count
        if given.zone:
            server["availability_zone"] = given.zone
        if given.host:
            server["host"] = given.host
        server["imageRef"] = await self._image(given.image)
        if given.network:
            server["networks"] = [{"uuid": await self._network(name)} for name in given.network]
        elif given.no_network:
            server["networks"] = "none"
        hints = dict(_pair(text) for text in given.hint)
        return {"server": server, **({"os:scheduler_hints": hints} if hints else {})}

    async def _flavor(self, name: str | None) -> str:
        flavors = (await self.get("compute", "/flavors/detail"))["flavors"]
        if name is None:
            raise BadRequest(f"--flavor is missing; there are {', '.join(one['name'] for one in flavors)}")
        return _id_of(flavors, name, "flavor")

    async def _image(self, name: str | None) -> str:
        images = (await self.get("image", "/v2/images"))["images"]
        if name is None and images:
            return str(images[0]["id"])
        return _id_of(images, name or "", "image")

    async def _network(self, name: str) -> str:
        return _id_of((await self.get("network", "/v2.0/networks"))["networks"], name, "network")

    async def server(self, name: str) -> str:
        try:
            found = (await self.get("compute", "/servers?all_tenants=1"))["servers"]
        except Forbidden:
            found = (await self.get("compute", "/servers"))["servers"]
        return _id_of(found, name, "server")


def _id_of(things: Sequence[dict[str, Any]], name: str, what: str) -> str:
    """Errors: NotFound."""
    for thing in things:
        if name in (thing["id"], thing["name"]):
            return str(thing["id"])
    there_is = ", ".join(str(one["name"]) for one in things[:10]) or "none at all"
    raise NotFound(f"there is no {what} {name}; there is {there_is}")


def _show(told: dict[str, Any]) -> None:
    # rich costs 60 ms: only where something is shown.
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    filters = Table("filter", "asked", "hosts in", "hosts out", "why not")
    for one in told["filters"]:
        filters.add_row(one["name"], one["asked"], str(one["given"]), str(one["passed"]), one["short"])
    console.print(filters)
    if told["candidates"]:
        names = list(dict.fromkeys(share["name"] for one in told["candidates"] for share in one["weights"]))
        best = Table("", "host", "score", *(name.removesuffix("Weigher") for name in names))
        for one in told["candidates"]:
            parts = {share["name"]: _number(share["score"]) for share in one["weights"]}
            shown = (str(one["rank"]), _host(one), _number(one["score"]), *(parts.get(name, "") for name in names))
            best.add_row(*shown)
        console.print(best)
    console.print(_verdict(told), highlight=False, markup=False, soft_wrap=True)


def _number(score: float) -> str:
    # No minus before nothing.
    return f"{score + 0.0 if abs(score) >= 0.0005 else 0.0:.3f}"


def _host(candidate: dict[str, Any]) -> str:
    return str(candidate.get("host") or candidate["host_id"][:12])


def _verdict(told: dict[str, Any]) -> str:
    where = ", ".join(told.get("hosts") or [host_id[:12] for host_id in told["host_ids"]])
    of = "" if told["count"] == 1 else f" {told['placed']} of {told['count']}"
    lines = []
    if told["placed"]:
        chance = " (or one as good: nova.conf lets chance choose)" if told["by_chance"] else ""
        lines.append(f"placed{of}: {where}{chance}")
    if told["message"]:
        lines.append(told["message"])
    if told["message"] and told["filters"] and told["filters"][-1]["lacks"]:
        last = told["filters"][-1]
        nearest = f"the nearest host, {last['nearest']}," if last.get("nearest") else "the nearest host"
        lines.append(f"{nearest} lacks: {last['lacks']}")
    return "\n".join(lines)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise BadRequest(f"--hint wants NAME=VALUE, not {text}")
    return name, value
