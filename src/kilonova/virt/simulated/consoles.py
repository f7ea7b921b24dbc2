"""What simulated guests have on screen and serial line: a VNC server (RFB 3.8, no password, RFC 6143) with a plain
picture, and a login prompt.

All guests of a process share them: what a guest has there is of no interest here, the way to it is.
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable

_WIDTH, _HEIGHT = 320, 200
# 32 bits a pixel, 24 of them colour, little endian: red at 16, green at 8, blue at 0.
_PIXELS = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
_NIGHT_BLUE = b"\x50\x20\x10\x00"
_NAME = b"simulated"
_LONGEST_TEXT = 1 << 20
_PROMPT = b"login: "

# Client message → bytes that follow its type, of the fixed part.
_SET_PIXEL_FORMAT, _SET_ENCODINGS, _UPDATE_REQUEST, _KEY, _POINTER, _CUT_TEXT = 0, 2, 3, 4, 5, 6
_FIXED = {_SET_PIXEL_FORMAT: 19, _SET_ENCODINGS: 3, _UPDATE_REQUEST: 9, _KEY: 7, _POINTER: 5, _CUT_TEXT: 7}


class ConsolePort:
    """Listens on loopback, on a port of the system's choice, from the first time it is asked for."""

    def __init__(self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._starting = asyncio.Lock()

    async def port(self) -> int:
        async with self._starting:
            if self._server is None:
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


async def terminal(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A login prompt that shows what is typed, and lets nobody in."""
    try:
        writer.write(_PROMPT)
        while typed := await reader.read(_LONGEST_TEXT):
            writer.write(typed.replace(b"\r", b"\r\n" + _PROMPT))
            await writer.drain()
    except OSError:
        return
    finally:
        writer.close()


async def screen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A VNC server."""
    try:
        await _greet(reader, writer)
        while True:
            await _answer(reader, writer)
    except (asyncio.IncompleteReadError, OSError, KeyError, ValueError):
        # The viewer left, or says what is no message of the protocol.
        return
    finally:
        writer.close()


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"RFB 003.008\n")
    await reader.readexactly(12)
    writer.write(b"\x01\x01")  # one kind of security: none
    await reader.readexactly(1)
    writer.write(bytes(4))
    await reader.readexactly(1)
    writer.write(struct.pack(">HH", _WIDTH, _HEIGHT) + _PIXELS + struct.pack(">L", len(_NAME)) + _NAME)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One message of the viewer. Errors: KeyError, ValueError for what is none."""
    kind = (await reader.readexactly(1))[0]
    fixed = await reader.readexactly(_FIXED[kind])
    if kind == _SET_ENCODINGS:
        await reader.readexactly(4 * int.from_bytes(fixed[1:3], "big"))
    elif kind == _CUT_TEXT:
        length = int.from_bytes(fixed[3:7], "big")
        if length > _LONGEST_TEXT:
            raise ValueError(length)
        await reader.readexactly(length)
    elif kind == _UPDATE_REQUEST and not fixed[0]:
        # Whole pictures only: nothing ever changes, so nobody is told of changes.
        writer.write(struct.pack(">BxHHHHHl", 0, 1, 0, 0, _WIDTH, _HEIGHT, 0) + _NIGHT_BLUE * (_WIDTH * _HEIGHT))
        await writer.drain()
