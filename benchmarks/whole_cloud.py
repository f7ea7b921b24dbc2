"""What a whole cloud costs: start, idle memory, creates, a burst, lists; simulated driver, its own process.

    python benchmarks/whole_cloud.py [--servers 1000] [--burst 500] [--json FILE]

CPU is that of the cloud's process (user and system), so what the client spends does not count and a busy machine does
not either; wall times only orient.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import yaml

VERSION = {"OpenStack-API-Version": "compute 2.100"}
TICK = os.sysconf("SC_CLK_TCK")


class Measured:
    """The cloud's process: CPU seconds so far, proportional memory."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def pss_mb(self) -> float:
        found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{self.pid}/smaps_rollup").read_text(), re.MULTILINE)
        assert found is not None
        return int(found.group(1)) / 1024


async def client_of(state: Path, cloud: str) -> httpx.AsyncClient:
    auth = yaml.safe_load((state / "clouds.yaml").read_text())["clouds"][cloud]["auth"]
    body = {
        "auth": {
            "identity": {
                "methods": ["password"],
                "password": {
                    "user": {"name": auth["username"], "domain": {"name": "Default"}, "password": auth["password"]}
                },
            },
            "scope": {"project": {"name": auth["project_name"], "domain": {"name": "Default"}}},
        }
    }
    url = auth["auth_url"].removesuffix("/identity/v3")
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    http = httpx.AsyncClient(base_url=url, timeout=120, limits=limits, trust_env=False)
    answer = await http.post("/identity/v3/auth/tokens", json=body)
    http.headers["X-Auth-Token"] = answer.headers["x-subject-token"]
    return http


async def image_of(http: httpx.AsyncClient) -> str:
    made = (
        await http.post("/image/v2/images", json={"name": "blank", "disk_format": "raw", "container_format": "bare"})
    ).json()
    content = {"Content-Type": "application/octet-stream"}
    await http.put(f"/image/v2/images/{made['id']}/file", content=bytes(1 << 20), headers=content)
    return str(made["id"])


async def create(http: httpx.AsyncClient, image: str, flavor: str, networks: Any, name: str) -> str:
    server = {"name": name, "imageRef": image, "flavorRef": flavor, "networks": networks}
    answer = await http.post("/compute/v2.1/servers", json={"server": server}, headers=VERSION)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["server"]["id"])


async def settled(http: httpx.AsyncClient) -> tuple[int, int]:
    """(ACTIVE, ERROR) once nothing is BUILD any more. Looks seldom: looking costs the cloud as well."""
    while True:
        building = (await http.get("/compute/v2.1/servers?status=BUILD&limit=1")).json()["servers"]
        if not building:
            active = len((await http.get("/compute/v2.1/servers?status=ACTIVE")).json()["servers"])
            error = len((await http.get("/compute/v2.1/servers?status=ERROR")).json()["servers"])
            return active, error
        await asyncio.sleep(0.25)


async def measure(state: Path, cloud: Measured, given: argparse.Namespace) -> dict[str, float]:
    http = await client_of(state, "kilonova")
    admin = await client_of(state, "kilonova-admin")
    found: dict[str, float] = {"idle PSS, MB": cloud.pss_mb()}
    project = (await http.get("/identity/v3/auth/projects")).json()["projects"][0]["id"]
    quota = {"quota_set": {"instances": -1, "cores": -1, "ram": -1}}
    answer = await admin.put(f"/compute/v2.1/os-quota-sets/{project}", json=quota)
    assert answer.status_code == 200, answer.text
    quota = {"quota": {"port": -1}}
    await admin.put(f"/network/v2.0/quotas/{project}", json=quota)
    image = await image_of(http)
    flavors = (await http.get("/compute/v2.1/flavors")).json()["flavors"]
    flavor = next(one["id"] for one in flavors if one["name"] == "m1.nano")
    network = (await http.get("/network/v2.0/networks?name=private")).json()["networks"][0]["id"]
    networks = {"none": "none", "one port": [{"uuid": network}]}

    for what, asked in networks.items():
        ids = []
        before = cloud.cpu_s()
        for index in range(given.creates):
            ids.append(await create(http, image, flavor, asked, f"warm-{index}"))
        active, error = await settled(http)
        assert (active, error) == (given.creates, 0), f"{active} active, {error} failed"
        found[f"create to ACTIVE ({what}), CPU ms"] = (cloud.cpu_s() - before) * 1000 / given.creates
        before = cloud.cpu_s()
        for server_id in ids:
            await http.delete(f"/compute/v2.1/servers/{server_id}")
        while (await http.get("/compute/v2.1/servers?limit=1")).json()["servers"]:
            await asyncio.sleep(0.2)
        found[f"delete ({what}), CPU ms"] = (cloud.cpu_s() - before) * 1000 / given.creates

    room = asyncio.Semaphore(32)

    async def one(name: str) -> None:
        async with room:
            await create(http, image, flavor, "none", name)

    began, before = time.monotonic(), cloud.cpu_s()
    await asyncio.gather(*(one(f"burst-{index}") for index in range(given.burst)))
    active, error = await settled(http)
    found["burst, servers/s"] = active / (time.monotonic() - began)
    found["burst, CPU ms a server"] = (cloud.cpu_s() - before) * 1000 / given.burst
    found["burst, failed"] = error
    await asyncio.gather(*(one(f"more-{index}") for index in range(max(0, given.servers - given.burst))))
    await settled(http)

    newest = (await http.get("/compute/v2.1/servers?limit=1")).json()["servers"][0]["id"]
    for what, path in (
        ("list in detail", "/compute/v2.1/servers/detail?limit=1000"),
        ("show", f"/compute/v2.1/servers/{newest}"),
        ("flavors", "/compute/v2.1/flavors/detail"),
    ):
        repeats = 20 if what == "list in detail" else 200
        await http.get(path, headers=VERSION)
        before = cloud.cpu_s()
        for _ in range(repeats):
            answer = await http.get(path, headers=VERSION)
            assert answer.status_code == 200, answer.text
        shown = f" of {len(answer.json()['servers'])}" if what == "list in detail" else ""
        found[f"{what}{shown}, CPU ms"] = (cloud.cpu_s() - before) * 1000 / repeats
    found["PSS with the servers, MB"] = cloud.pss_mb()
    await http.aclose()
    await admin.aclose()
    return found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--servers", type=int, default=1000)
    words.add_argument("--burst", type=int, default=500)
    words.add_argument("--creates", type=int, default=50, help="one after the other, for the cost of one")
    words.add_argument("--hosts", type=int, default=50)
    words.add_argument("--listen", default="127.0.0.1:18774")
    words.add_argument("--json", type=Path)
    given = words.parse_args()
    state = Path(tempfile.mkdtemp(prefix="kilonova-bench-"))
    command = [sys.executable, "-m", "kilonova.cli.main", "up", "--state-dir", str(state), "--listen", given.listen]
    command += ["--driver", "simulated", "--hosts", str(given.hosts)]
    try:
        found: dict[str, float] = {}
        for what in ("first start, s", "start, s"):
            began = time.monotonic()
            with (state / "out").open("ab") as out:
                process = subprocess.Popen(command, stdout=out, stderr=out)
            while not (state / "running.json").exists():
                if process.poll() is not None:
                    sys.exit((state / "out").read_text())
                time.sleep(0.01)
            found[what] = time.monotonic() - began
            found[what.replace(", s", ", CPU s")] = Measured(process.pid).cpu_s()
            if what == "first start, s":
                process.send_signal(signal.SIGTERM)
                process.wait()
        # Nothing else is to go on: the image tiny is made when the cloud is up.
        while not (state / "furnished/image").exists() and "cannot be made" not in (state / "out").read_text():
            time.sleep(0.1)
        time.sleep(2)
        found |= asyncio.run(measure(state, Measured(process.pid), given))
        for what, value in found.items():
            print(f"{what:42} {value:10.2f}")
        if given.json:
            given.json.write_text(json.dumps(found, indent=1))
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    main()
