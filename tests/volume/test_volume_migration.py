"""A volume's migration ends: its content is where a guest has been moved to, or the target goes."""

import uuid
from typing import Any

import pytest

from kilonova.model.errors import BadRequest, NotFound
from tests.volume.conftest import VolumeCloud

SERVER = str(uuid.uuid4())


async def migrating(volumes: VolumeCloud) -> tuple[dict[str, Any], dict[str, Any]]:
    """A volume and where it goes."""
    source, target = await volumes.volume(size=1), await volumes.volume(size=2)
    for volume, status in ((source, "migrating"), (target, f"target:{source['id']}")):
        answer = await volumes.act(volume["id"], "os-reset_status", "admin", migration_status=status)
        assert answer.status_code == 202
    return source, target


async def test_the_volume_has_the_targets_content_size_and_attachments(volumes: VolumeCloud) -> None:
    source, target = await migrating(volumes)
    volumes.path(target["id"]).write_bytes(b"copied")
    attachment = await volumes.attach(target["id"], SERVER)
    assert (await volumes.show(source["id"], "admin"))["migration_status"] == "migrating"

    stays = await volumes.client.complete_migration(source["id"], "nova", target=target["id"])

    assert stays == source["id"]
    shown = await volumes.show(source["id"], "admin")
    assert (shown["status"], shown["size"], shown["migration_status"]) == ("in-use", 2, "success")
    assert [one["attachment_id"] for one in shown["attachments"]] == [attachment]
    assert volumes.path(source["id"]).read_bytes() == b"copied"
    connected = await volumes.client.attachment(attachment, "nova")
    assert connected.connection_info["data"]["path"] == str(volumes.path(source["id"]))
    assert volumes.files() == [volumes.path(source["id"]).name]
    with pytest.raises(NotFound):
        await volumes.client.complete_migration(source["id"], "nova", target=target["id"])


async def test_after_an_error_the_target_goes_and_the_volume_is_as_it_was(volumes: VolumeCloud) -> None:
    source, target = await migrating(volumes)

    await volumes.client.complete_migration(source["id"], "nova", target=target["id"], error=True)

    await volumes.gone(f"/volumes/{target['id']}")
    shown = await volumes.show(source["id"], "admin")
    assert (shown["status"], shown["size"], shown["migration_status"]) == ("available", 1, "error")


async def test_only_a_migration_can_be_ended(volumes: VolumeCloud) -> None:
    source, target = await volumes.volume(), await volumes.volume()
    with pytest.raises(BadRequest, match="not mid-migration"):
        await volumes.client.complete_migration(source["id"], "nova", target=target["id"])
    await volumes.act(source["id"], "os-reset_status", "admin", migration_status="migrating")
    with pytest.raises(BadRequest, match=f"expected target:{source['id']}"):
        await volumes.client.complete_migration(source["id"], "nova", target=target["id"])
    body = {"new_volume": target["id"]}
    assert (await volumes.act(source["id"], "os-migrate_volume_completion", "anna", **body)).status_code == 403
    assert "migration_status" not in await volumes.show(source["id"])
