"""A process killed in the middle of its work: the next one finishes or undoes it."""

from pathlib import Path
from typing import Any

import pytest

from kilonova.db.create import create_all
from kilonova.model.time import Timestamp
from kilonova.model.volume import SnapshotStatus, VolumeStatus
from kilonova.volume.records import Snapshot, Volume
from kilonova.volume.store import snapshots as snapshot_rows
from kilonova.volume.store import volumes as volume_rows
from tests.volume.conftest import GIB, VolumeCloud, start_volumes, stop_volumes

NOW = Timestamp("2026-11-21T07:26:45.123456")


def left(volume_id: str, status: VolumeStatus, **more: Any) -> Volume:
    return Volume(
        id=volume_id, project_id="red", size=1, status=status, availability_zone="nova", created_at=NOW, **more
    )


@pytest.fixture
async def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/volumes.sqlite"
    await create_all(url)
    return url


async def test_what_was_begun_is_finished(url: str, tmp_path: Path) -> None:
    before = await start_volumes(url, tmp_path)
    image = await before.image.create("anna", name="i", disk_format="raw", container_format="bare")
    bits = tmp_path / "bits"
    bits.write_bytes(b"content")
    await before.image.upload(image.id, bits, "anna")
    target = await before.image.create("anna", name="t", disk_format="qcow2", container_format="bare")
    await _leave_behind(before, image.id, target.id)
    await stop_volumes(before)

    after = await start_volumes(url, tmp_path)
    for volume_id in ("blank", "from-image", "from-snapshot", "extending", "uploading"):
        assert (await after.settled(volume_id))["status"] == "available", volume_id
    await after.gone("/volumes/deleting")
    await after.gone("/snapshots/s-deleting")
    assert (await after.image.show(target.id, "anna")).status == "active"
    assert after.path("extending").stat().st_size == 3 * GIB
    for volume_id, content in (("from-image", b"content"), ("from-snapshot", b"snap")):
        with after.path(volume_id).open("rb") as file:
            assert file.read(len(content)) == content
    expected = ["blank", "extending", "from-image", "from-snapshot", "uploading"]
    assert after.files() == sorted(["snapshot-s", *(f"volume-{one}" for one in expected)])
    await stop_volumes(after)


async def _leave_behind(cloud: VolumeCloud, image_id: str, target_id: str) -> None:
    """Rows and files as a kill in the middle leaves them."""
    rows = [
        left("blank", VolumeStatus.CREATING),
        left("from-image", VolumeStatus.DOWNLOADING, image_id=image_id),
        left("from-snapshot", VolumeStatus.CREATING, snapshot_id="s"),
        left("deleting", VolumeStatus.DELETING),
        left("extending", VolumeStatus.EXTENDING, work={"size": 3}, previous_status=VolumeStatus.AVAILABLE),
        left("uploading", VolumeStatus.UPLOADING, work={"image_id": target_id}, previous_status=VolumeStatus.AVAILABLE),
    ]
    async with cloud.db.begin() as tx:
        for row in rows:
            await volume_rows.add(tx, row)
        for snapshot_id, status in (("s", SnapshotStatus.AVAILABLE), ("s-deleting", SnapshotStatus.DELETING)):
            made = Snapshot(id=snapshot_id, volume_id="x", project_id="red", size=1, status=status, created_at=NOW)
            await snapshot_rows.add(tx, made)
    for name in ("volume-extending", "volume-uploading", "snapshot-s", "snapshot-s-deleting"):
        (cloud.directory / name).write_bytes(b"snap" + bytes(GIB // 1024))
    for orphan in ("volume-of-nobody", "snapshot-of-nobody", ".part/volume-blank", ".part/from-image.qcow2"):
        (cloud.directory / orphan).write_bytes(b"half")


async def test_closing_gives_work_up_for_the_next_start(url: str, tmp_path: Path) -> None:
    before = await start_volumes(url, tmp_path)
    answer = await before.call("POST", "/volumes", json={"volume": {"size": 1}})
    await stop_volumes(before)

    after = await start_volumes(url, tmp_path)
    assert (await after.settled(answer.json()["volume"]["id"]))["status"] == "available"
    await stop_volumes(after)
