"""Guests small enough to start many of: their specs, and how to wait for what they do."""

import asyncio
import json
import subprocess
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from kilonova.image.bootsector import boot_sector
from kilonova.model.ids import GuestId, PortId, VolumeId
from kilonova.virt.guest import GuestEvent, GuestEventKind, GuestSpec, LocalDisk, Nic, VolumeDisk
from kilonova.virt.hypervisor import Hypervisor

MARKER = "BOOTED"


def write_boot_image(directory: Path) -> Path:
    image = directory / "boot-sector.raw"
    image.write_bytes(boot_sector(MARKER))
    return image


def guest_spec(image: Path, **changes: Any) -> GuestSpec:
    """A boot-sector guest of 16 MiB with a user-mode network card."""
    number = uuid.uuid4()
    values: dict[str, Any] = {
        "id": GuestId(str(number)),
        "name": f"instance-{number.hex[:8]}",
        "vcpus": 1,
        "memory_mib": 16,
        "disks": (LocalDisk(size_gib=1, base=image, base_format="raw"),),
        "nics": (nic(),),
    }
    return GuestSpec(**values | changes)


def nic(tap: str | None = None) -> Nic:
    number = uuid.uuid4()
    mac = "fa:16:3e:" + ":".join(number.hex[i : i + 2] for i in (0, 2, 4))
    return Nic(port_id=PortId(str(number)), mac=mac, tap=tap)


def volume(directory: Path, *, device: str = "/dev/vdb") -> VolumeDisk:
    number = VolumeId(str(uuid.uuid4()))
    path = directory / f"{number}.raw"
    with path.open("wb") as file:
        file.truncate(1 << 20)
    return VolumeDisk(volume_id=number, path=path, format="raw", device=device)


async def event(events: AsyncIterator[GuestEvent], guest: GuestId, kind: GuestEventKind) -> GuestEvent:
    """The next event of that kind; others before it are passed over. Errors: TimeoutError."""
    async with asyncio.timeout(20):
        async for one in events:
            if one.guest == guest and one.kind is kind:
                return one
    raise AssertionError("the events ended")


async def says(hypervisor: Hypervisor, guest: GuestId, text: str, *, times: int = 1, within_s: float = 30) -> str:
    """The console, once it has said `text` so often. A console has no event to wait for."""
    async with asyncio.timeout(within_s):
        while (console := await hypervisor.console_output(guest)).count(text) < times:
            await asyncio.sleep(0.02)
    return console


def image_info(path: Path) -> dict[str, Any]:
    """What qemu-img says of an image."""
    told: dict[str, Any] = json.loads(subprocess.check_output(["qemu-img", "info", "--output=json", path]))
    return told
