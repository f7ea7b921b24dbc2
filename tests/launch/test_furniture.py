"""The image `tiny` of a new cloud: shown from the first moment, there when it is made, else taken back."""

from pathlib import Path
from typing import Any

from tests.cloud.running import RunningCloud, running_cloud
from tests.real.cloud import lend_image

from kilonova.launch.furniture import furnish_image, promise_image
from kilonova.launch.state_dir import StateDir


async def images(api: RunningCloud) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await api.http.get("/image/v2/images")).json()["images"]
    return listed


async def test_the_image_is_queued_at_once_and_active_when_it_is_made(tmp_path: Path) -> None:
    await lend_image(tmp_path / "state")
    told: list[str] = []
    async with running_cloud(tmp_path / "state", furnished=("flavors",)) as api:
        assert await promise_image(api.cloud)
        (promised,) = await images(api)
        assert (promised["name"], promised["status"], promised["visibility"]) == ("tiny", "queued", "public")

        await furnish_image(api.cloud, told.append)

        (made,) = await images(api)
        assert (made["id"], made["status"]) == (promised["id"], "active")
        assert told[-1].startswith("is ready after ")
        assert not await promise_image(api.cloud)


async def test_a_promise_that_was_cut_off_is_kept_at_the_next_start(tmp_path: Path) -> None:
    await lend_image(tmp_path / "state")
    async with running_cloud(tmp_path / "state", furnished=("flavors",)) as api:
        await promise_image(api.cloud)
    async with running_cloud(tmp_path / "state", furnished=("flavors",)) as api:
        assert await promise_image(api.cloud)
        await furnish_image(api.cloud, lambda words: None)

        assert [one["status"] for one in await images(api)] == ["active"]


async def test_an_image_that_cannot_be_made_is_taken_back_and_its_lack_told(tmp_path: Path) -> None:
    told: list[str] = []
    async with running_cloud(tmp_path / "state", furnished=("flavors",)) as api:
        await promise_image(api.cloud)
        # A directory where the file should come to be.
        StateDir(tmp_path / "state").tiny.write_text("in the way")

        await furnish_image(api.cloud, told.append)

        assert await images(api) == []
        assert "cannot be made" in told[-1]
