"""What must hold on every database: unique addresses and numbers, exact quotas, however many ask at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from .cloud import NetworkCloud, start_network, stop_network


@pytest.fixture
async def any_cloud(database_url: str) -> AsyncIterator[NetworkCloud]:
    started = await start_network(database_url)
    yield started
    await stop_network(started)


async def test_ports_made_at_once_have_addresses_of_their_own(any_cloud: NetworkCloud) -> None:
    cloud = any_cloud
    network, _ = await cloud.network("10.1.0.0/24")

    ports = await asyncio.gather(*(cloud.make("ports", network_id=network["id"]) for _ in range(30)))

    assert len({port["fixed_ips"][0]["ip_address"] for port in ports}) == 30
    assert len({port["mac_address"] for port in ports}) == 30
    assert len({port["security_groups"][0] for port in ports}) == 1
    used = (await cloud.call("GET", "/quotas/red/details")).json()["quota"]["port"]["used"]
    assert used == 30

    codes = await asyncio.gather(*(cloud.delete("ports", port["id"]) for port in ports))
    assert set(codes) == {204}
    assert (await cloud.call("GET", "/quotas/red/details")).json()["quota"]["port"]["used"] == 0


async def test_a_first_use_at_once_makes_one_default_group(any_cloud: NetworkCloud) -> None:
    found = await asyncio.gather(*(any_cloud.list("security-groups") for _ in range(8)))

    assert {group["id"] for groups in found for group in groups} == {found[0][0]["id"]}


async def test_no_quota_is_passed_by_asking_at_once(any_cloud: NetworkCloud) -> None:
    cloud = any_cloud
    await cloud.call("PUT", "/quotas/red", "admin", json={"quota": {"network": 5}})

    answers = await asyncio.gather(*(cloud.try_make("networks", name="n") for _ in range(12)))

    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 7
    made = [answer.json()["network"]["id"] for answer in answers if answer.status_code == 201]
    segments = [(await cloud.show("networks", id, "admin"))["provider:segmentation_id"] for id in made]
    assert len(set(segments)) == 5


async def test_lists_sort_filter_and_page_alike(any_cloud: NetworkCloud) -> None:
    cloud = any_cloud
    network, subnet = await cloud.network("10.1.0.0/24")
    for name in "bca":
        await cloud.make("ports", network_id=network["id"], name=name)

    async def names(query: str) -> list[Any]:
        return [port["name"] for port in await cloud.list("ports", f"?device_owner={query}")]

    assert await names("&sort_key=name&sort_dir=desc") == ["c", "b", "a"]
    (first,) = await cloud.list("ports", "?name=b")
    assert await names(f"&sort_key=name&marker={first['id']}&limit=1") == ["c"]
    assert await names(f"&fixed_ips=subnet_id%3D{subnet['id']}&sort_key=created_at&sort_key=name"
                       "&sort_dir=asc&sort_dir=asc") == ["b", "c", "a"]  # fmt: skip


async def test_a_router_with_everything_comes_and_goes(any_cloud: NetworkCloud) -> None:
    cloud = any_cloud
    network, subnet, router, public = await cloud.routed()
    port = await cloud.make("ports", network_id=network["id"])
    floating = await cloud.make("floatingips", floating_network_id=public["id"], port_id=port["id"])
    group = await cloud.make("security-groups", name="web")
    await cloud.make("security-group-rules", security_group_id=group["id"], direction="ingress", protocol="icmp")

    assert await cloud.delete("floatingips", floating["id"]) == 204
    assert await cloud.delete("ports", port["id"]) == 204
    path = f"/routers/{router['id']}/remove_router_interface"
    assert (await cloud.call("PUT", path, json={"subnet_id": subnet["id"]})).status_code == 200
    assert await cloud.delete("routers", router["id"]) == 204
    assert await cloud.delete("networks", network["id"]) == 204
    assert await cloud.delete("networks", public["id"], "admin") == 204
    assert await cloud.delete("security-groups", group["id"]) == 204
    used = (await cloud.call("GET", "/quotas/red/details")).json()["quota"]
    left = {name: one["used"] for name, one in used.items() if one["used"]}
    assert left == {"security_group": 1, "security_group_rule": 4}
    assert await cloud.list("ports", who="admin") == []
