"""Consoles of this host reached from others."""

import asyncio
from pathlib import Path

import pytest

from kilonova.aio.clock import SystemClock
from kilonova.compute.console_relay import ConsoleRelay, Lending
from tests.loopback import own_loopback


async def test_a_console_is_reached_over_tcp_until_its_time_is_over(tmp_path: Path) -> None:
    async def guest(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"guest heard " + await reader.readline())
        await writer.drain()
        writer.close()

    console = str(tmp_path / "console")
    address = own_loopback()
    relay = ConsoleRelay(SystemClock())
    async with await asyncio.start_unix_server(guest, console):
        port = await relay.lend(console, Lending(listen=address, told=address, open_s=600))
        short = await relay.lend(console, Lending(listen=address, told=address, open_s=0))
        for _ in range(2):
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(b"hello\n")
            assert await reader.read() == b"guest heard hello\n"
            writer.close()
        await asyncio.sleep(0.05)
        for gone in (short, port):
            if gone == port:
                await relay.close()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(address, gone)


async def test_a_console_that_is_not_there_hangs_up(tmp_path: Path) -> None:
    address = own_loopback()
    relay = ConsoleRelay(SystemClock())
    port = await relay.lend(str(tmp_path / "none"), Lending(listen=address, told=address, open_s=600))
    reader, writer = await asyncio.open_connection(address, port)

    assert await reader.read() == b""
    writer.close()
    await relay.close()
