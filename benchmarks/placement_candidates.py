"""`GET /allocation_candidates` a second, here and (when it is up) in a real Placement, as its own perf harness asks.

    [. OPENRC;] python benchmarks/placement_candidates.py [--providers 1000] [--requests 500] [--at-once 10]

Makes providers with an inventory, an aggregate and a trait each, then asks for all of them again and again. Ours is
started for it, in a fresh state directory. The askers look into every answer's length and read the first and the last
one whole: to read them all would measure the reader. The other cloud is the one that `OS_AUTH_URL` and the other
`OS_*` variables of an openrc name, as an administrator; its providers are removed again. Both are on one machine, so
the ratio counts.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import yaml

VERSION = {"OpenStack-API-Version": "placement 1.29"}
TRAIT = "CUSTOM_MEASURED"
INVENTORIES = {
    "VCPU": {"total": 64, "allocation_ratio": 16.0},
    "MEMORY_MB": {"total": 262144, "reserved": 512},
    "DISK_GB": {"total": 4000},
}
QUESTION = f"/allocation_candidates?resources=VCPU:1,MEMORY_MB:256,DISK_GB:10&required={TRAIT}"


async def log_in(access: dict[str, str]) -> tuple[str, str]:
    """A token, and where placement is."""
    user = {"name": access["username"], "domain": {"name": "Default"}, "password": access["password"]}
    scope = {"project": {"name": access["project_name"], "domain": {"name": "Default"}}}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        answer = (await http.post(f"{access['auth_url']}/auth/tokens", json=body)).raise_for_status()
    catalog: list[dict[str, Any]] = answer.json()["token"]["catalog"]
    endpoints = next(entry["endpoints"] for entry in catalog if entry["type"] == "placement")
    url = next(one["url"] for one in endpoints if one["interface"] == "public")
    return answer.headers["X-Subject-Token"], url.rstrip("/")


class Asked(NamedTuple):
    answers: list[bytes]
    seconds: float


def asking(url: str, token: str, requests: int, at_once: int) -> Asked:
    """The question, by threads with a connection each."""
    place = urlsplit(url)
    answers: list[bytes] = []
    numbers = iter(range(requests))

    def asker() -> None:
        connection = HTTPConnection(place.netloc, timeout=300)
        for _ in numbers:
            connection.request("GET", place.path + QUESTION, headers={"X-Auth-Token": token, **VERSION})
            answer = connection.getresponse()
            answers.append(answer.read())
            if answer.status != 200:
                raise SystemExit(f"{answer.status}: {answers[-1].decode()}")
        connection.close()

    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        for done in [threads.submit(asker) for _ in range(at_once)]:
            done.result()
    return Asked(answers, time.perf_counter() - began)


class Placement:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._ids: list[str] = []

    async def fill(self, count: int, at_once: int) -> None:
        await self._call("PUT", f"/traits/{TRAIT}")
        numbers = iter(range(count))

        async def maker() -> None:
            for number in numbers:
                await self._provide(number)

        await asyncio.gather(*(maker() for _ in range(at_once)))

    async def _provide(self, number: int) -> None:
        own = str(uuid.uuid4())
        self._ids.append(own)
        await self._call("POST", "/resource_providers", json={"name": f"measured-{own}", "uuid": own})
        path = f"/resource_providers/{own}"
        stock = {"resource_provider_generation": 0, "inventories": INVENTORIES}
        after = (await self._call("PUT", f"{path}/inventories", json=stock)).json()["resource_provider_generation"]
        grouped = {"aggregates": [str(uuid.UUID(int=number % 10 + 1))], "resource_provider_generation": after}
        after = (await self._call("PUT", f"{path}/aggregates", json=grouped)).json()["resource_provider_generation"]
        await self._call("PUT", f"{path}/traits", json={"traits": [TRAIT], "resource_provider_generation": after})

    async def ask(self, url: str, token: str, requests: int, at_once: int, expected: int) -> float:
        """Answers a second."""
        asked = await asyncio.to_thread(asking, url, token, requests, at_once)
        lengths = {len(answer) for answer in asked.answers}
        for answer in (asked.answers[0], asked.answers[-1]):
            found = len(json.loads(answer)["allocation_requests"])
            if found != expected or len(lengths) != 1:
                raise SystemExit(f"{found} candidates instead of {expected}, answers of {lengths} bytes")
        return requests / asked.seconds

    async def clear(self) -> None:
        for own in self._ids:
            await self._call("DELETE", f"/resource_providers/{own}")

    async def _call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return (await self._http.request(method, path, **more)).raise_for_status()


async def measure(name: str, access: dict[str, str], given: argparse.Namespace, requests: int) -> float:
    token, url = await log_in(access)
    headers = {"X-Auth-Token": token, **VERSION}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=300, trust_env=False) as http:
        placement = Placement(http)
        try:
            began = time.perf_counter()
            await placement.fill(given.providers, given.at_once)
            filled = time.perf_counter() - began
            rate = await placement.ask(url, token, requests, given.at_once, given.providers)
        finally:
            await placement.clear()
    print(f"{name}: {given.providers} providers made in {filled:.1f} s; {rate:.2f} answers a second ({requests} asked)")
    return rate


def ours(given: argparse.Namespace) -> float:
    with tempfile.TemporaryDirectory() as directory:
        cli = [sys.executable, "-m", "kilonova.cli.main"]
        where = ["--state-dir", directory]
        start = ["--driver", "simulated", "--hosts", "1", "--detach", "--listen", f"127.0.0.1:{given.port}"]
        subprocess.run([*cli, "up", *where, *start], check=True, stdout=subprocess.DEVNULL)
        try:
            clouds = yaml.safe_load((Path(directory) / "clouds.yaml").read_text())["clouds"]
            access = clouds["kilonova-admin"]["auth"]
            # The simulated host answers, too, but has no such trait.
            return asyncio.run(measure("Kilonova", access, given, given.requests))
        finally:
            subprocess.run([*cli, "down", "--all", *where], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--providers", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--beside-requests", type=int, default=50, help="how often the other cloud is asked")
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--port", type=int, default=18795)
    given = parser.parse_args()
    rate = ours(given)
    if "OS_AUTH_URL" not in os.environ:
        print("Another cloud is not named: its openrc in the environment would set OS_AUTH_URL.")
        return
    access = {name: os.environ[f"OS_{name.upper()}"] for name in ("auth_url", "username", "password", "project_name")}
    theirs = asyncio.run(measure(access["auth_url"], access, given, given.beside_requests))
    print(f"ratio {rate / theirs:.0f} to 1 (at least 20 promised)")


if __name__ == "__main__":
    main()
