"""`up`: everything in one process, in the foreground."""

import argparse
import asyncio
import os
import time
from pathlib import Path
from typing import Any

import uvloop

from kilonova.cli.boot import boot
from kilonova.config.errors import BadConfiguration
from kilonova.config.load import load
from kilonova.config.options import Config
from kilonova.launch.cloud import Cloud
from kilonova.launch.logs import log_to
from kilonova.launch.process import run_cloud
from kilonova.launch.roles import ALL
from kilonova.launch.running import running_cloud
from kilonova.launch.state_dir import StateDir


def run(given: argparse.Namespace) -> int:
    config = configuration(given)
    state = StateDir(given.state_dir)
    log_to(log_file(config, state) or (state.log if given.boot else None), debug=config.default.debug)
    return uvloop.run(_up(config, state, given))


async def _up(config: Config, state: StateDir, given: argparse.Namespace) -> int:
    began = time.monotonic()

    async def healthy(cloud: Cloud) -> None:
        driver = cloud.hosts.driver if cloud.hosts is not None else "no"
        print(f"kilonova is up after {time.monotonic() - began:.1f} s: {cloud.base_url} ({driver} driver)")
        print(f"  export OS_CLIENT_CONFIG_FILE={state.clouds} OS_CLOUD=kilonova", flush=True)
        if driver == "libvirt" and os.geteuid() != 0:
            print("  not root: guests get QEMU's user-mode network; as root they get networks, floating IPs, firewalls")
        if given.boot:
            tasks.append(asyncio.create_task(boot(cloud, given.boot)))

    tasks: list[asyncio.Task[Any]] = []
    await run_cloud(config, state, ALL, config_file=given.config_file, on_healthy=healthy, tell_image=_tell_image)
    return 0


def _tell_image(words: str) -> None:
    print(f"  image tiny: {words}", flush=True)


def log_file(config: Config, state: StateDir) -> Path | None:
    """The one nova.conf names."""
    named = config.default.log_file
    return None if named is None else state.root / named


def configuration_of_cloud(given: argparse.Namespace) -> Config:
    """Of the cloud that a command asks about: from the nova.conf it was started with, unless another is given."""
    running = running_cloud(given.state_dir) if given.config_file is None else None
    if running is not None and running.config_file is not None:
        given = argparse.Namespace(**vars(given) | {"config_file": Path(running.config_file)})
    return configuration(given)


def configuration(given: argparse.Namespace) -> Config:
    """nova.conf with the command line above it."""
    default: dict[str, Any] = {"state_path": str(given.state_dir)}
    if getattr(given, "listen", None):
        address, _, port = given.listen.rpartition(":")
        if not address or not port.isdecimal():
            raise BadConfiguration(f"--listen wants ADDRESS:PORT, not {given.listen}")
        default |= {"osapi_compute_listen": address.strip("[]"), "osapi_compute_listen_port": int(port)}
    if getattr(given, "driver", None):
        default["compute_driver"] = given.driver
    above: dict[str, dict[str, Any]] = {"DEFAULT": default}
    if getattr(given, "hosts", None) is not None:
        above["simulated"] = {"hosts": given.hosts}
        default.setdefault("compute_driver", "simulated")
    return load(given.config_file, given=above)
