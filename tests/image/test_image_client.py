"""The client that compute and the API use, against the real service."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kilonova.model.errors import Conflict, NotFound, UnsupportedMedia
from kilonova.model.image import ImageStatus
from kilonova.observe import trace
from kilonova.peers.image import ImageClient, ImageCorrupt
from kilonova.web.application import Mounts
from kilonova.web.client import RestClient
from tests.image.conftest import ImageCloud


@pytest.fixture
async def client(images: ImageCloud) -> AsyncIterator[ImageClient]:
    app = Mounts({"/image": images.service.app}, images.service.app)
    rest = RestClient("image", "http://cloud/image", app=app)
    yield ImageClient(rest)
    await rest.close()


async def test_a_file_goes_in_and_comes_out(client: ImageClient, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(5_000_003))
    image = await client.create(
        "anna",
        name="d",
        disk_format="raw",
        container_format="bare",
        min_ram=64,
        properties={"hw_disk_bus": "virtio"},
    )
    await client.upload(image.id, source, "anna")

    saved = await client.save(image.id, target, "anna")

    assert target.read_bytes() == source.read_bytes()
    assert (saved.name, saved.status, saved.size, saved.min_ram) == ("d", ImageStatus.ACTIVE, 5_000_003, 64)
    assert saved.properties == {"hw_disk_bus": "virtio"}
    assert len(saved.created_at) == 26
    assert b"".join([piece async for piece in client.download(image.id, "anna")]) == source.read_bytes()
    await client.delete(image.id, "anna")
    with pytest.raises(NotFound, match="No image found with ID"):
        await client.show(image.id, "anna")


async def test_damaged_bits_are_noticed_and_not_kept(client: ImageClient, images: ImageCloud, tmp_path: Path) -> None:
    image = await images.active(b"x" * 1000)
    (images.directory / image["id"]).write_bytes(b"x" * 999 + b"y")
    with pytest.raises(ImageCorrupt):
        await client.save(image["id"], tmp_path / "target", "anna")
    assert not (tmp_path / "target").exists()


async def test_refusals_come_as_their_families(client: ImageClient, images: ImageCloud, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"QFI\xfb" + bytes(1000))
    image = await client.create("anna", name="x", disk_format="raw", container_format="bare")
    with pytest.raises(UnsupportedMedia, match="declared raw, but it is qcow2"):
        await client.upload(image.id, source, "anna")
    with pytest.raises(Conflict):
        await client.upload(image.id, source, "anna")
    with pytest.raises(NotFound):
        await client.save(image.id, tmp_path / "target", "bert")


async def test_lists_go_through_all_pages(client: ImageClient, images: ImageCloud) -> None:
    for number in range(203):
        await images.image(name=f"n{number % 2}")
    assert len(await client.list("anna")) == 203
    assert len(await client.list("anna", name="n1")) == 101


async def test_reading_an_image_is_a_step_when_a_host_does_it(client: ImageClient, images: ImageCloud) -> None:
    spans: list[trace.Span] = []
    image = await images.active()
    trace.set_sink(spans.append)
    place = trace.begin_trace()
    try:
        for service in ("api", "compute"):
            with trace.serving(service, trace.header()):
                await client.show(image["id"], "anna")
    finally:
        trace.end_trace(place)
        trace.set_sink(None)
    shown = [(span.source, span.step) for span in spans if span.target == "image"]
    assert shown == [("api", ""), ("compute", "19-21")]
