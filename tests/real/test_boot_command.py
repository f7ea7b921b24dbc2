"""`up --boot`: one command from nothing to a guest, each step told as it happens, and told again by `trace`."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.real.cloud import BOOT_S, lend_image, range_of_its_own, run
from tests.servers.process import free_port

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

KILONOVA = (sys.executable, "-m", "kilonova.cli.main")
# The picture of a create, for a server without volumes, in the order in which its steps begin.
STEPS = ["1-2", "3", "4-5", "6-7", "8-9", "10", "11", "12-13", "14-18", "16-17", "19-21", "20", "22-24", "23", "28"]
HOPS = {
    "3": "client → compute",
    "4-5": "api → identity",
    "6-7": "api → db",
    "8-9": "api → conductor",
    "12-13": "conductor → compute",
    "19-21": "compute → image",
    "20": "image → identity",
    "22-24": "compute → network",
    "28": "compute → hypervisor",
}


async def test_one_command_boots_a_guest_and_tells_the_way(tmp_path: Path) -> None:
    state_dir = tmp_path / "state"
    await lend_image(state_dir)
    words = ("--state-dir", str(state_dir), "--driver", "libvirt", "--listen", f"127.0.0.1:{free_port()}")
    async with range_of_its_own(state_dir):
        live, spans = await booted(state_dir, words)

    healthy, waits, ready = (
        live.index(words) for words in ("kilonova is up", "hello waits for", "image tiny: is ready")
    )
    assert healthy < waits < ready
    assert re.search(r"hello is ACTIVE +10\.11\.0\.\d+", live)
    # The image and the ports are seen to side by side.
    ports = ("22-24", "23")
    assert [step for step in steps_of(spans) if step not in ports] == [step for step in STEPS if step not in ports]
    assert [step for step in steps_of(spans) if step in ports] == list(ports)
    for step, hop in HOPS.items():
        assert re.search(rf"^ *{step} .*{hop}", live, re.MULTILINE), step


async def booted(state_dir: Path, words: tuple[str, ...]) -> tuple[str, list[dict[str, Any]]]:
    """What `up --boot` printed, and what `trace` tells of the guest; the cloud is gone again."""
    process = await asyncio.create_subprocess_exec(
        *KILONOVA, "up", *words, "--boot", "hello", stdout=asyncio.subprocess.PIPE
    )
    try:
        live = await told(process)
        spans = json.loads(await run(*KILONOVA, "trace", "hello", "--state-dir", str(state_dir), "--json"))["spans"]
    finally:
        process.terminate()
        await process.wait()
        await run(*KILONOVA, "down", "--all", "--state-dir", str(state_dir))
    return live, spans


async def told(process: asyncio.subprocess.Process) -> str:
    """What it printed, up to the way."""
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(BOOT_S):
        while "way:" not in said:
            line = await process.stdout.readline()
            assert line, said
            said += line.decode()
    return said


def steps_of(spans: list[dict[str, Any]]) -> list[str]:
    """The numbers in the order of their first appearance."""
    return list(dict.fromkeys(span["step"] for span in sorted(spans, key=lambda s: s["started_us"]) if span["step"]))
