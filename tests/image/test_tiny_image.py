"""The image `tiny`, built for real and booted in plain QEMU."""

import functools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from kilonova.image.tiny.build import build_tiny, cached_tiny
from kilonova.image.tiny.tools import GuestToolMissing, program
from tests.images.config_drive import write_config_drive
from tests.images.qemu_guest import PlainGuest, overlay, plain_guest
from tests.images.store import image_store

NETWORK = ("-nic", "user,model=virtio-net-pci")
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample me@home"
USER_DATA = "#!/bin/sh\necho user data of $(hostname) >/root/proof\n"


async def log_in(guest: PlainGuest, password: str) -> None:
    await guest.says("login: ")
    await guest.types("root")
    await guest.says("Password: ")
    await guest.types(password)
    await guest.says("# ")


async def answer(guest: PlainGuest, command: str) -> str:
    """What `command` prints in the guest's shell."""
    here = len(guest.console)
    # Quoted so that the shell's echo of what was typed does not look like the answer.
    await guest.types(f"echo '=beg'in; {command}; echo '=e'nd")
    return (await guest.says(r"=begin\n([\s\S]*?)=end\n", after=here))[1].strip()


@contextmanager
def serving(directory: Path) -> Iterator[int]:
    """A plain web server for the directory's files on the loopback; its port."""
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.slow
async def test_tiny_boots_grows_lets_root_in_and_obeys_the_power_button(tmp_path: Path) -> None:
    disk = await overlay(await cached_tiny(image_store()), tmp_path / "disk.qcow2", size="1G")

    async with plain_guest(disk, *NETWORK, work_dir=tmp_path) as guest:
        await guest.says(r"tiny: root file system 9\d\d MiB")
        await guest.says(r"tiny: net eth0 10\.0\.2\.15/24")
        await guest.says("Log in as root with the password tiny")
        await log_in(guest, "tiny")
        assert "has_journal" in await answer(
            guest, "grep -o has_journal /proc/fs/ext4/vda2/options || echo has_journal"
        )
        await guest.ask("system_powerdown")
        await guest.says("tiny: power button")
        await guest.says("tiny: going down")
        assert await guest.ends() == 0


@pytest.mark.slow
async def test_tiny_takes_its_name_key_password_and_user_data_from_a_config_drive(tmp_path: Path) -> None:
    disk = await overlay(await cached_tiny(image_store()), tmp_path / "disk.qcow2", size="200M")
    facts: dict[str, Any] = {
        "uuid": "83679162-1378-4288-a2d4-70e13ec132aa",
        "hostname": "alpha.novalocal",
        "name": "alpha",
        "admin_pass": "se:cret\\ 1",
        "public_keys": {"mine": KEY + "\n"},
        "meta": {"hostname": "not-this-one", "uuid": "nor-this"},
    }
    drive = write_config_drive(tmp_path / "config.iso", facts, USER_DATA)
    with_drive = ("-drive", f"file={drive},if=virtio,format=raw,readonly=on")

    async with plain_guest(disk, *with_drive, work_dir=tmp_path) as guest:
        await guest.says("tiny: user-data exit=0")
        await guest.says("tiny: boot finished host=alpha source=configdrive")
        await log_in(guest, facts["admin_pass"])
        assert await answer(guest, "cat /root/.ssh/authorized_keys") == KEY
        assert await answer(guest, "cat /root/proof") == "user data of alpha"
        await answer(guest, "rm /root/proof; sync")
        await guest.types("reboot -f")
        await guest.says("tiny: boot finished", after=len(guest.console))
        assert guest.console.count("tiny: user-data exit=") == 1, "user-data runs once in a server's life"


@pytest.mark.slow
async def test_tiny_asks_the_metadata_service_where_there_is_no_config_drive(tmp_path: Path) -> None:
    disk = await overlay(await cached_tiny(image_store()), tmp_path / "disk.qcow2", size="200M")
    tree = tmp_path / "service/openstack/latest"
    tree.mkdir(parents=True)
    (tree / "meta_data.json").write_text(json.dumps({"uuid": "a-1", "hostname": "gamma", "public_keys": {"k": KEY}}))
    (tree / "user_data").write_text(USER_DATA)

    with serving(tmp_path / "service") as port:
        # QEMU's own network answers at the address of the metadata service and passes each connection on.
        service = f"guestfwd=tcp:169.254.169.254:80-cmd:busybox nc 127.0.0.1 {port}"
        network = ("-nic", f"user,model=virtio-net-pci,net=169.254.169.0/24,{service}")
        async with plain_guest(disk, *network, work_dir=tmp_path) as guest:
            await guest.says("tiny: boot finished host=gamma source=metadata")
            await guest.says("Log in as root with the password tiny")
            await log_in(guest, "tiny")
            assert await answer(guest, "cat /root/.ssh/authorized_keys /root/proof") == f"{KEY}\nuser data of gamma"


async def test_a_build_that_cannot_be_finished_leaves_no_image(tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "tiny.qcow2"

    with pytest.raises(Exception, match="qemu-img"):
        await build_tiny(target, work_dir=tmp_path)

    assert not target.parent.exists()


def test_a_missing_tool_is_named_with_the_command_that_brings_it() -> None:
    with pytest.raises(GuestToolMissing, match="apt-get install") as refused:
        program("no-such-program")

    assert refused.value.tool == "no-such-program"
    assert "no-such-program" in refused.value.mend
