"""Snapshots, types, quotas and what the service tells of itself."""

import uuid

from tests.volume.conftest import VolumeCloud


def write(volumes: VolumeCloud, volume_id: str, content: bytes) -> None:
    with volumes.path(volume_id).open("r+b") as file:
        file.write(content)


def read(volumes: VolumeCloud, volume_id: str, length: int) -> bytes:
    with volumes.path(volume_id).open("rb") as file:
        return file.read(length)


async def test_a_snapshot_keeps_what_was_there(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    write(volumes, volume["id"], b"before")
    snapshot = await volumes.snapshot(volume["id"], name="s", metadata={"a": "b"})
    assert (snapshot["status"], snapshot["size"], snapshot["name"], snapshot["metadata"]) == (
        "available", 1, "s", {"a": "b"},
    )  # fmt: skip
    write(volumes, volume["id"], b"after ")

    copy = await volumes.volume(snapshot_id=snapshot["id"])
    assert read(volumes, copy["id"], 6) == b"before"
    assert copy["snapshot_id"] == snapshot["id"]
    assert (await volumes.act(volume["id"], "revert", snapshot_id=snapshot["id"])).status_code == 202
    assert (await volumes.settled(volume["id"]))["status"] == "available"
    assert read(volumes, volume["id"], 6) == b"before"


async def test_a_volume_with_snapshots_goes_only_with_them(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    snapshot = await volumes.snapshot(volume["id"])
    refused = await volumes.call("DELETE", f"/volumes/{volume['id']}")
    assert refused.status_code == 400
    assert "dependent snapshots" in refused.json()["badRequest"]["message"]
    assert (await volumes.call("DELETE", f"/volumes/{volume['id']}?cascade=true")).status_code == 202
    await volumes.gone(f"/volumes/{volume['id']}")
    await volumes.gone(f"/snapshots/{snapshot['id']}")
    assert volumes.files() == []


async def test_snapshots_of_volumes_in_use_are_for_compute(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    await volumes.attach(volume["id"], str(uuid.uuid4()))
    body = {"snapshot": {"volume_id": volume["id"], "force": True}}
    assert (await volumes.call("POST", "/snapshots", json=body)).status_code == 400
    assert (await volumes.snapshot(volume["id"], "nova"))["status"] == "available"


async def test_snapshots_are_listed_changed_and_deleted(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    one, two = await volumes.snapshot(volume["id"], name="one"), await volumes.snapshot(volume["id"], name="two")
    url = f"/snapshots/{one['id']}"
    listed = await volumes.call("GET", f"/snapshots/detail?volume_id={volume['id']}&sort=name:asc")
    assert [shown["name"] for shown in listed.json()["snapshots"]] == ["one", "two"]
    assert [shown.id for shown in await volumes.client.snapshots("anna", name="two")] == [two["id"]]
    renamed = await volumes.call("PUT", url, json={"snapshot": {"name": "three"}})
    assert renamed.json()["snapshot"]["name"] == "three"
    assert (await volumes.call("POST", f"{url}/metadata", json={"metadata": {"x": "y"}})).status_code == 200
    found = await volumes.call("GET", "/snapshots?metadata={'x':'y'}")
    assert [shown["name"] for shown in found.json()["snapshots"]] == ["three"]
    changed = await volumes.call("PUT", f"{url}/metadata/x", json={"meta": {"x": "z"}})
    assert changed.json() == (await volumes.call("GET", f"{url}/metadata/x")).json() == {"meta": {"x": "z"}}
    other = await volumes.call("PUT", f"{url}/metadata/x", json={"meta": {"y": "z"}})
    assert other.status_code == 400
    assert (await volumes.call("DELETE", f"{url}/metadata/x")).status_code == 200
    assert (await volumes.call("GET", f"{url}/metadata/x")).status_code == 404
    assert (await volumes.call("GET", url, "bert")).status_code == 404
    assert (await volumes.call("DELETE", url, "rita")).status_code == 403
    assert (await volumes.call("POST", f"{url}/action", json={"os-force_delete": {}})).status_code == 403
    assert (await volumes.call("DELETE", url)).status_code == 202
    await volumes.gone(url)


async def test_quotas_bound_a_project(volumes: VolumeCloud) -> None:
    body = {"quota_set": {"volumes": 2, "gigabytes": 5, "snapshots": 1, "per_volume_gigabytes": 4}}
    assert (await volumes.call("PUT", "/os-quota-sets/red", json=body)).status_code == 403
    assert (await volumes.call("PUT", "/os-quota-sets/red", "admin", json=body)).json()["quota_set"]["volumes"] == 2
    assert (await volumes.call("PUT", "/os-quota-sets/red", "admin", json={"quota_set": {"x": 1}})).status_code == 400
    bad = {"quota_set": {"volumes": -2}}
    assert (await volumes.call("PUT", "/os-quota-sets/red", "admin", json=bad)).status_code == 400

    volume = await volumes.volume(size=2)
    for size, words in ((5, "per_volume"), (4, "VolumeSizeExceedsAvailableQuota")):
        answer = await volumes.call("POST", "/volumes", json={"volume": {"size": size}})
        assert answer.status_code == 413
        assert answer.json()["overLimit"]["code"] == 413
        assert words == "per_volume" or words in answer.json()["overLimit"]["message"]
    await volumes.volume(size=1)
    assert (await volumes.call("POST", "/volumes", json={"volume": {"size": 1}})).status_code == 413
    await volumes.snapshot(volume["id"])
    again = {"snapshot": {"volume_id": volume["id"]}}
    assert (await volumes.call("POST", "/snapshots", json=again)).status_code == 413

    used = (await volumes.call("GET", "/os-quota-sets/red?usage=True")).json()["quota_set"]
    assert used["volumes"] == {"limit": 2, "in_use": 2, "reserved": 0}
    assert used["gigabytes"]["in_use"] == 5
    absolute = (await volumes.call("GET", "/limits")).json()["limits"]["absolute"]
    assert (absolute["maxTotalVolumes"], absolute["totalVolumesUsed"], absolute["totalGigabytesUsed"]) == (2, 2, 5)
    assert (await volumes.call("GET", "/os-quota-sets/blue")).status_code == 403
    assert (await volumes.call("DELETE", "/os-quota-sets/red", "admin")).status_code == 200
    assert (await volumes.call("GET", "/os-quota-sets/red")).json()["quota_set"]["volumes"] == 10


async def test_types_are_made_changed_and_kept_while_used(volumes: VolumeCloud) -> None:
    default = (await volumes.call("GET", "/types/default")).json()["volume_type"]
    assert default["name"] == "kilonova"
    body = {"volume_type": {"name": "fast", "extra_specs": {"tier": "1"}}}
    assert (await volumes.call("POST", "/types", json=body)).status_code == 403
    made = (await volumes.call("POST", "/types", "admin", json=body)).json()["volume_type"]
    assert (await volumes.call("POST", "/types", "admin", json=body)).status_code == 409
    url = f"/types/{made['id']}"
    added = await volumes.call("POST", f"{url}/extra_specs", "admin", json={"extra_specs": {"a": "b"}})
    assert added.json() == {"extra_specs": {"a": "b"}}
    assert (await volumes.call("PUT", f"{url}/extra_specs/a", "admin", json={"a": "c"})).json() == {"a": "c"}
    assert (await volumes.call("DELETE", f"{url}/extra_specs/tier", "admin")).status_code == 202
    assert (await volumes.call("GET", f"{url}/extra_specs")).json() == {"extra_specs": {"a": "c"}}
    renamed = await volumes.call("PUT", url, "admin", json={"volume_type": {"name": "faster"}})
    assert renamed.json()["volume_type"]["name"] == "faster"
    volume = await volumes.volume(volume_type="faster")
    assert (await volumes.call("DELETE", url, "admin")).status_code == 400
    assert (
        await volumes.act(volume["id"], "os-retype", new_type="kilonova", migration_policy="never")
    ).status_code == 202
    assert (await volumes.call("DELETE", url, "admin")).status_code == 202
    assert (await volumes.call("GET", url)).status_code == 404


async def test_private_types_are_for_those_they_are_granted_to(volumes: VolumeCloud) -> None:
    body = {"volume_type": {"name": "secret", "os-volume-type-access:is_public": False}}
    made = (await volumes.call("POST", "/types", "admin", json=body)).json()["volume_type"]
    url = f"/types/{made['id']}"
    new = {"volume": {"size": 1, "volume_type": "secret"}}
    assert (await volumes.call("GET", url)).status_code == 404
    assert (await volumes.call("POST", "/volumes", json=new)).status_code == 404
    grant = {"addProjectAccess": {"project": "red"}}
    assert (await volumes.call("POST", f"{url}/action", "admin", json=grant)).status_code == 202
    assert (await volumes.call("POST", f"{url}/action", "admin", json=grant)).status_code == 409
    assert (await volumes.call("POST", "/volumes", json=new)).status_code == 202
    names = [one["name"] for one in (await volumes.call("GET", "/types")).json()["volume_types"]]
    assert names == ["kilonova", "secret"]
    assert len((await volumes.call("GET", "/types", "bert")).json()["volume_types"]) == 1
    told = (await volumes.call("GET", f"{url}/os-volume-type-access", "admin")).json()["volume_type_access"]
    assert [one["project_id"] for one in told] == ["red"]


async def test_the_service_tells_of_itself(volumes: VolumeCloud) -> None:
    zones = (await volumes.call("GET", "/os-availability-zone")).json()["availabilityZoneInfo"]
    assert zones == [{"zoneName": "nova", "zoneState": {"available": True}}]
    assert (await volumes.call("GET", "/os-services")).status_code == 403
    services = (await volumes.call("GET", "/os-services", "admin")).json()["services"]
    assert [(one["binary"], one["state"]) for one in services] == [("cinder-volume", "up")]
    pools = (await volumes.call("GET", "/scheduler-stats/get_pools?detail=True", "admin")).json()["pools"]
    assert pools[0]["capabilities"]["free_capacity_gb"] > 0
    assert (await volumes.call("GET", "/extensions")).json()["extensions"]
    summary = (await volumes.call("GET", "/volumes/summary")).json()["volume-summary"]
    assert summary == {"total_count": 0, "total_size": 0, "metadata": {}}
    assert (await volumes.call("GET", "/backups")).status_code == 404
