"""One process: listen, serve until told to stop, say so in the state directory."""

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn

from kilonova.config.options import Config
from kilonova.launch.cloud import Cloud
from kilonova.launch.credentials import write_credentials
from kilonova.launch.furniture import furnish, furnish_image, promise_image
from kilonova.launch.roles import ALL, BY_QUEUE_ONLY, Role
from kilonova.launch.running import Life
from kilonova.launch.state_dir import StateDir

log = logging.getLogger(__name__)


def base_url_of(config: Config) -> str:
    host = config.default.osapi_compute_listen
    shown = "127.0.0.1" if host in ("0.0.0.0", "") else host
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{config.default.osapi_compute_listen_port}"


async def run_cloud(
    config: Config,
    state: StateDir,
    roles: frozenset[Role],
    *,
    config_file: Path | None = None,
    on_healthy: Callable[[Cloud], Awaitable[None]] | None = None,
    tell_image: Callable[[str], None] = log.info,
) -> None:
    """Until SIGTERM or SIGINT. `on_healthy` is called once everything answers; `cloud.furnishing` is done later then.

    `config_file`: where `config` is from, for commands that ask. `tell_image` hears how far the image `tiny` is.

    Errors: OSError for a taken port, AlreadyRunning.
    """
    base_url = base_url_of(config)
    life = Life(state.root)
    await life.begin(alone=roles == ALL)
    # A taken port is found out at once.
    listening = None if roles <= BY_QUEUE_ONLY else _bind(config)
    cloud = Cloud(config, state, roles, base_url=base_url)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = _server()
    lacks_image = False
    try:
        await cloud.start()
        serving = None if listening is None else await _listen(server, cloud, listening)
        if roles == ALL:
            write_credentials(state, base_url, cloud.passwords)
            await furnish(cloud)
            lacks_image = await promise_image(cloud)
        elif Role.API in roles:
            await furnish(cloud, only=("flavors",))
        driver = cloud.hosts.driver if cloud.hosts is not None else ""
        life.announce(base_url=base_url, driver=driver, config_file=config_file)
        log.info("healthy: %s", base_url)
        if lacks_image:
            cloud.furnishing = asyncio.create_task(furnish_image(cloud, tell_image))
        if on_healthy is not None:
            await on_healthy(cloud)
        await _until(stop, serving)
    finally:
        await _end(cloud.furnishing)
        server.should_exit = True
        await cloud.close()
        if listening is not None:
            listening.close()
        life.end()


async def _end(task: "asyncio.Task[None] | None") -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])


def _bind(config: Config) -> socket.socket:
    """Errors: OSError, which names the address."""
    address = (config.default.osapi_compute_listen, config.default.osapi_compute_listen_port)
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    return socket.create_server(address, family=family, backlog=1024)


def _server() -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            "kilonova:absent",
            loop="none",
            http="httptools",
            ws="websockets-sansio",
            # Screens come compressed already.
            ws_per_message_deflate=False,
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
    )


async def _listen(server: uvicorn.Server, cloud: Cloud, listening: socket.socket) -> "asyncio.Task[None]":
    server.config.app = cloud.app
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server._serve([listening]))
    while not server.started:
        if serving.done():
            await serving
            raise OSError(f"cannot listen on {listening.getsockname()}")
        await asyncio.sleep(0.005)
    return serving


async def _until(stop: asyncio.Event, serving: "asyncio.Task[None] | None") -> None:
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([stopped, *([serving] if serving else [])], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
