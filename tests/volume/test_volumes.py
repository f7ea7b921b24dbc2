"""Volumes: made, changed, listed, deleted."""

import os
import subprocess
from pathlib import Path

import pytest

from kilonova.aio.clock import SystemClock
from kilonova.model.volume import VolumeStatus
from tests.volume.conftest import GIB, VolumeCloud


async def raw_image(volumes: VolumeCloud, bits: bytes, **more: object) -> str:
    image = await volumes.image.create(
        "anna", name="disk", disk_format="raw", container_format="bare", properties={"os_distro": "x"}, **more
    )
    path = volumes.directory.parent / "bits"
    path.write_bytes(bits)
    await volumes.image.upload(image.id, path, "anna")
    return image.id


async def test_a_blank_volume_is_a_sparse_file(volumes: VolumeCloud) -> None:
    volume = await volumes.volume(name="one", description="d", metadata={"a": "b"}, size=3)

    assert volume["status"] == "available"
    assert (volume["name"], volume["size"], volume["bootable"], volume["metadata"]) == ("one", 3, "false", {"a": "b"})
    assert volume["volume_type"] == "kilonova"
    assert volume["os-vol-tenant-attr:tenant_id"] == "red"
    found = volumes.path(volume["id"]).stat()
    assert found.st_size == 3 * GIB
    assert found.st_blocks * 512 < 1024 * 1024


async def test_an_empty_id_is_no_volume_rather_than_the_list(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()

    for prefix in ("", "/red"):
        assert (await volumes.call("GET", f"{prefix}/volumes/")).status_code == 404
        listed = (await volumes.call("GET", f"{prefix}/volumes")).json()["volumes"]
        assert [one["id"] for one in listed] == [volume["id"]]


async def test_fields_follow_the_microversion_and_the_role(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    assert "volume_type_id" not in await volumes.show(volume["id"], minor=62)
    assert (await volumes.show(volume["id"], minor=63))["volume_type_id"]
    assert "os-vol-host-attr:host" not in volume
    assert (await volumes.show(volume["id"], "admin"))["os-vol-host-attr:host"] == "kilonova@file#file"


async def test_versions_are_negotiated(volumes: VolumeCloud) -> None:
    for header, status, told in (
        (None, 200, "volume 3.0"),
        ("volume 3.44", 200, "volume 3.44"),
        ("volume latest", 200, "volume 3.68"),
        ("compute 2.1, volume 3.5", 200, "volume 3.5"),
        ("volume 3.999", 406, None),
        ("volume 2.0", 406, None),
        ("volume x", 400, None),
    ):
        headers = {"X-Auth-Token": "anna"} | ({"OpenStack-API-Version": header} if header else {})
        answer = await volumes.http.get("/volume/v3/volumes", headers=headers)
        assert (answer.status_code, answer.headers.get("openstack-api-version")) == (status, told), header


async def test_version_documents_need_no_token(volumes: VolumeCloud) -> None:
    for path, status in (("/volume/", 300), ("/volume/v3/", 200)):
        answer = await volumes.http.get(path)
        assert answer.status_code == status
        told = answer.json()["versions"][0]
        assert (told["version"], told["min_version"]) == ("3.68", "3.0")
        assert told["links"][0]["href"] == "http://cloud/volume/v3/"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"volume": None}, {"volume": []}, {"volume": {}}, {"volume": {"size": 0}}, {"volume": {"size": -1}},
        {"volume": {"size": "x"}}, {"volume": {"size": 1.5}}, {"volume": {"size": 10**12}},
        {"volume": {"size": 1, "name": "x" * 256}}, {"volume": {"size": 1, "metadata": {"a": 1}}},
        {"volume": {"size": 1, "metadata": {"": "x"}}}, {"volume": {"size": 1, "availability_zone": "mars"}},
        {"volume": {"size": 1, "imageRef": "x", "snapshot_id": "y"}}, {"volume": {"size": 1, "imageRef": "x"}},
        {"volume": {"size": 1, "backup_id": "x"}},
    ],
)  # fmt: skip
async def test_wrong_bodies_make_nothing(volumes: VolumeCloud, body: object) -> None:
    answer = await volumes.call("POST", "/volumes", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["badRequest"]["code"] == 400
    assert (await volumes.call("GET", "/volumes")).json()["volumes"] == []


async def test_unknown_sources_and_types_are_not_found(volumes: VolumeCloud) -> None:
    bodies: list[dict[str, str]] = [{"snapshot_id": "x"}, {"source_volid": "x"}, {"volume_type": "x"}]
    for body in bodies:
        answer = await volumes.call("POST", "/volumes", json={"volume": {"size": 1, **body}})
        assert answer.status_code == 404
        assert "itemNotFound" in answer.json()


async def test_others_do_not_see_a_volume(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    url = f"/volumes/{volume['id']}"
    for method, path, json in (
        ("GET", url, None),
        ("PUT", url, {"volume": {"name": "x"}}),
        ("DELETE", url, None),
        ("POST", f"{url}/action", {"os-extend": {"new_size": 2}}),
        ("POST", "/snapshots", {"snapshot": {"volume_id": volume["id"]}}),
        ("POST", "/attachments", {"attachment": {"volume_uuid": volume["id"]}}),
    ):
        assert (await volumes.call(method, path, "bert", json=json)).status_code == 404, (method, path)
    assert (await volumes.call("GET", "/volumes/detail?all_tenants=1", "bert")).json()["volumes"] == []
    assert (await volumes.call("GET", "/red/volumes", "bert")).status_code == 400
    assert (await volumes.call("DELETE", url, "rita")).status_code == 403
    assert (await volumes.call("POST", "/volumes", "rita", json={"volume": {"size": 1}})).status_code == 403
    assert (await volumes.call("GET", url, "nobody")).status_code == 401


async def test_a_service_creates_for_a_project(volumes: VolumeCloud) -> None:
    made = await volumes.client.create("nova", size=1, project_id="red", metadata={"server": "s1"})
    await volumes.settled(made.id)
    assert (await volumes.client.show(made.id, "nova")).project_id == "red"
    assert [one.id for one in await volumes.client.list("nova", metadata={"server": "s1"})] == [made.id]
    assert list(await volumes.client.list("nova", metadata={"server": "s2"})) == []


async def test_a_raw_image_becomes_a_volume(volumes: VolumeCloud) -> None:
    bits = os.urandom(100_000) + bytes(1_000_000) + os.urandom(7)
    image_id = await raw_image(volumes, bits)
    volume = await volumes.volume(imageRef=image_id)

    assert volume["status"] == "available"
    assert volume["bootable"] == "true"
    told = volume["volume_image_metadata"]
    assert (told["image_id"], told["image_name"], told["os_distro"]) == (image_id, "disk", "x")
    content = volumes.path(volume["id"])
    assert content.stat().st_size == GIB
    with content.open("rb") as file:
        assert file.read(len(bits)) == bits
    assert content.stat().st_blocks * 512 < 800_000


async def test_a_qcow2_image_becomes_a_raw_volume(volumes: VolumeCloud, tmp_path: Path) -> None:
    raw, packed = tmp_path / "a.raw", tmp_path / "a.qcow2"
    raw.write_bytes(b"hello" * 1000 + bytes(3 * 1024 * 1024 - 5000))
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", str(raw), str(packed)], check=True)
    image = await volumes.image.create("anna", name="q", disk_format="qcow2", container_format="bare")
    await volumes.image.upload(image.id, packed, "anna")
    volume = await volumes.volume(imageRef=image.id)

    assert volume["status"] == "available"
    with volumes.path(volume["id"]).open("rb") as file:
        assert file.read(5000) == b"hello" * 1000
    assert volumes.files() == [f"volume-{volume['id']}"]


async def test_an_image_must_fit_and_be_seen(volumes: VolumeCloud, tmp_path: Path) -> None:
    packed = tmp_path / "big.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(packed), "5G"], check=True)
    big = await volumes.image.create("anna", name="q", disk_format="qcow2", container_format="bare")
    await volumes.image.upload(big.id, packed, "anna")
    hungry = await raw_image(volumes, b"x", min_disk=2)
    queued = await volumes.image.create("anna", name="queued", disk_format="raw", container_format="bare")
    for image_id, who, words in (
        (big.id, "anna", "larger than volume size 1GB"),
        (hungry, "anna", "minDisk"),
        (queued.id, "anna", "not active"),
        (hungry, "bert", "unable to access requested image"),
    ):
        answer = await volumes.call("POST", "/volumes", who, json={"volume": {"size": 1, "imageRef": image_id}})
        assert answer.status_code == 400
        assert words in answer.json()["badRequest"]["message"]


async def test_bits_damaged_on_the_way_make_no_volume(volumes: VolumeCloud) -> None:
    image_id = await raw_image(volumes, b"x" * 1000)
    (volumes.directory.parent / "images" / image_id).write_bytes(b"y" * 1000)
    volume = await volumes.volume(imageRef=image_id)
    assert volume["status"] == "error"
    assert volumes.files() == []
    assert (await volumes.call("DELETE", f"/volumes/{volume['id']}")).status_code == 202
    await volumes.gone(f"/volumes/{volume['id']}")


async def test_a_volume_is_copied(volumes: VolumeCloud) -> None:
    first = await volumes.volume(metadata={"a": "b"})
    with volumes.path(first["id"]).open("r+b") as file:
        file.seek(500_000)
        file.write(b"content")
    second = await volumes.volume(source_volid=first["id"], size=2)
    assert (second["source_volid"], second["size"]) == (first["id"], 2)
    with volumes.path(second["id"]).open("rb") as file:
        file.seek(500_000)
        assert file.read(7) == b"content"
    assert volumes.path(second["id"]).stat().st_size == 2 * GIB
    small = {"volume": {"source_volid": second["id"], "size": 1}}
    assert (await volumes.call("POST", "/volumes", json=small)).status_code == 400


async def test_a_deleted_volume_leaves_nothing(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    assert (await volumes.call("DELETE", f"/volumes/{volume['id']}")).status_code == 202
    await volumes.gone(f"/volumes/{volume['id']}")
    assert volumes.files() == []
    assert (await volumes.call("DELETE", f"/volumes/{volume['id']}")).status_code == 404


async def test_extending_needs_rest_and_room(volumes: VolumeCloud) -> None:
    volume = await volumes.volume(size=2)
    for new_size in (1, 2):
        refused = await volumes.act(volume["id"], "os-extend", new_size=new_size)
        assert refused.status_code == 400
        assert "must be greater than current size" in refused.json()["badRequest"]["message"]
    assert (await volumes.act(volume["id"], "os-extend", new_size=2000)).status_code == 413
    assert (await volumes.act(volume["id"], "os-extend", new_size=5)).status_code == 202
    extended = await volumes.settled(volume["id"])
    assert (extended["status"], extended["size"]) == ("available", 5)
    assert volumes.path(volume["id"]).stat().st_size == 5 * GIB
    await volumes.attach(volume["id"], "2b8a3e8e-0000-4000-8000-000000000001")
    assert (await volumes.act(volume["id"], "os-extend", new_size=6)).status_code == 400


@pytest.mark.parametrize("disk_format", ["qcow2", pytest.param("raw", marks=pytest.mark.slow)])
async def test_a_volume_becomes_an_image(volumes: VolumeCloud, disk_format: str) -> None:
    volume = await volumes.volume(imageRef=await raw_image(volumes, b"boot me"))
    answer = await volumes.act(volume["id"], "os-volume_upload_image", image_name="made", disk_format=disk_format)
    assert answer.status_code == 202
    image_id = answer.json()["os-volume_upload_image"]["image_id"]
    assert (await volumes.settled(volume["id"]))["status"] == "available"
    image = await volumes.image.show(image_id, "anna")
    assert (image.status, image.disk_format, image.min_disk) == ("active", disk_format, 1)
    assert (image.virtual_size, image.properties) == (GIB, {"os_distro": "x"})
    assert volumes.files() == [f"volume-{volume['id']}"]
    refused = await volumes.act(volume["id"], "os-volume_upload_image", image_name="made", disk_format="vmdk")
    assert refused.status_code == 400


async def test_small_actions(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    assert (await volumes.act(volume["id"], "os-set_bootable", bootable="True")).status_code == 200
    assert (await volumes.show(volume["id"]))["bootable"] == "true"
    assert (await volumes.act(volume["id"], "os-update_readonly_flag", readonly=True)).status_code == 202
    assert (await volumes.show(volume["id"]))["metadata"] == {"readonly": "True"}
    set_ = await volumes.act(volume["id"], "os-set_image_metadata", metadata={"hw_disk_bus": "scsi"})
    assert set_.json() == {"metadata": {"hw_disk_bus": "scsi"}}
    assert (await volumes.act(volume["id"], "os-unset_image_metadata", key="hw_disk_bus")).status_code == 200
    assert (await volumes.act(volume["id"], "os-reset_status", status="error")).status_code == 403
    assert (await volumes.act(volume["id"], "os-reset_status", "admin", status="nonsense")).status_code == 400
    assert (await volumes.act(volume["id"], "os-reset_status", "admin", status="maintenance")).status_code == 202
    assert (await volumes.call("DELETE", f"/volumes/{volume['id']}")).status_code == 400
    assert (await volumes.act(volume["id"], "os-force_delete")).status_code == 403
    assert (await volumes.act(volume["id"], "os-force_delete", "admin")).status_code == 202
    await volumes.gone(f"/volumes/{volume['id']}")


async def test_unknown_actions_are_refused(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    bodies: list[object] = [
        {"os-fly": {}},
        {},
        [],
        {"os-extend": {}, "revert": {}},
        {"os-extend": 5},
        {"os-extend": None},
    ]
    for body in bodies:
        answer = await volumes.call("POST", f"/volumes/{volume['id']}/action", json=body)
        assert answer.status_code == 400, body


async def test_names_and_metadata_change(volumes: VolumeCloud) -> None:
    volume = await volumes.volume(name="one", metadata={"a": "1"})
    url = f"/volumes/{volume['id']}"
    changed = await volumes.call("PUT", url, json={"volume": {"name": "two", "description": None}})
    assert changed.json()["volume"]["name"] == "two"
    assert (await volumes.call("POST", f"{url}/metadata", json={"metadata": {"b": "2"}})).json() == {
        "metadata": {"a": "1", "b": "2"}
    }
    assert (await volumes.call("PUT", f"{url}/metadata/b", json={"meta": {"b": "3"}})).json() == {"meta": {"b": "3"}}
    assert (await volumes.call("PUT", f"{url}/metadata/b", json={"meta": {"c": "3"}})).status_code == 400
    assert (await volumes.call("DELETE", f"{url}/metadata/a")).status_code == 200
    assert (await volumes.call("DELETE", f"{url}/metadata/a")).status_code == 404
    assert (await volumes.call("GET", f"{url}/metadata")).json() == {"metadata": {"b": "3"}}
    assert (await volumes.call("PUT", f"{url}/metadata", json={"metadata": {}})).json() == {"metadata": {}}


async def test_lists_filter_sort_and_page(volumes: VolumeCloud) -> None:
    for number in range(5):
        await volumes.volume(name=f"v{number}", size=1 + number % 2, metadata={"n": str(number)})
    for query, expected in (
        ("sort=name:asc", ["v0", "v1", "v2", "v3", "v4"]),
        ("", ["v4", "v3", "v2", "v1", "v0"]),
        ("sort=size:desc,name:asc", ["v1", "v3", "v0", "v2", "v4"]),
        ("name=v2", ["v2"]),
        ("status=error", []),
        ("metadata={'n': '3'}", ["v3"]),
        ("bootable=true", []),
        ("limit=2&offset=1&sort=name:asc", ["v1", "v2"]),
        ("volume_type=kilonova&limit=1&sort=name:asc", ["v0"]),
    ):
        answer = await volumes.call("GET", f"/volumes?{query}")
        assert [one["name"] for one in answer.json()["volumes"]] == expected, query
    for wrong in ("limit=x", "offset=-1", "sort=x", "sort=name:up", "marker=x", "metadata=x", "metadata=[1]"):
        assert (await volumes.call("GET", f"/volumes?{wrong}")).status_code == 400, wrong
    counted = await volumes.call("GET", "/volumes?limit=1&with_count=true")
    assert counted.json()["count"] == 5

    seen: list[str] = []
    path = "/volumes/detail?limit=2&sort=size:asc"
    while path:
        page = (await volumes.call("GET", path)).json()
        seen += [one["name"] for one in page["volumes"]]
        path = page["volumes_links"][0]["href"].partition("/v3")[2] if "volumes_links" in page else ""
    assert seen == ["v0", "v2", "v4", "v1", "v3"]


async def test_a_page_costs_four_queries_however_long_it_is(volumes: VolumeCloud) -> None:
    for number in range(8):
        await volumes.volume(metadata={"n": str(number)})
    before = volumes.db.executed
    assert len((await volumes.call("GET", "/volumes/detail")).json()["volumes"]) == 8
    assert volumes.db.executed - before == 4


async def test_waiting_for_a_volume_ends_with_it(volumes: VolumeCloud) -> None:
    made = await volumes.client.create("anna", size=1)
    ready = await volumes.client.ready(made.id, "anna", SystemClock())
    assert ready.status == VolumeStatus.AVAILABLE
