"""The unmodified `openstack` client with osc-placement, over a socket."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from kilonova.placement.rest.application import application
from kilonova.placement.service import PlacementService
from tests.callers import check_token
from tests.placement.conftest import claim, host

PROVIDER = "10000000-0000-4000-8000-000000000001"
CONSUMER = "20000000-0000-4000-8000-000000000001"

COMMANDS = f"""
resource provider create one --uuid {PROVIDER} -f json
resource provider inventory set {PROVIDER} --resource VCPU=8 --resource MEMORY_MB=1024 -f json
resource provider inventory set {PROVIDER} --amend --resource VCPU=8 --resource VCPU:allocation_ratio=2.0 -f json
resource provider inventory list {PROVIDER} -f json
trait create CUSTOM_GOLD
resource provider trait set {PROVIDER} --trait CUSTOM_GOLD -f json
resource provider allocation set {CONSUMER} --allocation rp={PROVIDER},VCPU=3 --project-id red --user-id anna -f json
resource provider usage show {PROVIDER} -f json
allocation candidate list --resource VCPU=2 --required CUSTOM_GOLD -f json
resource provider list -f json
resource class list -f json
resource provider allocation delete {CONSUMER}
resource provider show {PROVIDER} --allocations -f json
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


async def test_operators_work_with_the_openstack_client(
    placement: PlacementService, free_port: int, tmp_path: Path
) -> None:
    await placement.report(host(1))
    await placement.claim(claim("server", VCPU=4))
    server = uvicorn.Server(
        uvicorn.Config(application(placement, check_token), port=free_port, lifespan="off", log_level="warning")
    )
    running = asyncio.create_task(server.serve())
    try:
        answers = await talk(free_port, tmp_path)
    finally:
        server.should_exit = True
        await running

    created, _, inventories, listed, traits, allocated, usage, candidates, providers, classes, shown = answers
    assert created["uuid"] == PROVIDER
    assert {(one["resource_class"], one["total"], one["allocation_ratio"]) for one in inventories} == {
        ("VCPU", 8, 2.0),
        ("MEMORY_MB", 1024, 1.0),
    }
    assert {one["resource_class"] for one in listed} == {"VCPU", "MEMORY_MB"}
    assert traits == [{"name": "CUSTOM_GOLD"}]
    assert allocated[0]["resources"] == {"VCPU": 3}
    assert {"resource_class": "VCPU", "usage": 3} in usage
    assert [one["resource provider"] for one in candidates] == [PROVIDER]
    assert {one["name"] for one in providers} == {"one", "host-1"}
    assert {"name": "VCPU"} in classes
    assert shown["allocations"] == {}


async def talk(port: int, directory: Path) -> list[Any]:
    """One client process for all commands: most of its time is its start."""
    script = directory / "commands"
    script.write_text(COMMANDS.lstrip())
    with script.open() as commands:
        client = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("openstack"),
            "--os-auth-type",
            "admin_token",
            "--os-endpoint",
            f"http://127.0.0.1:{port}",
            "--os-token",
            "admin",
            "--os-placement-api-version",
            "1.29",
            stdin=commands,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await client.communicate()
    text = output.decode().replace("(openstack) ", "")
    answers, decoder = [], json.JSONDecoder()
    while (start := min((text.find(sign) for sign in "[{" if sign in text), default=-1)) >= 0:
        answer, length = decoder.raw_decode(text[start:])
        answers.append(answer)
        text = text[start + length :]
    assert not errors.decode().strip(), errors.decode()
    return answers
