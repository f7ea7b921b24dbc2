"""Services as processes of their own over RabbitMQ and a real database; a compute host has no way to the latter."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.servers.process import free_port

CONTROL = (
    "identity", "image", "network", "volume", "placement", "scheduler", "conductor", "consoleauth", "novncproxy",
    "metadata", "api",
)  # fmt: skip


@contextmanager
def serving(state: Path, conf: Path, *roles: str) -> Iterator[subprocess.Popen[bytes]]:
    """`kilonova serve ROLES` until the block ends; its words are in `out` of its state directory."""
    state.mkdir(exist_ok=True)
    command = [
        sys.executable,
        "-m",
        "kilonova.cli.main",
        "serve",
        "--state-dir",
        str(state),
        "--config-file",
        str(conf),
    ]
    with (state / "out").open("wb") as out:
        process = subprocess.Popen([*command, *roles], stdout=out, stderr=out)
    try:
        until = time.monotonic() + 60
        while not (state / "running.json").exists():
            assert process.poll() is None, (state / "out").read_text()
            assert time.monotonic() < until, (state / "out").read_text()
            time.sleep(0.02)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(params=["postgresql_url", "mariadb_url"])
def real_database_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


async def test_a_server_is_made_and_unmade_over_the_queue_on_a_host_without_database(
    tmp_path: Path, rabbitmq_url: str, real_database_url: str
) -> None:
    port = free_port()
    shared = f"[DEFAULT]\ntransport_url = {rabbitmq_url}\nosapi_compute_listen_port = {port}\n"
    shared += "compute_driver = simulated\n"
    control_conf, compute_conf = tmp_path / "control.conf", tmp_path / "compute.conf"
    control_conf.write_text(f"{shared}[database]\nconnection = {real_database_url}\n")
    with serving(tmp_path / "control", control_conf, *CONTROL):
        password = json.loads((tmp_path / "control" / "passwords.json").read_text())
        compute_conf.write_text(
            f"{shared}host = far-away\n[database]\nconnection = sqlite:////nonexistent/none.db\n"
            f"[service_user]\nusername = nova\npassword = {password['nova']}\n"
        )
        with serving(tmp_path / "compute", compute_conf, "compute") as compute:
            maps = Path(f"/proc/{compute.pid}/maps").read_text()
            assert "asyncpg" not in maps
            assert "asyncmy" not in maps
            await _use(f"http://127.0.0.1:{port}", password["admin"])


async def _use(url: str, password: str) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        user = {"name": "admin", "domain": {"name": "Default"}, "password": password}
        scope = {"project": {"name": "admin", "domain": {"name": "Default"}}}
        auth = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        http.headers["X-Auth-Token"] = (await http.post("/identity/v3/auth/tokens", json=auth)).headers[
            "X-Subject-Token"
        ]
        image = await http.post(
            "/image/v2/images", json={"name": "blank", "disk_format": "raw", "container_format": "bare"}
        )
        image_id = image.json()["id"]
        await http.put(
            f"/image/v2/images/{image_id}/file",
            content=bytes(4096),
            headers={"Content-Type": "application/octet-stream"},
        )
        flavor_id = (await http.get("/compute/v2.1/flavors")).json()["flavors"][0]["id"]
        network = (await http.post("/network/v2.0/networks", json={"network": {"name": "net"}})).json()["network"]["id"]
        subnet = {"network_id": network, "cidr": "10.9.0.0/24", "ip_version": 4}
        assert (await http.post("/network/v2.0/subnets", json={"subnet": subnet})).status_code == 201
        server = {"name": "one", "imageRef": image_id, "flavorRef": flavor_id, "networks": [{"uuid": network}]}
        made = await http.post("/compute/v2.1/servers", json={"server": server})
        assert made.status_code == 202, made.text
        path = f"/compute/v2.1/servers/{made.json()['server']['id']}"
        shown = await _until(http, path, {"ACTIVE", "ERROR"})
        assert shown["status"] == "ACTIVE", shown
        assert shown["OS-EXT-SRV-ATTR:host"] == "far-away"
        assert [entry["addr"] for entry in shown["addresses"]["net"]]
        assert (await http.delete(path)).status_code == 204
        await _until(http, path, {"gone"})
        ports = (await http.get("/network/v2.0/ports", params={"network_id": network})).json()["ports"]
        assert not [port for port in ports if port["device_owner"].startswith("compute:")]


async def _until(http: httpx.AsyncClient, path: str, statuses: set[str]) -> dict[str, object]:
    async with asyncio.timeout(60):
        while True:
            answer = await http.get(path)
            server: dict[str, object] = {"status": "gone"} if answer.status_code == 404 else answer.json()["server"]
            if server["status"] in statuses:
                return server
            await asyncio.sleep(0.05)


def test_a_compute_host_needs_its_password(tmp_path: Path) -> None:
    conf = tmp_path / "nova.conf"
    conf.write_text("[DEFAULT]\ncompute_driver = simulated\n")
    command = [sys.executable, "-m", "kilonova.cli.main", "serve", "--state-dir", str(tmp_path / "state")]
    done = subprocess.run(
        [*command, "--config-file", str(conf), "compute"],
        capture_output=True,
        text=True,
        timeout=60,
        env=dict(os.environ),
    )

    assert done.returncode == 1
    assert "no username and password for the service user nova" in done.stderr
