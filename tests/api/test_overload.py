"""More calls than the API can answer: some wait, some are told when to come again, and the cloud's own go first."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from kilonova.api.application import ComputeApi
from kilonova.peers.network import NetworkClient
from kilonova.web.client import RestClient
from tests.api.cloud import PROJECT, Cloud, check_token, mounted
from tests.api.neighbours import PRIVATE, Neutron, network
from tests.api.rows import put_servers

_SLOW_READ = "/os-networks"
_SLOW_WRITE = ("/os-security-groups", {"security_group": {"name": "a", "description": "b"}})


class Slow:
    """A network service that answers once it may; `asked` is set as soon as somebody waits for it."""

    def __init__(self) -> None:
        self._neutron = Neutron({"networks": [network(PRIVATE, PROJECT)]})
        self.may_answer = asyncio.Event()
        self.asked = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked.set()
        await self.may_answer.wait()
        await self._neutron(scope, receive, send)


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
async def narrow(cloud: Cloud, slow: Slow) -> AsyncIterator[Cloud]:
    """One read and one write at a time; whoever waits is refused soon."""
    settings = msgspec.structs.replace(
        cloud.world.settings,
        concurrent_reads=1,
        concurrent_writes=1,
        longest_read_wait_s=0.05,
        longest_write_wait_s=0.05,
    )
    rest = RestClient("network", "http://network", app=slow)
    world = dataclasses.replace(cloud.world, settings=settings, network=NetworkClient(rest))
    transport = httpx.ASGITransport(app=mounted(ComputeApi(world, check_token)))
    async with httpx.AsyncClient(transport=transport, base_url="http://cloud.example") as client:
        yield dataclasses.replace(cloud, world=world, client=client)
    await rest.close()


async def begun(slow: Slow, call: Any) -> "asyncio.Task[httpx.Response]":
    """The call, once it has the only place there is."""
    task = asyncio.create_task(call)
    async with asyncio.timeout(60):
        await slow.asked.wait()
    return task


async def test_beyond_what_it_can_do_the_api_answers_503_and_when_to_come_again(narrow: Cloud, slow: Slow) -> None:
    first = await begun(slow, narrow.get(_SLOW_READ))
    refused = await narrow.get("/flavors")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/json; charset=UTF-8"
    assert refused.headers["x-openstack-request-id"].startswith("req-")
    assert refused.json() == {
        "serviceUnavailable": {
            "code": 503,
            "message": "The service has more requests than it can answer. Please try again later.",
        }
    }
    slow.may_answer.set()
    assert (await first).status_code == 200
    assert (await narrow.get("/flavors")).status_code == 200


async def test_a_call_that_gets_its_turn_in_time_never_knows(narrow: Cloud, slow: Slow) -> None:
    first = await begun(slow, narrow.get(_SLOW_READ))
    second = asyncio.create_task(narrow.get("/flavors"))
    await asyncio.sleep(0)
    slow.may_answer.set()
    assert [(await first).status_code, (await second).status_code] == [200, 200]


async def test_reads_go_on_while_writes_are_too_many(narrow: Cloud, slow: Slow) -> None:
    (server_id,) = await put_servers(narrow.db, {"vm_state": "active"})
    first = await begun(slow, narrow.post(*_SLOW_WRITE))
    key = {"keypair": {"name": "mine", "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGp a"}}
    assert (await narrow.post("/os-keypairs", key)).status_code == 503
    assert (await narrow.put(f"/servers/{server_id}", {"server": {"name": "b"}})).status_code == 503
    assert (await narrow.delete(f"/servers/{server_id}")).status_code == 503
    shown = await narrow.get(f"/servers/{server_id}")
    assert (shown.status_code, shown.json()["server"]["id"]) == (200, server_id)
    slow.may_answer.set()
    assert (await first).status_code != 503


async def test_calls_from_within_the_cloud_are_never_refused(narrow: Cloud, slow: Slow) -> None:
    (server_id,) = await put_servers(narrow.db, {"vm_state": "active"})
    first = await begun(slow, narrow.post(*_SLOW_WRITE))
    event = {"events": [{"name": "volume-extended", "tag": "v", "server_uuid": server_id}]}
    for role in ("service", "admin"):
        told = await narrow.post("/os-server-external-events", event, role=role, version="2.51")
        assert told.status_code in (200, 207), told.text
    slow.may_answer.set()
    await first


async def test_who_may_not_call_and_what_needs_no_token_do_not_wait(narrow: Cloud, slow: Slow) -> None:
    first = await begun(slow, narrow.get(_SLOW_READ))
    unknown = await narrow.client.get("/compute/v2.1/servers", headers={"X-Auth-Token": "no:body"})
    assert unknown.status_code == 401
    assert (await narrow.client.get("/compute/v2.1/")).status_code == 200
    slow.may_answer.set()
    await first
