"""Guests' consoles for proxies on other machines: a guest itself listens on sockets of its host's file system only."""

import asyncio
import logging

import msgspec

from kilonova.aio.clock import Clock
from kilonova.aio.supervise import Tasks

log = logging.getLogger(__name__)

_PIECE = 65536


class Lending(msgspec.Struct, frozen=True, kw_only=True):
    """`listen` is the host's address for proxies, `told` what they are told to connect to. Open for `open_s`."""

    listen: str
    told: str
    open_s: float


class ConsoleRelay:
    """Each console that is asked for gets a port of its own, for as long as its token is good."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks = Tasks("console relay")

    async def lend(self, unix_path: str, lending: Lending) -> int:
        """The port. Connections outlive its closing."""

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                guest_reader, guest_writer = await asyncio.open_unix_connection(unix_path)
            except OSError as error:
                log.info("console %s is not there: %s", unix_path, error)
                writer.close()
                return
            ways = [asyncio.create_task(_pump(reader, guest_writer)), asyncio.create_task(_pump(guest_reader, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                writer.close()
                guest_writer.close()

        server = await asyncio.start_server(relay, lending.listen, 0)
        self._tasks.start(self._close_later(server, lending.open_s), name="close")
        return int(server.sockets[0].getsockname()[1])

    async def _close_later(self, server: asyncio.Server, after_s: float) -> None:
        try:
            await self._clock.sleep(after_s)
        finally:
            server.close()

    async def close(self) -> None:
        await self._tasks.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until either side ends."""
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    except OSError:
        return
