"""The command line and real guests: the cloud dies and comes back, guests do not notice, and in the end all is gone."""

import os
import signal
import sys
from pathlib import Path

import pytest

from kilonova.launch.running import running_cloud
from kilonova.launch.state_dir import StateDir
from kilonova.network.agent.names import prefix_for
from tests.real.cloud import lend_image, pid_of, range_of_its_own, run, until
from tests.servers.process import free_port

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]


class CommandLine:
    """`kilonova` and `openstack` as a user types them."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.listen = f"127.0.0.1:{free_port()}"

    async def kilonova(self, command: str, *words: str, ok: bool = True) -> str:
        module = (sys.executable, "-m", "kilonova.cli.main")
        return await run(*module, command, "--state-dir", str(self.state_dir), *words, ok=ok)

    async def up(self) -> int:
        """The process of the cloud that is up now."""
        await self.kilonova("up", "--detach", "--driver", "libvirt", "--listen", self.listen)
        running = running_cloud(self.state_dir)
        assert running is not None
        return running.pid

    async def openstack(self, *words: str) -> str:
        client = str(Path(sys.executable).with_name("openstack"))
        clouds = f"OS_CLIENT_CONFIG_FILE={StateDir(self.state_dir).clouds}"
        return (await run("env", clouds, "OS_CLOUD=kilonova", client, *words)).strip()

    async def status_of(self, server_id: str) -> str:
        return await self.openstack("server", "show", server_id, "-f", "value", "-c", "status")


async def test_guests_outlive_the_cloud_which_finds_them_again_until_it_is_removed(tmp_path: Path) -> None:
    kilonova = CommandLine(tmp_path / "state")
    await lend_image(kilonova.state_dir)
    try:
        async with range_of_its_own(kilonova.state_dir):
            await the_cloud_dies_and_comes_back(kilonova)
    finally:
        await kilonova.kilonova("down", "--all")
    assert not kilonova.state_dir.exists()
    assert await left_of(kilonova.state_dir) == []


async def the_cloud_dies_and_comes_back(kilonova: CommandLine) -> None:
    cloud = await kilonova.up()
    await until(lambda: has_image(kilonova))
    made = ("server", "create", "--flavor", "m1.nano", "--image", "tiny", "--network", "private", "--wait", "lasting")
    server_id = await kilonova.openstack(*made, "-f", "value", "-c", "id")
    guest = pid_of(server_id)
    assert guest is not None

    os.kill(cloud, signal.SIGKILL)
    assert await kilonova.up() != cloud
    assert pid_of(server_id) == guest
    assert await kilonova.status_of(server_id) == "ACTIVE"

    await kilonova.kilonova("down")
    assert pid_of(server_id) == guest
    # It ends while nobody looks.
    os.kill(guest, signal.SIGKILL)
    await kilonova.up()
    await until(lambda: kilonova_says(kilonova, server_id, "SHUTOFF"))
    await kilonova.openstack("server", "start", server_id)
    await until(lambda: kilonova_says(kilonova, server_id, "ACTIVE"))
    assert pid_of(server_id) not in (None, guest)


async def has_image(kilonova: CommandLine) -> bool:
    return await kilonova.openstack("image", "list", "--status", "active", "-f", "value", "-c", "Name") == "tiny"


async def kilonova_says(kilonova: CommandLine, server_id: str, status: str) -> bool:
    return await kilonova.status_of(server_id) == status


async def left_of(state_dir: Path) -> list[str]:
    """What a cloud of that state directory has on this machine: processes, devices, namespaces, rules."""
    prefix = prefix_for(state_dir)
    found = [line for line in (await run("nft", "list", "tables")).splitlines() if prefix in line]
    found += [line for line in (await run("ip", "-brief", "link")).splitlines() if line.startswith(prefix)]
    found += [line for line in (await run("ip", "netns")).splitlines() if line.startswith(prefix)]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(state_dir).encode() in words:
            found.append(words.replace(b"\0", b" ").decode())
    return found
