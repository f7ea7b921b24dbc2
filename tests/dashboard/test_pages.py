"""The pages in a real browser: a user logs in, makes a server, sees it live, and is shown names as text."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from tests.browser import CHROMIUM_FLAGS, chromium
from tests.cloud.running import RunningCloud, running_cloud

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    async with running_cloud(tmp_path / "state") as started:
        yield started


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield await browser.new_page()
        await browser.close()


async def test_a_user_logs_in_makes_a_server_and_sees_it_become_active(cloud: RunningCloud, page: Page) -> None:
    await cloud.image("disk")
    alerts: list[str] = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    await page.goto(f"{cloud.url}/dashboard/")
    await page.fill("[name=user]", "demo")
    await page.fill("[name=password]", cloud.cloud.passwords["demo"])
    await page.click("#login button")
    await page.wait_for_selector("#create select[name=network] option", state="attached")
    assert not await page.is_visible("#login")

    await page.fill("#create [name=name]", HOSTILE)
    await page.select_option("#create [name=network]", "none")
    await page.click("#create button")
    await page.wait_for_selector("#rows .status.ACTIVE")

    assert await page.inner_text("#rows td:first-child") == HOSTILE
    assert alerts == []


async def test_what_others_do_is_seen_as_it_happens(cloud: RunningCloud, page: Page) -> None:
    await page.goto(f"{cloud.url}/dashboard/")
    await page.fill("[name=user]", "demo")
    await page.fill("[name=password]", cloud.cloud.passwords["demo"])
    async with page.expect_response("**/servers/events"):
        await page.click("#login button")

    server = await cloud.active("elsewhere")

    # Sooner than the page would look by itself.
    await page.wait_for_selector("#rows .status.ACTIVE", timeout=10_000)
    await cloud.delete(server["id"])
    await page.wait_for_selector("#rows .status.ACTIVE", state="detached", timeout=10_000)


async def test_a_wrong_password_is_told_and_opens_nothing(cloud: RunningCloud, page: Page) -> None:
    await page.goto(f"{cloud.url}/dashboard/")
    await page.fill("[name=user]", "demo")
    await page.fill("[name=password]", "wrong")
    await page.click("#login button")
    await page.wait_for_selector("#trouble:not(:empty)")

    assert await page.is_visible("#login")
    assert not await page.is_visible("#servers")
