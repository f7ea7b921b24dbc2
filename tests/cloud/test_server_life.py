"""A server lives: what users do with one, on the simulated driver, through every service."""

from tests.cloud.running import RunningCloud


async def test_a_server_becomes_active_and_when_deleted_leaves_nothing(cloud: RunningCloud) -> None:
    await cloud.image()
    await cloud.image()
    before = await cloud.ledger()
    network = await cloud.network()
    server = await cloud.active("one", networks=[{"uuid": network}])

    assert [entry["OS-EXT-IPS:type"] for entry in server["addresses"]["private"]] == ["fixed"]
    assert server["OS-EXT-STS:power_state"] == 1
    assert await cloud.guests() == [server["id"]]

    await cloud.delete(server["id"])
    await cloud.gone(server["id"])
    assert await cloud.ledger() == before


async def test_power_follows_the_user(cloud: RunningCloud) -> None:
    server = await cloud.active()
    for action, value, status in (
        ("os-stop", None, "SHUTOFF"),
        ("os-start", None, "ACTIVE"),
        ("pause", None, "PAUSED"),
        ("unpause", None, "ACTIVE"),
        ("suspend", None, "SUSPENDED"),
        ("resume", None, "ACTIVE"),
        ("reboot", {"type": "SOFT"}, "ACTIVE"),
        ("reboot", {"type": "HARD"}, "ACTIVE"),
    ):
        await cloud.act(server["id"], action, value)
        assert (await cloud.until(server["id"], {status, "ERROR"}))["status"] == status


async def test_a_server_that_fits_nowhere_ends_in_error_with_the_reason(cloud: RunningCloud) -> None:
    await cloud.image()
    await cloud.image()
    before = await cloud.ledger()
    body = {"flavor": {"name": "huge", "ram": 9999999, "vcpus": 1, "disk": 1}}
    made = (await cloud.admin.post("/compute/v2.1/flavors", json=body)).json()["flavor"]
    server = await cloud.create("big", flavor="huge")
    server = await cloud.until(server["id"], {"ERROR"})

    assert made["name"] == "huge"
    message = server["fault"]["message"]
    assert message.startswith("No valid host was found.")
    assert "MEMORY_MB" in message
    await cloud.delete(server["id"])
    await cloud.gone(server["id"])
    assert await cloud.ledger() == before


async def test_a_resize_is_confirmed_or_reverted_and_claims_follow(cloud: RunningCloud) -> None:
    server = await cloud.active()
    small = await cloud.cloud.placement.consumers()
    for end, flavor in (("revertResize", "m1.nano"), ("confirmResize", "m1.micro")):
        await cloud.act(server["id"], "resize", {"flavorRef": await cloud.flavor("m1.micro")})
        resized = await cloud.until(server["id"], {"VERIFY_RESIZE", "ERROR"})
        assert resized["status"] == "VERIFY_RESIZE", resized
        assert len(await cloud.cloud.placement.consumers()) == 2
        await cloud.act(server["id"], end, ok=204 if end == "confirmResize" else 202)
        settled = await cloud.until(server["id"], {"ACTIVE", "ERROR"})
        assert settled["flavor"]["original_name"] == flavor
    after = await cloud.cloud.placement.consumers()
    assert set(after) == set(small) == {server["id"]}
    assert next(iter(after[server["id"]].values()))["MEMORY_MB"] == 256


async def test_a_snapshot_becomes_an_image_one_can_boot(cloud: RunningCloud) -> None:
    server = await cloud.active()
    answer = await cloud.act(server["id"], "createImage", {"name": "copy"})
    image_id = answer.json()["image_id"]
    await cloud.until(server["id"], {"ACTIVE"})
    image = (await cloud.http.get(f"/image/v2/images/{image_id}")).json()

    assert image["status"] == "active"
    assert (await cloud.active("two", imageRef=image_id))["image"]["id"] == image_id


async def test_a_guest_that_powers_itself_off_is_shown_so(cloud: RunningCloud) -> None:
    server = await cloud.active()
    hosts = cloud.cloud.hosts
    assert hosts is not None
    assert hosts.fleet is not None
    hosts.agents[0].host.hypervisor.stop_from_inside(server["id"])  # type: ignore[attr-defined]

    assert (await cloud.until(server["id"], {"SHUTOFF"}, within_s=60))["OS-EXT-STS:power_state"] == 4


async def test_a_shelved_server_frees_its_host_and_comes_back(cloud: RunningCloud) -> None:
    server = await cloud.active("one", networks=[{"uuid": await cloud.network()}])
    await cloud.act(server["id"], "shelve")
    shelved = await cloud.until(server["id"], {"SHELVED_OFFLOADED", "ERROR"})

    assert shelved["status"] == "SHELVED_OFFLOADED"
    assert await cloud.guests() == []
    assert await cloud.cloud.placement.consumers() == {}
    assert shelved["addresses"] == server["addresses"]

    await cloud.act(server["id"], "unshelve")
    back = await cloud.until(server["id"], {"ACTIVE", "ERROR"})
    assert back["status"] == "ACTIVE"
    assert back["addresses"] == server["addresses"]
    images = (await cloud.http.get("/image/v2/images", params={"name": "one-shelved"})).json()["images"]
    assert images == []


async def test_a_server_outlives_its_image(cloud: RunningCloud) -> None:
    server = await cloud.active()
    await cloud.http.delete(f"/image/v2/images/{server['image']['id']}")
    await cloud.act(server["id"], "reboot", {"type": "HARD"})

    assert (await cloud.until(server["id"], {"ACTIVE", "ERROR"}))["status"] == "ACTIVE"
