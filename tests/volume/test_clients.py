"""The clients people have, unmodified, over a socket: images and volumes with real tokens."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import openstack
import pytest
import uvicorn

from kilonova.aio.clock import SystemClock
from kilonova.bus.local import LocalBus
from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.identity.bootstrap import bootstrap
from kilonova.identity.service import IdentityService
from kilonova.identity.settings import IdentitySettings
from kilonova.image.service import ImageService, ImageSettings
from kilonova.peers.identity import ServiceSession, ServiceUser, TokenChecker
from kilonova.peers.image import ImageClient
from kilonova.volume.service import VolumeService, VolumeSettings
from kilonova.web.application import Mounts
from kilonova.web.client import RestClient
from tests.identity.conftest import PASSWORDS, nothing


@pytest.fixture
async def base_url(tmp_path: Path, sqlite_url: str) -> AsyncIterator[str]:
    """Identity, image and volume on one port, as the cloud has them."""
    await create_all(sqlite_url)
    listener = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    db, bus, clock = await connect(sqlite_url), LocalBus(), SystemClock()
    settings = IdentitySettings(keys_dir=tmp_path / "keys", argon2_time_cost=1, argon2_memory_kib=8)
    identity = IdentityService(db, bus, clock, settings)
    await identity.start()
    await bootstrap(db, passwords=PASSWORDS, base_url=base, settings=settings)
    apps: dict[str, Any] = {"identity": identity.app}
    mounts = Mounts(apps, nothing)

    def session(name: str) -> ServiceSession:
        rest = RestClient("identity", f"{base}/identity", app=mounts)
        return ServiceSession(rest, ServiceUser(username=name, password=PASSWORDS[name]), clock)

    image = ImageService(
        db, bus, TokenChecker(session("glance"), clock), clock, ImageSettings(directory=tmp_path / "images")
    )
    await image.start()
    image_client = ImageClient(RestClient("image", f"{base}/image", app=Mounts({"image": image.app}, nothing)))
    cinder = session("cinder")
    volume = VolumeService(
        db,
        bus,
        TokenChecker(cinder, clock),
        clock,
        VolumeSettings(directory=tmp_path / "volumes"),
        image_client,
        cinder.token,
    )
    await volume.start()
    everything = Mounts({**apps, "image": image.app, "volume": volume.app}, nothing)
    server = uvicorn.Server(uvicorn.Config(everything, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield base
    server.should_exit = True
    await serving
    await volume.close()
    await image.close()
    await identity.close()
    await bus.close()
    await db.close()


def connection(base: str, name: str, project: str) -> Any:
    return openstack.connect(
        auth_url=f"{base}/identity",
        username=name,
        password=PASSWORDS[name],
        project_name=project,
        user_domain_id="default",
        project_domain_id="default",
        region_name="RegionOne",
        identity_api_version="3",
    )


def images_by_sdk(base: str, directory: Path) -> None:
    demo = connection(base, "demo", "demo")
    source = directory / "source"
    source.write_bytes(os.urandom(2_000_000))
    image = demo.create_image(
        "one", filename=str(source), disk_format="raw", container_format="bare", wait=True, tags=["gold"], os_distro="x"
    )
    assert (image.status, image.size, image.visibility) == ("active", 2_000_000, "shared")
    for number in range(30):
        demo.image.create_image(name=f"n{number}", disk_format="raw", container_format="bare")
    assert len(list(demo.image.images(limit=7))) == 31
    assert [one.name for one in demo.image.images(tag="gold")] == ["one"]
    demo.image.update_image(image, name="two", min_ram=64, os_distro="y")
    found = demo.image.find_image("two", ignore_missing=False)
    assert (found.min_ram, found.os_distro) == (
        64,
        "y",
    )
    target = directory / "target"
    demo.image.download_image(found, stream=False, output=str(target))
    assert target.read_bytes() == source.read_bytes()

    admin = connection(base, "admin", "admin")
    other = admin.current_project_id
    demo.image.add_member(found, member_id=other)
    assert [one.status for one in demo.image.members(found)] == ["pending"]
    demo.image.add_tag(found, "silver")
    admin.image.deactivate_image(found.id)
    assert demo.image.get_image(found).status == "deactivated"
    demo.image.update_image(found, is_protected=True)
    with pytest.raises(openstack.exceptions.ForbiddenException, match="protected"):
        demo.image.delete_image(found)
    demo.image.update_image(found, is_protected=False)
    demo.image.delete_image(found, ignore_missing=False)
    assert demo.image.find_image("two") is None


async def test_openstacksdk_works_with_images(base_url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(images_by_sdk, base_url, tmp_path)


def volumes_by_sdk(base: str, directory: Path) -> None:
    demo, admin = connection(base, "demo", "demo"), connection(base, "admin", "admin")
    storage = demo.block_storage
    volume = demo.create_volume(1, name="one", wait=True, timeout=60, metadata={"a": "b"})
    assert volume.status == "available"
    assert storage.get_volume(volume).volume_type == "kilonova"
    storage.extend_volume(volume, 2)
    demo.block_storage.wait_for_status(storage.get_volume(volume), "available", interval=0.1, wait=60)
    assert storage.get_volume(volume).size == 2
    snapshot = storage.create_snapshot(volume_id=volume.id, name="s")
    storage.wait_for_status(snapshot, "available", interval=0.1, wait=60)
    copy = storage.create_volume(snapshot_id=snapshot.id, name="copy")
    storage.wait_for_status(copy, "available", interval=0.1, wait=60)
    assert {one.name for one in storage.volumes(details=True, limit=1)} == {"one", "copy"}

    attachment = storage.create_attachment(volume.id, connector={"host": "h"}, instance_id=None)
    assert attachment.volume_id == volume.id
    storage.delete_attachment(attachment.id)
    quota = storage.get_quota_set(demo.current_project_id, usage=True)
    assert quota.usage["volumes"] == 2
    admin.block_storage.update_quota_set(demo.current_project_id, volumes=5)
    assert storage.get_quota_set(demo.current_project_id).volumes == 5
    assert storage.get_limits().absolute.max_total_volumes == 5
    kind = admin.block_storage.create_type(name="fast", extra_specs={"a": "b"})
    assert {one.name for one in storage.types()} == {"kilonova", "fast"}
    admin.block_storage.delete_type(kind)
    assert [one.binary for one in admin.block_storage.services()] == ["cinder-volume"]
    assert [one.name for one in storage.availability_zones()] == ["nova"]
    assert len(list(admin.block_storage.volumes(all_projects=True))) == 2

    storage.delete_snapshot(snapshot, ignore_missing=False)
    storage.wait_for_delete(snapshot, interval=0.1, wait=60)
    for one in (volume, copy):
        storage.delete_volume(one, ignore_missing=False)
        storage.wait_for_delete(one, interval=0.1, wait=60)
    assert list((directory / "volumes").glob("volume-*")) == []


async def test_openstacksdk_works_with_volumes(base_url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(volumes_by_sdk, base_url, tmp_path)


def client(base: str, directory: Path) -> Callable[..., str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(directory),
        "OS_AUTH_URL": f"{base}/identity/v3",
        "OS_USERNAME": "demo",
        "OS_PASSWORD": PASSWORDS["demo"],
        "OS_PROJECT_NAME": "demo",
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
        "OS_REGION_NAME": "RegionOne",
        "OS_IDENTITY_API_VERSION": "3",
        "OS_VOLUME_API_VERSION": "3",
    }

    def run(*arguments: str) -> str:
        command = [str(Path(sys.executable).parent / "openstack"), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        return done.stdout

    return run


def by_command_line(base: str, directory: Path) -> None:
    openstack_ = client(base, directory)
    source = directory / "source"
    source.write_bytes(os.urandom(300_000))
    openstack_("image", "create", "one", "--disk-format", "raw", "--container-format", "bare", "--file", str(source),
               "--property", "conf=1", "--min-ram", "1")  # fmt: skip
    openstack_("image", "set", "one", "--property", "hw_rng_model=virtio", "--tag", "t")
    shown = json.loads(openstack_("image", "show", "one", "-f", "json"))
    assert (shown["status"], shown["tags"], shown["properties"]["hw_rng_model"]) == ("active", ["t"], "virtio")
    openstack_("image", "save", "one", "--file", str(directory / "back"))
    assert (directory / "back").read_bytes() == source.read_bytes()
    openstack_("volume", "create", "v", "--size", "1", "--image", "one")
    assert json.loads(openstack_("volume", "list", "--long", "-f", "json"))[0]["Bootable"] is True
    openstack_("image", "delete", "one")
    assert openstack_("image", "list", "-f", "value").strip() == ""


@pytest.mark.slow
async def test_the_command_line_works_with_images_and_volumes(base_url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(by_command_line, base_url, tmp_path)
