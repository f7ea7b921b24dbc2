"""consoleauth and the proxy on a real server, and a small server that stands in for a guest's console."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from kilonova.aio.clock import SystemClock
from kilonova.console.auth import ConsoleAuthService
from kilonova.console.proxy import ConsoleProxy
from kilonova.contract.console import ConsoleTarget
from kilonova.db.connect import connect
from kilonova.db.database import Database
from kilonova.launch.schema import prepare_schema
from kilonova.model.ids import ServerId
from kilonova.model.time import Timestamp, stamp_of_unix
from kilonova.web.application import Mounts

SERVER = ServerId("6f9ae54b-1c8e-4d53-9a31-6a0b3f0f2f10")
TTL_S = 600.0


class LateClock(SystemClock):
    """The machine's time and so many seconds more."""

    more_s = 0.0

    def time(self) -> float:
        return super().time() + self.more_s

    def now(self) -> Timestamp:
        return stamp_of_unix(self.time())


class Guest:
    """Greets whoever connects to its console, and remembers what it is told."""

    greeting = b"RFB 003.008\n"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard = bytearray()
        self.connected = 0
        self.gone = asyncio.Event()
        self._told = asyncio.Event()
        self.writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected += 1
        self.writer = writer
        writer.write(self.greeting)
        while data := await reader.read(65536):
            self.heard += data
            self._told.set()
        self.gone.set()
        writer.close()

    async def hears(self, count: int) -> bytes:
        async with asyncio.timeout(20):
            while len(self.heard) < count:
                self._told.clear()
                await self._told.wait()
        return bytes(self.heard)


@pytest.fixture
def clock() -> LateClock:
    return LateClock()


@pytest.fixture
async def db(sqlite_url: str) -> AsyncIterator[Database]:
    await prepare_schema(sqlite_url)
    opened = await connect(sqlite_url)
    yield opened
    await opened.close()


@pytest.fixture
def auth(db: Database, clock: LateClock) -> ConsoleAuthService:
    return ConsoleAuthService(db, clock, token_ttl_s=TTL_S)


@pytest.fixture
async def guest(tmp_path: Path) -> AsyncIterator[Guest]:
    standing_in = Guest(tmp_path / "vnc.sock")
    server = await asyncio.start_unix_server(standing_in.serve, standing_in.path)
    async with server:
        yield standing_in


class Consoles:
    """`url` is where the proxy is, `port` its port on this machine."""

    def __init__(self, auth: ConsoleAuthService, port: int) -> None:
        self.auth = auth
        self.port = port
        self.url = f"ws://127.0.0.1:{port}/console"

    async def token(self, guest: Guest, kind: str = "novnc", **more: Any) -> str:
        target = ConsoleTarget(
            server_id=SERVER,
            console_type=kind,
            host="127.0.0.1",
            port=0,
            unix_path=str(guest.path),
            access_url_base=f"http://127.0.0.1:{self.port}/console/novnc/vnc_lite.html",
        )
        for name, value in more.items():
            target = target_with(target, name, value)
        return await self.auth.authorize(target)


def target_with(target: ConsoleTarget, name: str, value: Any) -> ConsoleTarget:
    fields = {field: getattr(target, field) for field in ConsoleTarget.__struct_fields__}
    return ConsoleTarget(**{**fields, name: value})


@pytest.fixture
async def consoles(auth: ConsoleAuthService) -> AsyncIterator[Consoles]:
    listening = socket.create_server(("127.0.0.1", 0))
    proxy = ConsoleProxy(auth, allowed_origins=("dashboard.example",))
    app = Mounts({"/console": proxy}, proxy)
    config = uvicorn.Config(app, lifespan="off", log_level="warning", ws="websockets-sansio")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listening]))
    while not server.started:
        await asyncio.sleep(0.005)
    yield Consoles(auth, listening.getsockname()[1])
    server.should_exit = server.force_exit = True
    await serving
