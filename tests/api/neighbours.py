"""A network and a volume service small enough to be read: what the API asks of them, answered from lists."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import msgspec

from kilonova.model.errors import NotFound

PRIVATE = "11111111-1111-4111-8111-111111111111"
SECOND = "22222222-2222-4222-8222-222222222222"
BARE = "33333333-3333-4333-8333-333333333333"
EXTERNAL = "44444444-4444-4444-8444-444444444444"
FREE_PORT = "55555555-5555-4555-8555-555555555555"
TAKEN_PORT = "66666666-6666-4666-8666-666666666666"


def network(
    identifier: str, project: str, *, external: bool = False, subnets: tuple[str, ...] = ("s1",)
) -> dict[str, Any]:
    return {
        "id": identifier,
        "name": "net",
        "project_id": project,
        "admin_state_up": True,
        "shared": False,
        "router:external": external,
        "subnets": list(subnets),
    }


@dataclass
class Neutron:
    """An ASGI application over `things`: collection → documents; filters by equality."""

    things: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path, query = scope["path"], parse_qs(scope["query_string"].decode())
        self.asked.append(f"{scope['method']} {path}")
        collection, _, identifier = path.removeprefix("/v2.0/").partition("/")
        status, document = self._answer(collection, identifier, query)
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": msgspec.json.encode(document)})

    def _answer(self, collection: str, identifier: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        found = self.things.get(collection, [])
        if identifier:
            for one in found:
                if one["id"] == identifier:
                    return 200, {collection.removesuffix("s").replace("-", "_"): one}
            return 404, {"NeutronError": {"message": "not there", "type": "NotFound", "detail": ""}}
        for name, values in query.items():
            found = [one for one in found if str(one.get(name, "")).lower() in values]
        return 200, {collection.replace("-", "_"): found}


@dataclass
class Held:
    server_id: str


@dataclass
class Volume:
    id: str
    status: str = "available"
    bootable: bool = True
    multiattach: bool = False
    image_metadata: dict[str, str] = field(default_factory=dict)
    size: int = 1
    migration_status: str | None = None
    attachments: tuple[Held, ...] = ()


@dataclass
class Volumes:
    known: dict[str, Volume] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)

    async def show(self, volume_id: str, token: str) -> Volume:
        if volume_id not in self.known:
            raise NotFound(f"Volume {volume_id} could not be found.")
        return self.known[volume_id]

    async def begin_detaching(self, volume_id: str, token: str) -> None:
        self.known[volume_id].status = "detaching"

    async def roll_detaching(self, volume_id: str, token: str) -> None:
        self.known[volume_id].status = "in-use"

    async def snapshot_status(self, snapshot_id: str, token: str, status: str) -> None:
        self.told.append((snapshot_id, status))
