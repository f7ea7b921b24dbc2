"""The command line as its users run it: processes of their own on state directories and ports of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from kilonova.launch.running import running_cloud
from tests.servers.process import free_port

COMMAND = (sys.executable, "-m", "kilonova.cli.main")


def kilonova(*words: str, timeout_s: float = 120) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=timeout_s)


class Up:
    """A cloud that runs, and an HTTP client that is its user demo."""

    def __init__(self, state: Path, port: int) -> None:
        self.state = state
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        passwords = json.loads((state / "passwords.json").read_text())
        user = {"name": "demo", "domain": {"name": "Default"}, "password": passwords["demo"]}
        scope = {"project": {"name": "demo", "domain": {"name": "Default"}}}
        auth = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        answer = self.http.post("/identity/v3/auth/tokens", json=auth)
        self.http.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]

    def server(self, name: str) -> dict[str, Any]:
        """An ACTIVE one, of an empty image."""
        image = {"name": "blank", "disk_format": "raw", "container_format": "bare"}
        image_id = self.http.post("/image/v2/images", json=image).json()["id"]
        kind = {"Content-Type": "application/octet-stream"}
        self.http.put(f"/image/v2/images/{image_id}/file", content=bytes(4096), headers=kind)
        flavor_id = self.http.get("/compute/v2.1/flavors").json()["flavors"][0]["id"]
        networks = self.http.get("/network/v2.0/networks", params={"name": "private"}).json()["networks"]
        wanted = {
            "name": name,
            "imageRef": image_id,
            "flavorRef": flavor_id,
            "networks": [{"uuid": networks[0]["id"]}],
        }
        made = self.http.post("/compute/v2.1/servers", json={"server": wanted})
        assert made.status_code == 202, made.text
        path = f"/compute/v2.1/servers/{made.json()['server']['id']}"
        until = time.monotonic() + 60
        while (shown := self.http.get(path).json()["server"])["status"] == "BUILD":
            assert time.monotonic() < until
            time.sleep(0.05)
        assert shown["status"] == "ACTIVE", shown
        return dict(shown)


def without_guest_image(state: Path) -> Path:
    """A state directory whose cloud does not build the image `tiny`, which takes some seconds."""
    (state / "furnished").mkdir(parents=True)
    (state / "furnished" / "image").touch()
    return state


@contextmanager
def up(state: Path, *words: str) -> Iterator[Up]:
    """`up --detach`, and `down` at the end."""
    port = free_port()
    done = kilonova("up", "--detach", "--state-dir", str(state), "--listen", f"127.0.0.1:{port}", "--driver",
                    "simulated", *words)  # fmt: skip
    assert done.returncode == 0, done.stderr
    try:
        cloud = Up(state, port)
        with closing(cloud.http):
            yield cloud
    finally:
        stop(state)


def stop(state: Path) -> None:
    running = running_cloud(state)
    if running is not None:
        os.kill(running.pid, signal.SIGTERM)
        until = time.monotonic() + 30
        while running_cloud(state) is not None and time.monotonic() < until:
            time.sleep(0.05)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with up(without_guest_image(tmp_path_factory.mktemp("cli") / "state")) as started:
        yield started
