"""The Compute API as the tests use it: the real application over a real database, called over ASGI."""

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from kilonova.aio.clock import SystemClock
from kilonova.aio.supervise import Tasks
from kilonova.api.application import ComputeApi
from kilonova.api.event_stream import EventStream
from kilonova.api.policy import Policy
from kilonova.api.settings import Settings
from kilonova.api.world import World
from kilonova.bus.local import LocalBus
from kilonova.bus.proxy import proxy
from kilonova.contract.compute import Compute
from kilonova.contract.conductor import Conductor
from kilonova.contract.console import ConsoleAuth
from kilonova.contract.scheduler import Scheduler
from kilonova.db.database import Database
from kilonova.model.caller import Caller
from kilonova.model.errors import Unauthenticated
from kilonova.model.time import Timestamp
from kilonova.peers.image import ImageClient
from kilonova.peers.network import NetworkClient
from kilonova.web.client import RestClient
from tests.api.neighbours import Neutron, Volumes

PROJECT = "6f70656e737461636b20342065766572"
OTHER_PROJECT = "c0ffee00000000000000000000000000"

_ROLES = {
    "admin": {"admin", "manager", "member", "reader"},
    "manager": {"manager", "member", "reader"},
    "member": {"member", "reader"},
    "reader": {"reader"},
    "service": {"service"},
    "nobody": set(),
}


def caller(role: str, project: str = PROJECT) -> Caller:
    return Caller(
        user_id=f"user-{role}",
        user_name=role,
        project_id=project,
        project_name="demo",
        roles=frozenset(_ROLES[role]),
        expires_at=Timestamp("2099-01-01T00:00:00.000000"),
        token=f"{role}:{project}",
    )


async def check_token(token: str) -> Caller:
    """Tokens here are `role:project`."""
    role, _, project = token.partition(":")
    if role not in _ROLES:
        raise Unauthenticated("not a token")
    return caller(role, project or PROJECT)


@dataclass
class Cloud:
    """`get`, `post` … as `role` at `version`; `base` is the URL prefix."""

    world: World
    client: httpx.AsyncClient
    neutron: Neutron
    volumes: Volumes
    images: ImageClient
    base: str = "/compute/v2.1"

    @property
    def db(self) -> Database:
        return self.world.db

    async def call(
        self, method: str, path: str, *, role: str = "member", version: str = "2.1", project: str = PROJECT, **more: Any
    ) -> httpx.Response:
        headers = {
            "X-Auth-Token": f"{role}:{project}",
            "OpenStack-API-Version": f"compute {version}",
            **more.pop("headers", {}),
        }
        return await self.client.request(method, self.base + path, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.call("GET", path, **more)

    async def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.call("POST", path, json=body, **more)

    async def put(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.call("PUT", path, json=body, **more)

    async def delete(self, path: str, **more: Any) -> httpx.Response:
        return await self.call("DELETE", path, **more)


def mounted(application: ComputeApi) -> Any:
    """Under /compute, as in the whole cloud."""

    async def mount(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "root_path": "/compute"}, receive, send)

    return mount


def world_of(
    db: Database, bus: LocalBus, *, image: Any = None, network: Any = None, volume: Any = None, **settings: Any
) -> World:
    clock = SystemClock()
    configured = Settings(**settings)
    stream = EventStream("first")
    return World(
        db=db,
        conductor=proxy(Conductor, bus, "conductor"),
        scheduler=proxy(Scheduler, bus, "scheduler"),
        consoleauth=proxy(ConsoleAuth, bus, "consoleauth"),
        compute=lambda host: proxy(Compute, bus, f"compute.{host}"),
        image=ImageClient(RestClient("image", "http://image/image", app=image)),
        network=NetworkClient(RestClient("network", "http://network", app=network)),
        volume=volume,
        events=stream,
        stream=stream,
        clock=clock,
        tasks=Tasks("api"),
        policy=Policy(clock, Path(configured.policy_file) if configured.policy_file else None),
        settings=configured,
        new_id=lambda: str(uuid.uuid4()),
        secret=lambda length: "x" * length,
    )
