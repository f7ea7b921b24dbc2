"""The same on each database."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kilonova.db.create import create_all
from kilonova.model.errors import BadRequest
from tests.volume.conftest import VolumeCloud, start_volumes, stop_volumes


@pytest.fixture
async def volumes(database_url: str, tmp_path: Path) -> AsyncIterator[VolumeCloud]:
    await create_all(database_url)
    cloud = await start_volumes(database_url, tmp_path)
    yield cloud
    await stop_volumes(cloud)


async def test_volumes_live_their_lives(volumes: VolumeCloud) -> None:
    one = await volumes.volume(name="one", size=2, metadata={"k": "v"})
    two = await volumes.volume(name=None, size=2, source_volid=one["id"])
    for query, expected in (
        ("sort=name:asc", [None, "one"]),
        (f"sort=created_at:asc&marker={one['id']}", [None]),
        ("metadata={'k': 'v'}", ["one"]),
        ("status=available&limit=1&sort=size:desc,name:desc", ["one"]),
        ("name=one&volume_type=kilonova&bootable=false", ["one"]),
    ):
        answer = await volumes.call("GET", f"/volumes/detail?{query}")
        assert [shown["name"] for shown in answer.json()["volumes"]] == expected, query
    snapshot = await volumes.snapshot(one["id"], metadata={"a": "b"})
    assert (await volumes.act(two["id"], "os-extend", new_size=3)).status_code == 202
    assert (await volumes.settled(two["id"]))["size"] == 3
    attachment = await volumes.attach(two["id"], str(uuid.uuid4()))
    await volumes.client.attachment_delete(attachment, "nova")
    assert (await volumes.call("DELETE", f"/volumes/{one['id']}?cascade=true")).status_code == 202
    await volumes.gone(f"/volumes/{one['id']}")
    await volumes.gone(f"/snapshots/{snapshot['id']}")
    assert volumes.files() == [f"volume-{two['id']}"]


async def test_racing_requests_do_not_pass_the_quota(volumes: VolumeCloud) -> None:
    body = {"volume": {"size": 1}}
    answers = await asyncio.gather(*(volumes.call("POST", "/volumes", json=body) for _ in range(16)))
    assert sorted(answer.status_code for answer in answers) == [202] * 10 + [413] * 6


async def test_racing_reservations_have_one_winner(volumes: VolumeCloud) -> None:
    volume = await volumes.volume()
    attempts = [volumes.client.attachment_create(volume["id"], str(uuid.uuid4()), "nova") for _ in range(8)]
    outcomes = await asyncio.gather(*attempts, return_exceptions=True)
    assert [type(one) for one in outcomes if isinstance(one, BaseException)] == [BadRequest] * 7
