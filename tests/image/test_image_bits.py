"""Bits, in and out."""

import asyncio
import hashlib
import os
import resource
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.image.conftest import ImageCloud, start_images, stop_images
from tests.image.hostile import corpus, qcow2

MIB = 1024 * 1024


async def test_what_goes_in_comes_out(images: ImageCloud) -> None:
    bits = os.urandom(3 * MIB + 17)
    image = await images.active(bits)

    assert image["status"] == "active"
    assert image["size"] == image["virtual_size"] == len(bits)
    assert image["checksum"] == hashlib.md5(bits).hexdigest()
    assert (image["os_hash_algo"], image["os_hash_value"]) == ("sha512", hashlib.sha512(bits).hexdigest())
    answer = await images.call("GET", f"/images/{image['id']}/file")
    assert answer.content == bits
    assert answer.headers["content-md5"] == image["checksum"]
    assert images.files() == [image["id"]]


async def test_a_qcow2_tells_the_size_of_its_disk(images: ImageCloud, tmp_path: Path) -> None:
    bits = qcow2(tmp_path / "images", size="16M").read_bytes()
    image = await images.active(bits, disk_format="qcow2")
    assert image["virtual_size"] == 16 * MIB
    assert image["size"] == len(bits)


async def test_a_partitioned_disk_is_a_raw_disk(images: ImageCloud) -> None:
    boot_sector = bytes(510) + b"\x55\xaa" + bytes(100_000)
    assert (await images.active(boot_sector))["status"] == "active"


async def test_hostile_images_are_refused_and_leave_nothing(images: ImageCloud, tmp_path: Path) -> None:
    made = tmp_path / "hostile"
    made.mkdir()
    for what, (declared, bits) in corpus(made).items():
        image = await images.image(disk_format=declared)
        answer = await images.upload(image["id"], bits)
        assert answer.status_code == 415, (what, answer.text)
        assert (await images.show(image["id"]))["status"] == "killed", what
        assert images.files() == []


async def test_bits_need_formats_and_a_queued_image(images: ImageCloud) -> None:
    bare = (await images.call("POST", "/images", json={})).json()
    assert (await images.upload(bare["id"], b"x")).status_code == 400
    image = await images.active()
    again = await images.upload(image["id"], b"other")
    assert again.status_code == 409
    assert again.json()["message"] == "Image status transition from active to saving is not allowed"
    other = await images.image()
    assert (await images.upload(other["id"], b"x", **{"Content-Type": "application/json"})).status_code == 415
    assert (await images.upload(other["id"], b"x", "bert")).status_code == 404
    assert (await images.upload(other["id"], b"x", "rita")).status_code == 403


async def test_an_image_without_bits_reads_as_nothing(images: ImageCloud) -> None:
    image = await images.image()
    answer = await images.call("GET", f"/images/{image['id']}/file")
    assert (answer.status_code, answer.content) == (204, b"")


async def test_a_part_can_be_read(images: ImageCloud) -> None:
    image = await images.active(b"0123456789")
    for asked, status, content in (
        ("bytes=2-4", 206, b"234"),
        ("bytes=8-", 206, b"89"),
        ("bytes=-3", 206, b"789"),
        ("bytes=0-99", 206, b"0123456789"),
        ("bytes=10-", 416, b""),
        ("bytes=4-2", 416, b""),
        ("bytes=-", 416, b""),
        ("lines=1-2", 416, b""),
    ):
        answer = await images.call("GET", f"/images/{image['id']}/file", headers={"Range": asked})
        assert (answer.status_code, answer.content) == (status, content), asked


async def test_an_image_is_deactivated_by_its_project_and_its_bits_are_for_admins_then(images: ImageCloud) -> None:
    image = await images.active()
    url = f"/images/{image['id']}"
    assert (await images.call("POST", f"{url}/actions/deactivate")).status_code == 204
    assert (await images.call("GET", f"{url}/file")).status_code == 403
    assert (await images.call("GET", f"{url}/file", "admin")).content == b"bits"
    assert (await images.call("POST", f"{url}/actions/reactivate", "admin")).status_code == 204
    assert (await images.call("GET", f"{url}/file")).content == b"bits"
    queued = await images.image()
    assert (await images.call("POST", f"/images/{queued['id']}/actions/deactivate", "admin")).status_code == 409


async def test_a_broken_transfer_can_be_tried_again(images: ImageCloud) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"x" * 2 * MIB
        raise OSError("the client's disk failed")

    image = await images.image()
    with pytest.raises(OSError, match="client's disk"):
        await images.upload(image["id"], breaking())
    assert (await images.show(image["id"]))["status"] == "queued"
    assert images.files() == []
    assert (await images.upload(image["id"], b"whole")).status_code == 204


async def test_a_cancelled_transfer_can_be_tried_again(images: ImageCloud) -> None:
    arrived = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * MIB
            arrived.set()
            await asyncio.sleep(0)

    image = await images.image()
    transfer = asyncio.create_task(images.upload(image["id"], endless()))
    await arrived.wait()
    transfer.cancel()
    await asyncio.gather(transfer, return_exceptions=True)
    assert (await images.show(image["id"]))["status"] == "queued"
    assert images.files() == []


async def test_two_uploads_at_once_have_one_winner(images: ImageCloud) -> None:
    image = await images.image()
    answers = await asyncio.gather(*(images.upload(image["id"], bytes([n]) * MIB) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 409, 409, 409]
    bits = (await images.call("GET", f"/images/{image['id']}/file")).content
    assert len(bits) == MIB
    assert len(set(bits)) == 1


async def test_an_image_deleted_during_its_upload_stays_deleted(images: ImageCloud) -> None:
    image = await images.image()

    async def interrupted() -> AsyncIterator[bytes]:
        yield b"x"
        assert (await images.call("DELETE", f"/images/{image['id']}")).status_code == 204
        yield b"y"

    answer = await images.upload(image["id"], interrupted())
    assert answer.status_code == 410
    assert images.files() == []


async def test_limits_are_kept_announced_or_not(images: ImageCloud, tmp_path: Path) -> None:
    object.__setattr__(images.settings, "max_size_bytes", 2 * MIB)
    object.__setattr__(images.settings, "project_quota_bytes", 3 * MIB)

    async def unannounced(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield bytes(MIB)

    image = await images.image()
    assert (await images.upload(image["id"], bytes(2 * MIB + 1))).status_code == 413
    assert (await images.upload(image["id"], unannounced(3))).status_code == 413
    assert (await images.upload(image["id"], b"", **{"X-OpenStack-Image-Size": "x"})).status_code == 400
    assert images.files() == []
    assert (await images.upload(image["id"], unannounced(2))).status_code == 204
    second = await images.image()
    assert (await images.upload(second["id"], unannounced(2))).status_code == 413
    assert (await images.upload(second["id"], unannounced(1))).status_code == 204
    third = await images.image()
    assert (await images.upload(third["id"], b"x")).status_code == 413
    assert (await images.show(third["id"]))["status"] == "queued"


async def test_big_images_do_not_live_in_memory(images: ImageCloud) -> None:
    async def many() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield bytes(MIB)

    image = await images.image()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (await images.upload(image["id"], many())).status_code == 204
    total = 0
    url, headers = f"/image/v2/images/{image['id']}/file", {"X-Auth-Token": "anna"}
    async with images.http.stream("GET", url, headers=headers) as answer:
        async for chunk in answer.aiter_bytes():
            total += len(chunk)
    assert total == 200 * MIB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


# A process of its own: it takes a token for a caller, serves on a socket, and is killed in the middle of an upload.
_SERVER = """
import asyncio, socket, sys
import uvicorn
from pathlib import Path
from kilonova.image.service import ImageSettings
from kilonova.web.application import Mounts
from tests.image.conftest import start_images

async def main(url, directory, descriptor):
    cloud = await start_images(url, ImageSettings(directory=Path(directory)))
    app = Mounts({"/image": cloud.service.app}, cloud.service.app)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    await server.serve([socket.socket(fileno=int(descriptor))])

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_service_killed_during_an_upload_forgets_it(images: ImageCloud, tmp_path: Path) -> None:
    image = await images.image()
    kept = await images.active(b"kept")
    url = f"sqlite:///{tmp_path}/images.sqlite"
    await stop_images(images)

    listener = socket.create_server(("127.0.0.1", 0))
    arguments = ["-c", _SERVER, url, str(images.directory), str(listener.fileno())]
    server = await asyncio.create_subprocess_exec(sys.executable, *arguments, pass_fds=[listener.fileno()])

    async def until_killed() -> AsyncIterator[bytes]:
        for number in range(1000):
            if number == 8:
                assert len(images.files()) == 2
                server.kill()
                await server.wait()
            yield bytes(MIB)

    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=base, timeout=30, trust_env=False) as http:
        headers = {"X-Auth-Token": "anna", "Content-Type": "application/octet-stream"}
        with pytest.raises(httpx.TransportError):
            await http.put(f"/image/v2/images/{image['id']}/file", content=until_killed(), headers=headers)
    listener.close()
    assert len(images.files()) == 2

    again = await start_images(url, images.settings)
    assert again.files() == [kept["id"]]
    assert (await again.show(image["id"]))["status"] == "queued"
    assert (await again.upload(image["id"], b"whole")).status_code == 204
    await stop_images(again)
