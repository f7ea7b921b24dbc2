"""What a viewer sees of a simulated guest, on its screen and its serial line."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kilonova.aio.clock import SystemClock
from kilonova.model.ids import GuestId
from kilonova.virt.guest import GuestSpec, LocalDisk
from kilonova.virt.simulated import SimulatedFleet


@asynccontextmanager
async def console(directory: Path, kind: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """The two ends of a connection to it."""
    fleet = SimulatedFleet(directory / "journal", clock=SystemClock())
    host = fleet.host("one")
    guest = GuestId("8f2a2d0e-11a4-4a6c-9d56-0e9d3e2f6a11")
    disks = (LocalDisk(size_gib=1),)
    await host.define(GuestSpec(id=guest, name="g", vcpus=1, memory_mib=64, disks=disks, nics=(), config_drive=None))
    await host.power_on(guest)
    address = await host.console(guest, kind)
    reader, writer = await asyncio.open_connection(address.host, address.port)
    yield reader, writer
    writer.close()
    fleet.close()


async def test_who_types_on_the_serial_line_sees_it_and_is_asked_again(tmp_path: Path) -> None:
    async with console(tmp_path, "serial") as (reader, writer):
        writer.write(b"root\r")
        assert await reader.readuntil(b"root\r\nlogin: ") == b"login: root\r\nlogin: "


async def test_a_viewer_is_let_in_and_gets_the_whole_picture(tmp_path: Path) -> None:
    async with console(tmp_path, "vnc") as (reader, writer):
        version = await reader.readexactly(12)
        writer.write(version)
        assert await reader.readexactly(2) == b"\x01\x01"
        writer.write(b"\x01")
        assert await reader.readexactly(4) == bytes(4)
        writer.write(b"\x01")
        width, height = struct.unpack(">HH", await reader.readexactly(4))
        await reader.readexactly(16)
        name = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        assert (version, name) == (b"RFB 003.008\n", b"simulated")

        writer.write(struct.pack(">BBHl", 2, 0, 1, 0))  # encodings: raw
        writer.write(struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
        head = struct.unpack(">BxHHHHHl", await reader.readexactly(16))
        assert head == (0, 1, 0, 0, width, height, 0)
        assert len(await reader.readexactly(4 * width * height)) == 256_000

        writer.write(b"\xff")  # no message of the protocol
        assert await reader.read() == b""
