"""What other services tell of a guest, asked of a real HTTP server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kilonova.model.errors import Unavailable
from kilonova.peers.vendor_data import VendorSource
from kilonova.virt.guest_metadata import VendorData
from tests.metadata.test_documents import SERVER


@asynccontextmanager
async def answering(answer: Callable[[dict[str, object]], bytes], status: str = "200 OK") -> AsyncIterator[str]:
    """A server that answers each POST with what `answer` makes of its JSON."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-l"))
        body = answer(json.loads(await reader.readexactly(length)))
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_a_service_is_asked_about_the_guest_and_answers_under_its_name() -> None:
    asked: list[dict[str, object]] = []

    def answer(question: dict[str, object]) -> bytes:
        asked.append(question)
        return b'{"rack": 3}'

    async with answering(answer) as url:
        told = await VendorSource(targets=[f"inventory@{url}"]).told(SERVER, "one.novalocal")

    assert told == VendorData(dynamic={"inventory": {"rack": 3}})
    assert asked == [
        {
            "project-id": "p",
            "instance-id": SERVER.id,
            "image-id": SERVER.image_id,
            "user-data": None,
            "hostname": "one.novalocal",
            "metadata": {},
            "boot-roles": "",
        }
    ]


async def test_a_service_that_fails_costs_the_guest_its_part_only() -> None:
    async with answering(lambda _: b"{}", "500 Oops") as failing, answering(lambda _: b'{"a": 1}') as well:
        told = await VendorSource(targets=[f"bad@{failing}", f"good@{well}"]).told(SERVER, "one")

    assert told.dynamic == {"bad": {}, "good": {"a": 1}}


async def test_a_service_that_must_answer_is_waited_for() -> None:
    async with answering(lambda _: b"not json") as url:
        with pytest.raises(Unavailable):
            await VendorSource(targets=[f"bad@{url}"], fatal=True).told(SERVER, "one")


async def test_a_broken_file_is_no_vendor_data(tmp_path: Path) -> None:
    (tmp_path / "vendor.json").write_text("{")

    assert await VendorSource(static=tmp_path / "vendor.json").told(SERVER, "one") == VendorData()
    assert await VendorSource(static=tmp_path / "absent.json").told(SERVER, "one") == VendorData()
