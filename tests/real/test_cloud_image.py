"""A cloud image of a user's works like the image tiny: a Debian 12, whose cloud-init asks the metadata service."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from kilonova.aio.blocking import blocking
from tests.images.debian_cloud import debian_cloud_image
from tests.real.cloud import RealCloud

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]

# A minute or two on a quiet machine without KVM; host keys are made, and systemd starts.
BOOT_S = 900.0
SIZE_GIB = 4
PIECE = 1 << 20

USER_DATA = """\
#cloud-config
# The image has no locales to choose from.
locale: false
write_files:
- path: /etc/motd
  content: written by cloud-init
runcmd:
- [sh, -c, "hostname >/root/proof"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def debian() -> Path:
    """Made before there is a cloud: others wait for it to have its first guest."""
    return await debian_cloud_image()


async def image(cloud: RealCloud, path: Path) -> str:
    """The id of the image, uploaded as its user would."""
    body = {"name": "debian-12", "disk_format": "qcow2", "container_format": "bare", "min_disk": 2}
    made = (await cloud.api.http.post("/image/v2/images", json=body)).json()
    kind = {"Content-Type": "application/octet-stream"}
    sent = await cloud.api.http.put(f"/image/v2/images/{made['id']}/file", content=pieces(path), headers=kind)
    assert sent.status_code == 204, sent.text
    return str(made["id"])


async def pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await blocking(file.read, PIECE):
            yield piece


async def flavor(cloud: RealCloud) -> str:
    wanted = {"id": "debian", "name": "debian", "vcpus": 1, "ram": 1024, "disk": SIZE_GIB}
    answer = await cloud.api.admin.post("/compute/v2.1/flavors", json={"flavor": wanted})
    assert answer.status_code == 200, answer.text
    return "debian"


async def test_a_debian_with_cloud_init_is_set_up_by_the_metadata_service(debian: Path, cloud: RealCloud) -> None:
    guest = await cloud.guest(
        "Debian Guest",
        booted=False,
        flavor=await flavor(cloud),
        imageRef=await image(cloud, debian),
        user_data=base64.b64encode(USER_DATA.encode()).decode(),
    )
    await guest.says("debian-guest login:", within_s=BOOT_S)
    await guest.says("Cloud-init v.", within_s=BOOT_S)

    # With the key of the user's, as the user root.
    await cloud.allow_ssh()
    address = await guest.float()

    async with asyncio.timeout(BOOT_S):
        # A guest without KVM that is still starting may take long to greet: then it is asked again.
        while "status: done" not in await guest.ssh(address, "cloud-init status", ok=False):
            await asyncio.sleep(1)

    async def inside(command: str) -> str:
        return await guest.ssh(address, command)

    assert await inside("hostname") == "debian-guest"
    assert await inside("cat /root/proof") == "debian-guest"
    assert await inside("cat /etc/motd") == "written by cloud-init"
    result = json.loads(await inside("cat /run/cloud-init/result.json"))
    assert "DataSourceOpenStack" in result["v1"]["datasource"]
    assert result["v1"]["errors"] == []
    assert await inside("cloud-init query instance_id") == guest.id
    assert await guest.fixed_address() in await inside("ip -4 -o address show dev eth0")
    # The file system fills the flavor's disk, not the image's.
    assert int(await inside("df --output=size -m / | tail -1")) > (SIZE_GIB - 1) * 1024
    await guest.delete()
