"""What our way adds to a real guest's start: POST to ACTIVE, beside QEMU started by hand. As root, libvirt driver.

    python benchmarks/libvirt_boot.py [--servers 5] [--json FILE]

Times are those of the server's own trace. The first server fetches the image and brings its network to the host; it is
told apart from those after it, which are started beside it. By hand: the first one's domain with `virsh start`, and a
QEMU of the same memory, processor, disk image and screen, ready when its machine protocol says that the guest runs.
Wall times: let the machine rest.
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


async def virsh_start(http: httpx.AsyncClient, state: Path, server_id: str) -> float:
    """Milliseconds that libvirt takes to start the server's domain when somebody else asks it to."""
    path = f"/compute/v2.1/servers/{server_id}"
    await http.post(f"{path}/action", json={"os-stop": None})
    while (await http.get(path)).json()["server"]["status"] != "SHUTOFF":
        await asyncio.sleep(0.1)
    uri = PrivateDaemon(StateDir(state).compute / "libvirt", session=False).uri
    began = time.perf_counter()
    subprocess.run(["virsh", "-q", "-c", uri, "start", server_id], check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


async def measure(state: Path, servers: int) -> tuple[list[dict[str, float]], float]:
    http = await client_of(state, "kilonova")
    wanted = (
        await one_id(http, "/image/v2/images", "tiny"),
        await one_id(http, "/compute/v2.1/flavors", "m1.nano"),
        [{"uuid": await one_id(http, "/network/v2.0/networks", "private")}],
    )
    first = await boot(http, wanted, "first")
    found = [way(state, first)]
    await booted(http, first)
    for index in range(servers):
        server_id = await boot(http, wanted, f"later-{index}")
        found.append(way(state, server_id))
        await remove(http, server_id)
    by_libvirt = await virsh_start(http, state, first)
    await http.aclose()
    return found, by_libvirt


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--servers", type=int, default=5)
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
        (first, *rest), by_libvirt = asyncio.run(measure(state, given.servers))
        (image,) = (state / "tiny").glob("*.qcow2")
        with tempfile.TemporaryDirectory() as directory:
            by_hand = statistics.median(qemu_by_hand(image, Path(directory)) for _ in range(given.servers))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        subprocess.run([*cli, "down", "--all", "--state-dir", str(state)], check=False, stdout=subprocess.DEVNULL)
        shutil.rmtree(state, ignore_errors=True)
    later = {what: statistics.median(one[what] for one in rest) for what in first}
    print(f"{'milliseconds':28} {'first':>8} {'later':>8}")
    for what, value in later.items():
        print(f"{what:28} {first[what]:8.0f} {value:8.0f}")
    for what, alone in (("virsh start", by_libvirt), ("QEMU by hand", by_hand)):
        print(f"{what:28} {'':8} {alone:8.0f}   added to it: {later['POST to ACTIVE'] - alone:.0f}")
    if given.json:
        given.json.write_text(
            json.dumps({"first": first, "later": later, "virsh start": by_libvirt, "QEMU": by_hand}, indent=1)
        )


if __name__ == "__main__":
    main()
