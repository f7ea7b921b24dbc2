"""What our way adds to a real guest's start: POST to ACTIVE, beside QEMU started by hand. As root, libvirt driver.

    python -m benchmarks.libvirt_boot [--rounds 7] [--json FILE]

Each round measures three things one after the other, so that what else the machine does falls on all alike:

- a QEMU by hand, of the same memory, processor, disk image, screen and cards, until its machine protocol says that the
  guest's processors run;
- `virsh start` of the domain that we defined for a server, with nothing of ours around it;
- a server, from POST to ACTIVE, by the times of its own trace.

The first server of all fetches the image and brings its network to the host; it is shown by itself. Medians, and the
best of all rounds, which other work on the machine disturbs least. Wall times: let the machine rest.
"""

import argparse
import asyncio
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from benchmarks.whole_cloud import VERSION, client_of, create

from kilonova.launch.state_dir import StateDir
from kilonova.virt.libvirt.daemon import PrivateDaemon

# Spans by their place in the picture of a create.
_STEPS = {"3": "accepted by the api", "10": "host chosen and claimed", "19-21": "image", "22-24": "ports"}


async def one_id(http: httpx.AsyncClient, path: str, name: str) -> str:
    found: dict[str, Any] = (await http.get(path)).json()
    (entries,) = [value for value in found.values() if isinstance(value, list)]
    return next(str(entry["id"]) for entry in entries if entry["name"] == name)


async def boot(http: httpx.AsyncClient, wanted: tuple[str, str, list[dict[str, str]]], name: str) -> str:
    server_id = await create(http, *wanted, name)
    while True:
        server = (await http.get(f"/compute/v2.1/servers/{server_id}", headers=VERSION)).json()["server"]
        if server["status"] != "BUILD":
            assert server["status"] == "ACTIVE", server
            break
        await asyncio.sleep(0.05)
    # The last spans are gathered for a moment before they are kept.
    await asyncio.sleep(0.5)
    return server_id


async def remove(http: httpx.AsyncClient, server_id: str) -> None:
    await http.delete(f"/compute/v2.1/servers/{server_id}")
    while (await http.get(f"/compute/v2.1/servers/{server_id}")).status_code != 404:
        await asyncio.sleep(0.05)


def way(state: Path, server_id: str) -> dict[str, float]:
    """Milliseconds by part, of one server's creation."""
    command = [sys.executable, "-m", "kilonova.cli.main", "trace", "--json", "--state-dir", str(state), server_id]
    spans = json.loads(subprocess.check_output(command))["spans"]
    first = min(span["started_us"] for span in spans)
    ends = next(span["started_us"] + span["duration_us"] for span in spans if span["name"] == "ACTIVE")
    took = {name: sum(s["duration_us"] for s in spans if s["step"] == step) / 1000 for step, name in _STEPS.items()}
    took["wired"] = sum(span["duration_us"] for span in spans if span["name"] == "plug") / 1000
    start = sum(span["duration_us"] for span in spans if span["name"] == "define and start") / 1000
    total = (ends - first) / 1000
    return {"POST to ACTIVE": total, "libvirt and QEMU": start, "our way": total - start, **took}


def qemu_by_hand(image: Path, directory: Path) -> float:
    """Milliseconds from the command to a guest that runs."""
    disk, control = directory / "disk.qcow2", directory / "control"
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(image), "-F", "qcow2", str(disk), "1G"], check=True
    )
    command = ["qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,tb-size=32", "-cpu", "qemu64", "-m", "128",
               "-nodefaults", "-display", "none", "-vga", "std", "-vnc", f"unix:{directory}/vnc",
               "-netdev", "user,id=n", "-device", "virtio-net-pci,netdev=n", "-serial", f"file:{directory}/console",
               "-drive", f"file={disk},if=virtio,format=qcow2", "-device", "virtio-rng-pci",
               "-qmp", f"unix:{control},server=on,wait=off"]  # fmt: skip
    began = time.perf_counter()
    with subprocess.Popen(command) as process:
        try:
            asyncio.run(_runs(control))
            return (time.perf_counter() - began) * 1000
        finally:
            process.kill()
            process.wait()


async def _runs(control: Path) -> None:
    while True:
        try:
            reader, writer = await asyncio.open_unix_connection(control)
            break
        except OSError:
            await asyncio.sleep(0.002)
    await reader.readline()
    for command in ("qmp_capabilities", "query-status"):
        writer.write(json.dumps({"execute": command}).encode())
        while "return" not in (answer := json.loads(await reader.readline())):
            pass
    assert answer["return"]["running"], answer
    writer.close()


async def booted(http: httpx.AsyncClient, server_id: str) -> None:
    """Wait: a guest that boots takes a whole processor."""
    path = f"/compute/v2.1/servers/{server_id}/action"
    log: dict[str, dict[str, int]] = {"os-getConsoleOutput": {}}
    while "tiny: boot finished" not in (await http.post(path, json=log)).json()["output"]:
        await asyncio.sleep(0.5)
    await asyncio.sleep(2)


async def shut_off(http: httpx.AsyncClient, server_id: str) -> None:
    path = f"/compute/v2.1/servers/{server_id}"
    await http.post(f"{path}/action", json={"os-stop": None})
    while (await http.get(path)).json()["server"]["status"] != "SHUTOFF":
        await asyncio.sleep(0.1)


def virsh_start(uri: str, server_id: str) -> float:
    """Milliseconds of `virsh start`, without what virsh itself takes to say hello; the domain is off again then."""

    def virsh(*words: str) -> float:
        began = time.perf_counter()
        subprocess.run(["virsh", "-q", "-c", uri, *words], check=True, stdout=subprocess.DEVNULL)
        return (time.perf_counter() - began) * 1000

    hello = virsh("domstate", server_id)
    try:
        return virsh("start", server_id) - hello
    finally:
        virsh("destroy", server_id)


async def wanted_of(http: httpx.AsyncClient) -> tuple[str, str, list[dict[str, str]]]:
    """Image, flavor and network, once the cloud has the image."""
    while not (await http.get("/image/v2/images?name=tiny&status=active")).json()["images"]:
        await asyncio.sleep(0.2)
    return (
        await one_id(http, "/image/v2/images", "tiny"),
        await one_id(http, "/compute/v2.1/flavors", "m1.nano"),
        [{"uuid": await one_id(http, "/network/v2.0/networks", "private")}],
    )


async def measure(state: Path, rounds: int) -> tuple[dict[str, float], list[dict[str, float]]]:
    """The first server's way, and each round's times."""
    http = await client_of(state, "kilonova")
    wanted = await wanted_of(http)
    (image,) = (state / "tiny").glob("*.qcow2")
    uri = PrivateDaemon(StateDir(state).compute / "libvirt", session=False).uri
    first = await boot(http, wanted, "first")
    found = way(state, first)
    await booted(http, first)
    await shut_off(http, first)
    times = []
    for index in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            by_hand = await asyncio.to_thread(qemu_by_hand, image, Path(directory))
        by_virsh = await asyncio.to_thread(virsh_start, uri, first)
        server_id = await boot(http, wanted, f"later-{index}")
        times.append({"QEMU by hand": by_hand, "virsh start": by_virsh, **way(state, server_id)})
        await remove(http, server_id)
    await http.aclose()
    return found, times


def shown(first: dict[str, float], rounds: list[dict[str, float]]) -> str:
    """A table, and what each layer adds."""
    median = {what: statistics.median(one[what] for one in rounds) for what in rounds[0]}
    best = {what: min(one[what] for one in rounds) for what in rounds[0]}
    lines = [f"{'milliseconds':28} {'first':>8} {'median':>8} {'best':>8}"]
    for what in median:
        by_first = f"{first[what]:8.0f}" if what in first else " " * 8
        lines.append(f"{what:28} {by_first} {median[what]:8.0f} {best[what]:8.0f}")
    for words, more, less in (
        ("libvirt adds to QEMU", "virsh start", "QEMU by hand"),
        ("we add to libvirt", "POST to ACTIVE", "virsh start"),
        ("both add to QEMU", "POST to ACTIVE", "QEMU by hand"),
    ):
        added = statistics.median(one[more] - one[less] for one in rounds)
        of_first = f"{first[more] - median[less]:8.0f}" if more in first else " " * 8
        lines.append(f"{words:28} {of_first} {added:8.0f} {best[more] - best[less]:8.0f}")
    return "\n".join(lines)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--listen", default="127.0.0.1:18775")
    words.add_argument("--json", type=Path)
    given = words.parse_args()
    state = Path(tempfile.mkdtemp(prefix="kilonova-bench-"))
    cli = [sys.executable, "-m", "kilonova.cli.main"]
    log = (state / "out").open("ab")
    process = subprocess.Popen(
        [*cli, "up", "--state-dir", str(state), "--listen", given.listen, "--driver", "libvirt"], stdout=log, stderr=log
    )
    try:
        while not (state / "running.json").exists():
            if process.poll() is not None:
                sys.exit((state / "out").read_text())
            time.sleep(0.05)
        first, rounds = asyncio.run(measure(state, given.rounds))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        subprocess.run([*cli, "down", "--all", "--state-dir", str(state)], check=False, stdout=subprocess.DEVNULL)
        shutil.rmtree(state, ignore_errors=True)
    print(shown(first, rounds))
    if given.json:
        given.json.write_text(json.dumps({"first": first, "rounds": rounds}, indent=1))


if __name__ == "__main__":
    main()
