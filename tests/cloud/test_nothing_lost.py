"""`kill -9` amid 50 creates and 50 deletes, then `up` again, twenty times: nothing is lost and nothing is left over."""

import asyncio
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.cloud.running import state_in_memory
from tests.cloud.stored import Stored, busy_volumes, open_sagas
from tests.servers.process import free_port

ROUNDS = 20
CREATES = 50
DELETES = 50
HOSTS = 5
# In seconds after the first request; a burst of 100 takes about as long.
LATEST_KILL_S = 2.0

VERSION = {"OpenStack-API-Version": "compute 2.100"}


class Killable:
    """The real process, started as a user does, that dies as by a power cut."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self._port = free_port()

    def up(self) -> None:
        command = [sys.executable, "-m", "kilonova.cli.main", "up", "--state-dir", str(self.state), "--detach"]
        command += ["--listen", f"127.0.0.1:{self._port}", "--driver", "simulated", "--hosts", str(HOSTS)]
        command += ["--config-file", str(self.state.parent / "nova.conf")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=200)
        assert done.returncode == 0, f"{done.stderr}\n{self.log()[-4000:]}"

    def kill(self) -> None:
        pid = json.loads((self.state / "running.json").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists() and _state_of(pid) != "Z":
            time.sleep(0.005)

    def log(self) -> str:
        return (self.state / "kilonova.log").read_text(errors="replace")

    def client(self) -> httpx.AsyncClient:
        cloud = yaml.safe_load((self.state / "clouds.yaml").read_text())["clouds"]["kilonova"]
        base = cloud["auth"]["auth_url"].removesuffix("/identity/v3")
        limits = httpx.Limits(max_connections=40, max_keepalive_connections=40)
        return httpx.AsyncClient(base_url=base, timeout=60, limits=limits, trust_env=False)


def _state_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


@pytest.fixture
def cloud() -> Iterator[Killable]:
    with state_in_memory("killed") as state:
        (state.parent / "nova.conf").write_text("[quota]\ninstances = -1\ncores = -1\nram = -1\n")
        started = Killable(state)
        started.up()
        yield started
        started.kill()


async def _token(cloud: Killable, http: httpx.AsyncClient) -> str:
    auth = yaml.safe_load((cloud.state / "clouds.yaml").read_text())["clouds"]["kilonova"]["auth"]
    user = {"name": auth["username"], "domain": {"name": "Default"}, "password": auth["password"]}
    project = {"name": auth["project_name"], "domain": {"name": "Default"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"project": project}}}
    return (await http.post("/identity/v3/auth/tokens", json=body)).headers["X-Subject-Token"]


class Load:
    """What is asked of the cloud, and what it has acknowledged. `numbers` name the servers, over all rounds."""

    def __init__(self, http: httpx.AsyncClient, rng: random.Random, numbers: "itertools.count[int]") -> None:
        self._http = http
        self._rng = rng
        self._numbers = numbers
        self.created: set[str] = set()
        self.deleted: set[str] = set()
        # A delete whose answer the kill cut off may have been accepted or not: both are right.
        self.asked_to_go: set[str] = set()
        self.refused: list[str] = []

    async def prepare(self) -> None:
        """Look up what creates refer to; make the image the first time."""
        http = self._http
        flavors = (await http.get("/compute/v2.1/flavors")).json()["flavors"]
        self._flavor = next(flavor["id"] for flavor in flavors if flavor["name"] == "m1.nano")
        self._network = (await http.get("/network/v2.0/networks?name=private")).json()["networks"][0]["id"]
        images = (await http.get("/image/v2/images?name=blank")).json()["images"]
        if not images:
            body = {"name": "blank", "disk_format": "raw", "container_format": "bare"}
            images = [(await http.post("/image/v2/images", json=body)).json()]
            headers = {"Content-Type": "application/octet-stream"}
            await http.put(f"/image/v2/images/{images[0]['id']}/file", content=bytes(1 << 20), headers=headers)
        self._image = images[0]["id"]

    async def run(self, doomed: list[str]) -> None:
        """All creates and deletes at once, in random order; requests cut off by the kill are nobody's."""
        creates = [self._create() for _ in range(CREATES)]
        work = creates + [self._delete(server) for server in doomed]
        self._rng.shuffle(work)
        await asyncio.gather(*work)

    async def _create(self) -> None:
        server: dict[str, Any] = {"name": f"s{next(self._numbers)}", "flavorRef": self._flavor, "imageRef": self._image}
        server["networks"] = [{"uuid": self._network}] if self._rng.random() < 0.8 else "none"
        if self._rng.random() < 0.2:
            blank = {"source_type": "blank", "destination_type": "volume", "volume_size": 1, "boot_index": -1}
            root = {"source_type": "image", "destination_type": "local", "boot_index": 0, "uuid": self._image}
            server["block_device_mapping_v2"] = [
                {**root, "delete_on_termination": True},
                {**blank, "delete_on_termination": True},
            ]
        if self._rng.random() < 0.1:
            server["config_drive"] = True
        answer = await self._ask("POST", "/compute/v2.1/servers", json={"server": server})
        if answer is not None and self._said(answer, 202):
            self.created.add(answer.json()["server"]["id"])

    async def _delete(self, server_id: str) -> None:
        self.asked_to_go.add(server_id)
        answer = await self._ask("DELETE", f"/compute/v2.1/servers/{server_id}")
        if answer is not None and self._said(answer, 204):
            self.deleted.add(server_id)

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        try:
            return await self._http.request(method, path, headers=VERSION, **more)
        except httpx.HTTPError:
            return None

    def _said(self, answer: httpx.Response, status: int) -> bool:
        if answer.status_code != status:
            self.refused.append(f"{answer.request.method} {answer.request.url.path}: {answer.text}")
        return answer.status_code == status


def _await_quiet(cloud: Killable) -> None:
    until = time.monotonic() + 60
    while open_sagas(cloud.state) or busy_volumes(cloud.state):
        assert time.monotonic() < until, "\n".join([*Stored(cloud.state).complaints(), cloud.log()[-4000:]])
        time.sleep(0.05)


async def _one_round(cloud: Killable, rng: random.Random, numbers: "itertools.count[int]") -> Load:
    """Half of the load's creates may be deleted again while they are being built."""
    async with cloud.client() as http:
        http.headers["X-Auth-Token"] = await _token(cloud, http)
        load = Load(http, rng, numbers)
        await load.prepare()
        doomed = sorted(Stored(cloud.state).servers)
        rng.shuffle(doomed)
        running = asyncio.create_task(load.run(doomed[:DELETES]))
        await asyncio.sleep(rng.uniform(0.0, LATEST_KILL_S))
        # What was made in this very round goes, too: deletes that meet builds under way.
        fresh = [load._delete(server) for server in sorted(load.created)[: rng.randrange(10)]]
        meeting = asyncio.gather(*fresh)
        await asyncio.sleep(rng.uniform(0.0, 0.1))
        await asyncio.to_thread(cloud.kill)
        await running
        await meeting
        return load


@pytest.mark.slow
def test_a_killed_cloud_loses_nothing_and_leaves_nothing(cloud: Killable) -> None:
    seed = int(os.environ.get("KILONOVA_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"KILONOVA_SEED={seed}")
    rng = random.Random(seed)
    numbers = itertools.count(1)
    for number in range(ROUNDS):
        load = asyncio.run(_one_round(cloud, rng, numbers))
        cloud.up()
        _await_quiet(cloud)
        stored = Stored(cloud.state)
        where = f"round {number} of seed {seed}"
        assert not load.refused, where
        assert not stored.complaints(), where
        gone = load.created - load.asked_to_go - set(stored.servers)
        assert not gone, f"{where}: accepted and gone"
        undead = load.deleted & set(stored.servers)
        assert not undead, f"{where}: deleted and still there"
