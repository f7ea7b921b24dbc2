"""HTTP on a socket somebody else has bound: one per network, inside that network's namespace."""

import asyncio
import socket
from typing import Any, Self

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import ServerState

# Connections of one network's guests at a time; more are answered 503, so that no guest can use up our descriptors.
MOST = 512


class Listener:
    def __init__(self, server: asyncio.Server, state: ServerState) -> None:
        self._server = server
        self._state = state

    @classmethod
    async def open(cls, app: ASGIApp, listening: socket.socket) -> Self:
        config = Config(
            app,
            interface="asgi3",
            http="httptools",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            # Whoever asks is who the socket says: no header of a guest's may change that.
            proxy_headers=False,
            limit_concurrency=MOST,
        )
        config.load()
        # uvicorn types its protocols by their base, which takes no arguments.
        protocol: Any = config.http_protocol_class
        state = ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: protocol(config=config, server_state=state, app_state={}), sock=listening
        )
        return cls(server, state)

    def close(self) -> None:
        """Take no more connections, and end those that wait for a next question."""
        self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
