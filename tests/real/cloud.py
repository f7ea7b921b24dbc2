"""A whole cloud with a real hypervisor, its guests, and the ways to look at one from outside: console, SSH, libvirt."""

import asyncio
import fcntl
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from kilonova.image.tiny.build import cached_tiny
from kilonova.launch.credentials import write_credentials
from kilonova.launch.removal import remove_all
from kilonova.launch.state_dir import StateDir
from kilonova.network.agent.names import prefix_for
from kilonova.virt.libvirt.daemon import PrivateDaemon
from tests.cloud.running import RunningCloud, running_cloud
from tests.images.store import image_store

# A guest boots in eight seconds on an idle machine of two cores.
BOOT_S = 300.0
BOOTED = "tiny: boot finished"


async def run(*command: str, ok: bool = True) -> str:
    """Standard output of a command, and its complaints with it."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    text = said.decode(errors="replace")
    assert not ok or process.returncode == 0, f"{' '.join(command)}: {text}"
    return text


async def until(holds: Callable[[], Awaitable[bool]], *, within_s: float = 120.0) -> None:
    """Ask until it holds. Errors: TimeoutError."""
    async with asyncio.timeout(within_s):
        while not await holds():
            await asyncio.sleep(0.1)


class RealCloud:
    """`api` is the cloud as its users see it. One SSH key for all guests."""

    def __init__(self, api: RunningCloud, state: StateDir, key: Path) -> None:
        self.api = api
        self.state = state
        self.key = key
        self._ssh_allowed = False

    @property
    def libvirt_uri(self) -> str:
        return PrivateDaemon(self.state.compute / "libvirt", session=False).uri

    async def guest(self, name: str, *, booted: bool = True, **more: Any) -> "Guest":
        """An ACTIVE server from the image tiny on the network `private`, with the key, booted up to its login."""
        wanted: dict[str, Any] = {
            "imageRef": await self.api.image("tiny"),
            "networks": [{"uuid": await self.api.network()}],
            "key_name": "mine",
            **more,
        }
        guest = Guest(self, (await self.api.active(name, **wanted))["id"])
        if booted:
            await guest.says(BOOTED)
        return guest

    async def openstack(self, *words: str) -> str:
        """What the openstack client prints, as the user demo."""
        client = str(Path(sys.executable).with_name("openstack"))
        return (
            await run("env", f"OS_CLIENT_CONFIG_FILE={self.state.clouds}", "OS_CLOUD=kilonova", client, *words)
        ).strip()

    async def network_call(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = await self.api.http.request(method, f"/network/v2.0{path}", json=body or None)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    async def open_to(self, protocol: str, *, port: int | None = None) -> str:
        """A rule of the project's default security group; its id."""
        groups = await self.network_call("GET", "/security-groups?name=default")
        rule = {
            "security_group_id": groups["security_groups"][0]["id"],
            "direction": "ingress",
            "protocol": protocol,
            "port_range_min": port,
            "port_range_max": port,
        }
        made = await self.network_call("POST", "/security-group-rules", security_group_rule=rule)
        return str(made["security_group_rule"]["id"])

    async def allow_ssh(self) -> None:
        if not self._ssh_allowed:
            await self.open_to("tcp", port=22)
            self._ssh_allowed = True

    async def volume_is(self, volume_id: str, status: str) -> str:
        """Its id, once it has the status."""

        async def has() -> bool:
            answer = await self.api.http.get(f"/volume/v3/volumes/{volume_id}")
            assert answer.json()["volume"]["status"] != "error" or status == "error", answer.text
            return bool(answer.json()["volume"]["status"] == status)

        await until(has)
        return volume_id

    async def volume_gone(self, volume_id: str) -> None:
        async def gone() -> bool:
            return (await self.api.http.get(f"/volume/v3/volumes/{volume_id}")).status_code == 404

        await until(gone)

    async def close_again(self, rule_id: str) -> None:
        await self.network_call("DELETE", f"/security-group-rules/{rule_id}")


class Guest:
    """A server and what is seen of it from outside."""

    def __init__(self, cloud: RealCloud, server_id: str) -> None:
        self.cloud = cloud
        self.id = server_id
        self._floating: str | None = None

    async def show(self) -> dict[str, Any]:
        return await self.cloud.api.show(self.id)

    async def act(self, action: str, value: Any = None, *, until: str = "ACTIVE", ok: int = 202) -> dict[str, Any]:
        """Do it, and wait until the server shows `until`; what it shows then."""
        await self.cloud.api.act(self.id, action, value, ok=ok)
        server = await self.cloud.api.until(self.id, {until, "ERROR"})
        assert server["status"] == until, server.get("fault")
        return server

    async def delete(self) -> None:
        await self.cloud.api.delete(self.id)
        await self.cloud.api.gone(self.id)

    # -- its console -------------------------------------------------------------------------------------------------

    async def console(self) -> str:
        answer = await self.cloud.api.act(self.id, "os-getConsoleOutput", {}, ok=200)
        return str(answer.json()["output"])

    async def says(self, words: str, *, times: int = 1, within_s: float = BOOT_S) -> str:
        """The console log, once the guest has said `words` so often."""
        try:
            async with asyncio.timeout(within_s):
                while (console := await self.console()).count(words) < times:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"the guest did not say {words!r} ({times} times):\n{console}") from None
        return console

    async def boots(self) -> int:
        """How many times it has booted to the end so far."""
        return (await self.console()).count(BOOTED)

    # -- its hypervisor ----------------------------------------------------------------------------------------------

    async def pid(self) -> int | None:
        """Its QEMU's process; None when there is none."""
        return pid_of(self.id)

    async def xml(self) -> ElementTree.Element:
        """Its domain, as the hypervisor has it now."""
        said = await run("virsh", "-q", "-c", self.cloud.libvirt_uri, "dumpxml", self.id)
        return ElementTree.fromstring(said)

    # -- inside ------------------------------------------------------------------------------------------------------

    async def fixed_address(self) -> str:
        (entry,) = (await self.show())["addresses"]["private"][:1]
        return str(entry["addr"])

    async def float(self) -> str:
        """A floating address for its first port, which reaches it from the host."""
        ports = await self.cloud.network_call("GET", f"/ports?device_id={self.id}")
        public = await self.cloud.api.network("public")
        wanted = {"floating_network_id": public, "port_id": ports["ports"][0]["id"]}
        made = await self.cloud.network_call("POST", "/floatingips", floatingip=wanted)
        return str(made["floatingip"]["floating_ip_address"])

    async def inside(self, command: str) -> str:
        """What `command` prints in the guest, asked over SSH through a floating address made on first use."""
        if self._floating is None:
            await self.cloud.allow_ssh()
            self._floating = await self.float()
        async with asyncio.timeout(BOOT_S):
            while True:
                while not await answers(self._floating, 22):
                    await asyncio.sleep(0.1)
                try:
                    return await self.ssh(self._floating, command)
                except AssertionError as error:
                    # Whoever answered was the guest that has just been ended.
                    if "Connection refused" not in str(error):
                        raise

    async def ssh(self, address: str, command: str, *, ok: bool = True) -> str:
        """What `command` prints in the guest."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=20", "LogLevel=ERROR",
                   "BatchMode=yes", "IdentitiesOnly=yes")  # fmt: skip
        words = [word for option in options for word in ("-o", option)]
        said = await run("ssh", *words, "-i", str(self.cloud.key), f"root@{address}", command, ok=ok)
        return said.strip()


def pid_of(server_id: str) -> int | None:
    """The QEMU whose command line names the server."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if b"qemu-system" in words[:200] and server_id.encode() in words:
            return int(path.parent.name)
    return None


async def reaches(address: str) -> bool:
    """Whether one ping of two is answered within two seconds."""
    return "bytes from" in await run("busybox", "ping", "-c", "2", "-w", "2", address, ok=False)


async def answers(address: str, port: int) -> bool:
    """Whether somebody takes connections there, by the second."""
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def number(text: str) -> int:
    found = re.search(r"\d+", text)
    assert found is not None, text
    return int(found[0])


@asynccontextmanager
async def real_cloud(
    directory: Path, *, sections: Mapping[str, Mapping[str, Any]] | None = None, **default: Any
) -> AsyncIterator[RealCloud]:
    """One with a guest image, networks and flavors, on a state directory of its own; nothing of it is left.

    `default` are options of [DEFAULT].
    """
    state_dir = directory / "state"
    await lend_image(state_dir)
    key = directory / "key"
    await run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    try:
        # The host is given its end of the range with the first guest.
        async with (
            range_of_its_own(state_dir),
            running_cloud(
                state_dir, driver="libvirt", furnished=("flavors", "network", "image"), sections=sections, **default
            ) as api,
        ):
            await _give_key(api, key.with_suffix(".pub").read_text())
            write_credentials(api.cloud.state, api.url, api.cloud.passwords)
            yield RealCloud(api, api.cloud.state, key)
    finally:
        await remove_all(state_dir)


@asynccontextmanager
async def range_of_its_own(state_dir: Path) -> AsyncIterator[None]:
    """No other test's cloud chooses its external range until this one has taken its own, or this ends.

    The range is the first to which the machine has no route, and the route comes with the cloud's first guest.
    """
    with (Path(tempfile.gettempdir()) / "kilonova-tests-range").open("w") as file:
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)

        async def give_way() -> None:
            while not await has_range(state_dir):
                await asyncio.sleep(0.3)
            fcntl.flock(file, fcntl.LOCK_UN)

        giving_way = asyncio.create_task(give_way())
        try:
            yield
        finally:
            giving_way.cancel()
            await asyncio.wait([giving_way])


async def has_range(state_dir: Path) -> bool:
    """Whether the machine has a route to the external range of the cloud."""
    return f"dev {prefix_for(state_dir)}h" in await run("ip", "-4", "route")


async def _give_key(api: RunningCloud, public_key: str) -> None:
    keypair = {"name": "mine", "public_key": public_key}
    made = await api.http.post("/compute/v2.1/os-keypairs", json={"keypair": keypair})
    assert made.is_success, made.text


async def lend_image(state_dir: Path) -> None:
    """The image as an earlier run built it: some seconds less."""
    built = await cached_tiny(image_store())
    target = StateDir(state_dir).tiny / built.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(built, target)
