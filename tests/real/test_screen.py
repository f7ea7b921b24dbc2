"""A guest's screen in a browser: the pages the cloud hands out, in a headless Chromium, and whom they refuse."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.browser import CHROMIUM_FLAGS, chromium
from tests.real.cloud import BOOT_S, Guest, RealCloud, real_cloud, run, until

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
]

# Where the two pages draw.
VNC, SPICE = "#screen canvas", "#spice-screen canvas"
# How many pixels of the page's picture differ from another picture of the same screen; -1 where the sizes differ.
DIFFERENCE = """async ([place, other]) => {
    const screen = document.querySelector(place);
    if (screen === null) return -1;
    const picture = new Image();
    picture.src = other;
    await picture.decode();
    if (picture.width !== screen.width || picture.height !== screen.height) return -1;
    const drawn = Object.assign(document.createElement('canvas'), {width: screen.width, height: screen.height});
    const brush = drawn.getContext('2d');
    brush.drawImage(picture, 0, 0);
    const pixels = (from) => new Uint32Array(from.getImageData(0, 0, screen.width, screen.height).data.buffer);
    const ours = pixels(screen.getContext('2d')), theirs = pixels(brush);
    return ours.reduce((count, pixel, index) => count + (pixel !== theirs[index]), 0);
}"""
LIT = """() => {
    const screen = document.querySelector('#screen canvas');
    const data = screen.getContext('2d').getImageData(0, 0, screen.width, screen.height).data;
    return new Uint32Array(data.buffer).reduce((count, pixel) => count + ((pixel & 0xffffff) !== 0), 0);
}"""
# The cursor of the text console blinks: one cell, nine by sixteen pixels.
CURSOR = 9 * 16


@pytest_asyncio.fixture(loop_scope="module")
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        page = await browser.new_page()
        page.set_default_timeout(BOOT_S * 1000)
        yield page
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealCloud]:
    """Its guests have both kinds of screen."""
    async with real_cloud(tmp_path_factory.mktemp("screens"), sections={"spice": {"enabled": True}}) as started:
        yield started


async def console_url(cloud: RealCloud, guest: Guest, kind: str = "--novnc") -> str:
    return await cloud.openstack("console", "url", "show", guest.id, kind, "-f", "value", "-c", "url")


def socket_url(cloud: RealCloud, page_url: str) -> str:
    """Where the page connects to."""
    (path,) = parse_qs(urlsplit(page_url).query)["path"]
    return f"{cloud.api.url.replace('http', 'ws', 1)}/{path}"


async def shows_the_screen(cloud: RealCloud, page: Page, guest: Guest, directory: Path, place: str = VNC) -> bool:
    """Whether the page's picture is the one the hypervisor itself takes of the guest's screen."""
    picture = directory / "screen"
    await run("virsh", "-q", "-c", cloud.libvirt_uri, "screenshot", guest.id, str(picture))
    url = "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode()
    different: int = await page.evaluate(DIFFERENCE, [place, url])
    return 0 <= different <= CURSOR


async def test_the_pages_show_the_guests_screen_and_one_types_into_it(
    cloud: RealCloud, page: Page, tmp_path: Path
) -> None:
    guest = await cloud.guest("seen")
    await page.goto(await console_url(cloud, guest))
    await page.wait_for_function("document.getElementById('status').textContent.startsWith('Connected')")
    await until(lambda: shows_the_screen(cloud, page, guest, tmp_path))
    login = await page.evaluate(LIT)
    assert login > 1000

    await page.locator("#screen canvas").click()
    greeting = "A tiny Linux guest."
    assert (await guest.console()).count(greeting) == 1
    async with asyncio.timeout(BOOT_S):
        pause_ms = 1500
        while (await guest.console()).count(greeting) < 2:
            await log_in_and_copy_the_greeting(page, pause_ms)
            # Keys may come before a busy guest asks for them: then once more, with more time.
            pause_ms *= 2
    await until(lambda: shows_the_screen(cloud, page, guest, tmp_path))
    assert await page.evaluate(LIT) > login + CURSOR

    await page.goto(await console_url(cloud, guest, "--spice"))
    await until(lambda: shows_the_screen(cloud, page, guest, tmp_path, SPICE))
    await guest.delete()


async def log_in_and_copy_the_greeting(page: Page, pause_ms: int) -> None:
    """With nothing but the keyboard; after the empty line the guest asks who is there, whatever it asked for before."""
    # No capitals: keys are sent, not characters.
    for words in ("", "root", "tiny", "cp /etc/issue /dev/console"):
        await page.keyboard.type(words + "\n", delay=20)
        await page.wait_for_timeout(pause_ms)


async def test_a_token_opens_its_own_server_once_and_for_no_foreign_page(cloud: RealCloud) -> None:
    one, two = await cloud.guest("one", booted=False), await cloud.guest("two", booted=False)
    first, second = [socket_url(cloud, await console_url(cloud, guest)) for guest in (one, two)]
    for guest, url in ((two, second), (one, first)):
        assert await desktop_name(url) == f"QEMU ({(await guest.xml()).findtext('name')})"
    await refused(first)

    foreign = socket_url(cloud, await console_url(cloud, one))
    await refused(foreign, origin="http://elsewhere.example")
    await refused(socket_url(cloud, await console_url(cloud, one)).replace("token=", "token=0"))
    await one.delete()
    await two.delete()


async def refused(url: str, origin: str | None = None) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(url, origin=origin, subprotocols=["binary"]):  # type: ignore[arg-type,list-item]
            pass
    assert caught.value.response.status_code == 403


async def desktop_name(url: str) -> str:
    """The name the screen at the other end has (RFC 6143, up to ServerInit)."""
    async with connect(url, subprotocols=["binary"]) as socket:  # type: ignore[list-item]
        heard = b""

        async def read(count: int) -> bytes:
            nonlocal heard
            while len(heard) < count:
                piece = await socket.recv()
                assert isinstance(piece, bytes)
                heard += piece
            taken, heard = heard[:count], heard[count:]
            return taken

        assert (await read(12)).startswith(b"RFB 003.")
        await socket.send(b"RFB 003.008\n")
        (kinds,) = await read(1)
        assert 1 in await read(kinds)
        await socket.send(b"\x01")
        assert await read(4) == bytes(4)
        await socket.send(b"\x01")
        await read(20)
        return (await read(int.from_bytes(await read(4), "big"))).decode()
