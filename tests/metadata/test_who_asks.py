"""Who asks is decided by network and address, or by a signature; never by what a guest says."""

import asyncio
import hmac
import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from kilonova.metadata.listener import MOST
from kilonova.model.ids import NetworkId
from tests.cloud.running import running_cloud
from tests.metadata.conftest import CIDR, Guests, listening
from tests.servers.process import free_port

SECRET = "between us"


async def test_each_guest_hears_of_itself_alone(guests: Guests) -> None:
    one = await guests.boot("one", "127.77.0.10")
    two = await guests.boot("two", "127.77.0.11")

    for server, address in ((one, "127.77.0.10"), (two, "127.77.0.11")):
        told = json.loads(await guests.told("/openstack/latest/meta_data.json", address=address))
        assert told["uuid"] == server["id"]


async def test_an_address_nobody_has_hears_nothing(guests: Guests) -> None:
    await guests.boot()

    assert (await guests.ask("/openstack/latest/meta_data.json", address="127.77.0.99")).status_code == 404
    assert (await guests.ask("/", address="127.77.0.99")).status_code == 404


async def test_the_same_address_on_two_networks_is_two_guests(guests: Guests) -> None:
    other = await listening(guests.cloud, CIDR)
    here, there = await guests.boot("here"), await other.boot("there")

    assert json.loads(await guests.told("/openstack/latest/meta_data.json"))["uuid"] == here["id"]
    assert json.loads(await other.told("/openstack/latest/meta_data.json"))["uuid"] == there["id"]


async def test_no_header_makes_a_guest_another(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    # What an operator may have set for the REST services must not open this door.
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    fresh = await listening(guests.cloud, CIDR)
    victim = await fresh.boot("victim", "127.77.0.11", user_data="c2VjcmV0")
    liar = await fresh.boot("liar")
    forged = {
        "X-Forwarded-For": "127.77.0.11",
        "X-Real-IP": "127.77.0.11",
        "Forwarded": "for=127.77.0.11",
        "X-Instance-ID": victim["id"],
        "X-Tenant-ID": victim["tenant_id"],
        "X-Instance-ID-Signature": "0" * 64,
        "X-Metadata-Provider": "anything",
    }

    told = json.loads(await fresh.told("/openstack/latest/meta_data.json", headers=forged))

    assert told["uuid"] == liar["id"]
    assert (await fresh.ask("/openstack/latest/user_data", headers=forged)).status_code == 404


async def test_a_network_that_is_gone_is_listened_for_no_more(guests: Guests) -> None:
    await guests.boot()
    await guests.told("/")
    metadata = guests.cloud.cloud.metadata
    assert metadata is not None

    await metadata.closed(NetworkId(guests.network_id))

    with pytest.raises(httpx.ConnectError):
        await guests.ask("/")


@pytest.mark.parametrize(("cache_s", "seen"), [(600, "before"), (0, "after")])
async def test_answers_are_kept_as_long_as_the_operator_says(tmp_path: Path, cache_s: int, seen: str) -> None:
    api = {"metadata_cache_expiration": cache_s}
    async with running_cloud(tmp_path / "state", furnished=("flavors",), sections={"api": api}) as cloud:
        guests = await listening(cloud, CIDR)
        server = await guests.boot("before")
        await guests.told("/openstack/latest/meta_data.json")
        await cloud.http.put(f"/compute/v2.1/servers/{server['id']}", json={"server": {"name": "after"}})

        assert json.loads(await guests.told("/openstack/latest/meta_data.json"))["name"] == seen


def signed(server: dict[str, Any], secret: str = SECRET, **changes: str) -> dict[str, str]:
    signature = hmac.new(secret.encode(), str(server["id"]).encode(), "sha256").hexdigest()
    return {
        "X-Instance-ID": server["id"],
        "X-Tenant-ID": server["tenant_id"],
        "X-Instance-ID-Signature": signature,
        "X-Forwarded-For": "10.0.0.3",
        **changes,
    }


async def test_a_neutrons_agent_is_believed_what_it_signs_and_nothing_else(tmp_path: Path) -> None:
    port = free_port()
    async with running_cloud(
        tmp_path / "state",
        furnished=("flavors",),
        sections={"neutron": {"metadata_proxy_shared_secret": SECRET}},
        metadata_listen_port=port,
    ) as cloud:
        server = await cloud.active("signed")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:

            async def ask(headers: dict[str, str]) -> httpx.Response:
                raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
                return await http.get("/openstack/latest/meta_data.json", headers=raw)

            told = await ask(signed(server))
            assert told.status_code == 200, told.text
            assert told.json()["uuid"] == server["id"]

            unsigned = {name: value for name, value in signed(server).items() if name != "X-Instance-ID-Signature"}
            refused = {
                "nothing": await ask({}),
                "no signature": await ask(unsigned),
                "another's secret": await ask(signed(server, "guessed")),
                "another server's signature": await ask(signed(server, **{"X-Instance-ID": str(uuid.uuid4())})),
                "another project": await ask(signed(server, **{"X-Tenant-ID": "f" * 32})),
                "letters no header has": await ask(signed(server, **{"X-Instance-ID-Signature": "é"})),
            }
            assert {why: answer.status_code for why, answer in refused.items()} == {
                "nothing": 400,
                "no signature": 400,
                "another's secret": 403,
                "another server's signature": 403,
                "another project": 404,
                "letters no header has": 403,
            }
        beside = await cloud.http.get("/metadata/openstack/latest/meta_data.json", headers=signed(server))
        assert beside.json()["uuid"] == server["id"]


async def test_without_a_secret_no_signature_is_good(guests: Guests) -> None:
    server = await guests.boot()

    answer = await guests.cloud.http.get("/metadata/latest/meta-data", headers=signed(server, ""))

    assert answer.status_code == 400


async def test_idle_connections_are_bounded(guests: Guests) -> None:
    await guests.boot()
    host, port = guests.url.removeprefix("http://").split(":")
    idle = [await asyncio.open_connection(host, int(port), local_addr=("127.77.0.10", 0)) for _ in range(MOST)]
    try:
        assert (await guests.ask("/")).status_code == 503
    finally:
        for _, writer in idle:
            writer.close()
