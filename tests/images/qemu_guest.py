"""A guest in plain QEMU, without any of Kilonova, for tests of images: its serial console and its control socket."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any


class PlainGuest:
    """A running QEMU. `console` is everything the guest said on its first serial port so far."""

    def __init__(self, process: asyncio.subprocess.Process, console: str, control: Path) -> None:
        self.process = process
        self.console = console
        self._control = control

    async def says(self, pattern: str, *, within_s: float = 120, after: int = 0) -> re.Match[str]:
        """The first match at or after character `after` of the console. Errors: AssertionError, EOFError."""
        compiled = re.compile(pattern)
        try:
            async with asyncio.timeout(within_s):
                while not (found := compiled.search(self.console, after)):
                    await self._hear()
        except TimeoutError:
            raise AssertionError(f"no {pattern!r} within {within_s} s on the console:\n{self.console}") from None
        return found

    async def types(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words.encode() + b"\n")
        await self.process.stdin.drain()

    async def ask(self, command: str, **arguments: Any) -> Any:
        """One command of QEMU's machine protocol (QMP), and its answer."""
        reader, writer = await asyncio.open_unix_connection(self._control)
        await reader.readline()
        answer: dict[str, Any] = {}
        for words in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
            writer.write(json.dumps(words).encode())
            while "return" not in (answer := json.loads(await reader.readline())):
                assert "error" not in answer, answer
        writer.close()
        return answer["return"]

    async def ends(self, *, within_s: float = 120) -> int:
        """Wait for QEMU to end by itself; its exit status."""
        async with asyncio.timeout(within_s):
            while True:
                try:
                    await self._hear()
                except EOFError:
                    return await self.process.wait()

    async def _hear(self) -> None:
        assert self.process.stdout is not None
        heard = await self.process.stdout.read(4096)
        if not heard:
            raise EOFError(f"QEMU ended; the console until then:\n{self.console}")
        self.console += heard.decode(errors="replace").replace("\r", "")


@asynccontextmanager
async def plain_guest(
    disk: Path, *more: str, work_dir: Path, memory_mib: int = 128, disk_format: str = "qcow2"
) -> AsyncIterator[PlainGuest]:
    """Start `disk` (written to) under TCG with its serial console on QEMU's own standard streams; killed at the end."""
    control = work_dir / "control"
    process = await asyncio.create_subprocess_exec(
        "qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,tb-size=32", "-m", str(memory_mib),
        "-nodefaults", "-display", "none", "-vga", "std", "-serial", "stdio",
        "-qmp", f"unix:{control},server=on,wait=off", "-drive", f"file={disk},if=virtio,format={disk_format}", *more,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield PlainGuest(process, "", control)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def overlay(base: Path, target: Path, *, size: str) -> Path:
    """A qcow2 of `size` (as qemu-img reads it, `1G`) over `base`, which stays as it is."""
    process = await asyncio.create_subprocess_exec(
        "qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base), "-F", "qcow2", str(target), size
    )
    assert await process.wait() == 0
    return target
