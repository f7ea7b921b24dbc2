"""The proxy between browsers and guests, over real sockets."""

import asyncio
import logging
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.console.conftest import SERVER, Consoles, Guest

GREETING = Guest.greeting


async def opened(url: str, **more: Any) -> ClientConnection:
    return await connect(url, compression=None, proxy=None, **more)


async def refused(url: str, **more: Any) -> int:
    """The status of the answer to a WebSocket that does not come about."""
    with pytest.raises(InvalidStatus) as error:
        await opened(url, **more)
    return error.value.response.status_code


async def test_bytes_go_both_ways_unchanged(consoles: Consoles, guest: Guest) -> None:
    browser = await opened(f"{consoles.url}/vnc?token={await consoles.token(guest)}", subprotocols=["binary"])
    big = bytes(range(256)) * 4096

    assert browser.subprotocol == "binary"
    assert await browser.recv() == GREETING
    await browser.send(big)
    assert await guest.hears(len(big)) == big
    assert guest.writer is not None
    guest.writer.write(big)
    received = b""
    while len(received) < len(big):
        piece = await browser.recv()
        assert isinstance(piece, bytes)
        received += piece
    assert received == big
    await browser.close()


async def test_text_from_a_serial_console_reaches_the_guest(consoles: Consoles, guest: Guest) -> None:
    browser = await opened(f"{consoles.url}/serial?token={await consoles.token(guest, 'serial')}")

    await browser.send("gr\u00fc\u00df\n")

    assert await guest.hears(7) == "gr\u00fc\u00df\n".encode()
    await browser.close()


async def test_when_the_guests_side_ends_the_browser_is_told(consoles: Consoles, guest: Guest) -> None:
    browser = await opened(f"{consoles.url}/vnc?token={await consoles.token(guest)}")
    assert await browser.recv() == GREETING
    assert guest.writer is not None

    guest.writer.close()

    with pytest.raises(ConnectionClosed):
        await browser.recv()


async def test_when_the_browser_leaves_the_guests_side_ends(consoles: Consoles, guest: Guest) -> None:
    browser = await opened(f"{consoles.url}/vnc?token={await consoles.token(guest)}")
    assert await browser.recv() == GREETING

    await browser.close()

    await asyncio.wait_for(guest.gone.wait(), 20)


async def test_a_token_opens_one_connection(consoles: Consoles, guest: Guest) -> None:
    url = f"{consoles.url}/vnc?token={await consoles.token(guest)}"
    first = await opened(url)

    assert await refused(url) == 403
    assert await first.recv() == GREETING
    await first.close()
    assert await refused(url) == 403


async def test_spice_opens_a_connection_for_each_channel(consoles: Consoles, guest: Guest) -> None:
    url = f"{consoles.url}/spice?token={await consoles.token(guest, 'spice-html5')}"

    channels = [await opened(url) for _ in range(4)]

    assert [await channel.recv() for channel in channels] == [GREETING] * 4
    for channel in channels:
        await channel.close()


@pytest.mark.parametrize("query", ["", "?token=", "?token=00000000-0000-4000-8000-000000000000"])
async def test_without_a_good_token_nothing_reaches_the_guest(consoles: Consoles, guest: Guest, query: str) -> None:
    await consoles.token(guest)

    assert await refused(f"{consoles.url}/vnc{query}") == 403
    assert guest.connected == 0


async def test_the_token_may_come_as_a_cookie(consoles: Consoles, guest: Guest) -> None:
    token = await consoles.token(guest, "spice-html5")

    browser = await opened(f"{consoles.url}/websockify", additional_headers={"Cookie": f"token={token}"})

    assert await browser.recv() == GREETING
    await browser.close()


async def test_a_token_is_for_its_kind_of_console_and_not_used_up_elsewhere(consoles: Consoles, guest: Guest) -> None:
    token = await consoles.token(guest)

    for path in ("serial", "spice", "novnc/vnc", "nothing"):
        assert await refused(f"{consoles.url}/{path}?token={token}") == 403
    browser = await opened(f"{consoles.url}/vnc?token={token}")
    assert await browser.recv() == GREETING
    await browser.close()


async def test_a_guest_that_cannot_be_reached_costs_no_token(consoles: Consoles, guest: Guest) -> None:
    token = await consoles.token(guest)
    hidden = guest.path.rename(guest.path.with_suffix(".away"))
    assert await refused(f"{consoles.url}/vnc?token={token}") == 403

    hidden.rename(guest.path)

    browser = await opened(f"{consoles.url}/vnc?token={token}")
    assert await browser.recv() == GREETING
    await browser.close()


async def test_a_guest_on_another_host_is_reached_over_tcp(consoles: Consoles, guest: Guest) -> None:
    server = await asyncio.start_server(guest.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        token = await consoles.token(guest, unix_path=None, port=port)
        browser = await opened(f"{consoles.url}/vnc?token={token}")
        assert await browser.recv() == GREETING
        await browser.close()


FOREIGN = ["http://evil.example", "https://127.0.0.1", "null", "http://127.0.0.1.evil.example", "http://"]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_no_foreign_page_opens_a_console(consoles: Consoles, guest: Guest, origin: str) -> None:
    url = f"{consoles.url}/vnc?token={await consoles.token(guest)}"

    assert await refused(url, origin=origin) == 403
    assert guest.connected == 0
    browser = await opened(url, origin=f"http://127.0.0.1:{consoles.port}")
    assert await browser.recv() == GREETING
    await browser.close()


async def test_pages_the_operator_trusts_may_show_consoles(consoles: Consoles, guest: Guest) -> None:
    url = f"{consoles.url}/vnc?token={await consoles.token(guest)}"

    browser = await opened(url, origin="http://dashboard.example:8443")

    assert await browser.recv() == GREETING
    await browser.close()


async def test_behind_a_tls_proxy_the_scheme_is_the_one_it_was_spoken_to_in(consoles: Consoles, guest: Guest) -> None:
    given = "https://127.0.0.1/console/novnc/vnc_lite.html"
    url = f"{consoles.url}/vnc?token={await consoles.token(guest, access_url_base=given)}"

    assert await refused(url, origin="http://127.0.0.1") == 403
    forwarded = {"X-Forwarded-Proto": "https"}
    browser = await opened(url, origin="http://127.0.0.1", additional_headers=forwarded)
    assert await browser.recv() == GREETING
    await browser.close()


async def test_no_log_names_a_token(consoles: Consoles, guest: Guest, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        token = await consoles.token(guest)
        assert await refused(f"{consoles.url}/serial?token={token}") == 403
        browser = await opened(f"{consoles.url}/vnc?token={token}")
        await browser.close()
        assert await refused(f"{consoles.url}/vnc?token={token}") == 403

    assert f"server {SERVER}" in caplog.text
    assert "refused" in caplog.text
    assert token not in caplog.text


async def test_the_pages_are_served_and_nothing_around_them(consoles: Consoles) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{consoles.port}/console", trust_env=False) as http:
        page = await http.get("/novnc/vnc_lite.html", params={"path": "?token=x"})
        statuses = {
            path: (await http.get(path)).status_code
            for path in (
                "/novnc/core/rfb.js",
                "/novnc/absent",
                "/novnc/..%2f..%2f..%2fetc/passwd",
                "/novnc/",
                "/absent",
            )
        }

    assert page.status_code == 200
    assert "core/rfb.js" in page.text
    assert statuses == {
        "/novnc/core/rfb.js": 200,
        "/novnc/absent": 404,
        "/novnc/..%2f..%2f..%2fetc/passwd": 404,
        "/novnc/": 404,
        "/absent": 404,
    }
