"""The image cache: each image once, checked, kept while used."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from kilonova.aio.blocking import blocking
from kilonova.aio.clock import SystemClock
from kilonova.image.bootsector import boot_sector
from kilonova.virt.image_cache import ImageCache, UnacceptableImage, Write, image_format

RAW = boot_sector()


def writes(content: bytes, declared: str | None = None) -> Write:
    async def write(path: Path) -> str | None:
        await asyncio.sleep(0.01)
        await blocking(path.write_bytes, content)
        return declared

    return write


async def must_not_write(path: Path) -> None:
    raise AssertionError("asked for again")


def qcow2(path: Path, *options: str) -> bytes:
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *options, path, "1M"], check=True)
    return path.read_bytes()


@pytest.fixture
def cache(tmp_path: Path) -> ImageCache:
    return ImageCache(tmp_path / "cache", clock=SystemClock())


async def test_an_image_is_written_once(cache: ImageCache) -> None:
    first = await cache.fetch("image-1", writes(RAW))

    assert await cache.fetch("image-1", must_not_write) == first
    assert first.read_bytes() == RAW


async def test_many_that_ask_at_once_wait_for_one(cache: ImageCache) -> None:
    calls = []

    async def write(path: Path) -> None:
        calls.append(path)
        await writes(RAW)(path)

    paths = await asyncio.gather(*(cache.fetch("image-1", write) for _ in range(10)))

    assert len(calls) == len(set(paths)) == 1


async def test_a_download_that_fails_leaves_nothing_and_may_be_tried_again(cache: ImageCache, tmp_path: Path) -> None:
    async def breaks(path: Path) -> None:
        await blocking(path.write_bytes, b"half")
        raise ConnectionError("cut")

    with pytest.raises(ConnectionError):
        await cache.fetch("image-1", breaks)

    assert os.listdir(tmp_path / "cache") == []
    assert (await cache.fetch("image-1", writes(RAW))).read_bytes() == RAW


async def test_one_that_gives_up_does_not_spoil_it_for_the_others(cache: ImageCache) -> None:
    impatient = asyncio.create_task(cache.fetch("image-1", writes(RAW)))
    patient = asyncio.create_task(cache.fetch("image-1", writes(RAW)))
    await asyncio.sleep(0)
    impatient.cancel()

    assert (await patient).read_bytes() == RAW


async def test_the_true_format_is_told(cache: ImageCache, tmp_path: Path) -> None:
    assert image_format(await cache.fetch("a", writes(RAW))) == "raw"
    assert image_format(await cache.fetch("b", writes(b"plain bytes" * 1000))) == "raw"
    assert image_format(await cache.fetch("c", writes(qcow2(tmp_path / "x")))) == "qcow2"


async def test_a_qcow2_that_names_other_files_is_refused(cache: ImageCache, tmp_path: Path) -> None:
    backed = qcow2(tmp_path / "x", "-b", "/etc/passwd", "-F", "raw")
    split = qcow2(tmp_path / "y", "-o", f"data_file={tmp_path / 'data'}")

    for number, hostile in enumerate((backed, split)):
        with pytest.raises(UnacceptableImage):
            await cache.fetch(f"image-{number}", writes(hostile))
    assert os.listdir(tmp_path / "cache") == []


async def test_a_qcow2_in_raws_clothing_is_refused(cache: ImageCache, tmp_path: Path) -> None:
    disguised = qcow2(tmp_path / "x")

    with pytest.raises(UnacceptableImage):
        await cache.fetch("a", writes(disguised, "raw"))
    with pytest.raises(UnacceptableImage):
        await cache.fetch("b", writes(RAW, "qcow2"))


async def test_other_formats_are_refused(cache: ImageCache) -> None:
    vmdk = b"KDMV" + (1).to_bytes(4, "little") + bytes(4096)

    with pytest.raises(UnacceptableImage):
        await cache.fetch("image-1", writes(vmdk))


class SlowClock(SystemClock):
    later_s = 0.0

    def time(self) -> float:
        return super().time() + self.later_s


async def test_what_nobody_asked_for_in_a_while_goes_unless_it_is_used(tmp_path: Path) -> None:
    clock = SlowClock()
    cache = ImageCache(tmp_path / "cache", clock=clock)
    used = await cache.fetch("used", writes(RAW))
    old = await cache.fetch("old", writes(RAW))
    os.link(used, tmp_path / "root.base")
    clock.later_s = 3600
    fresh = await cache.fetch("fresh", writes(RAW))

    assert await cache.expire(unused_for_s=1800) == [old]
    assert used.exists()
    assert fresh.exists()


async def test_a_killed_download_is_swept_away_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/abc.part").write_bytes(b"half")

    ImageCache(tmp_path / "cache", clock=SystemClock())

    assert os.listdir(tmp_path / "cache") == []
