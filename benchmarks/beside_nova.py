"""What an operation costs here and in the real Nova: CPU of the whole cloud, the same calls, on one machine.

    KILONOVA_BENCH=DIR python benchmarks/beside_nova.py [--nova JSON] [--save DIR] [--hosts 10] [--n 1.0]

DIR holds `cloudbench.py`, which measures any cloud over its public API, and `peer/`, the scripts that stand up the real
Nova, Keystone, Placement, Glance, Neutron, MariaDB and RabbitMQ (`setup.sh`, `start.sh`, `openrc`, `stop.sh`; `PEER=`
says where). The real cloud is started (set up first, where it never was), measured and stopped; then ours is, with the
simulated driver and no networks on either side. That takes half an hour, for the real one makes a server a second:
`--fleet 100` makes a smaller list, `--nova` takes the figures of an earlier run instead. cloudbench needs aiohttp:
`--python` names a Python that has it.

CPU is that of the cloud's processes, so a busy machine changes it little; waits at 128 requests at once need a quiet
one. Ends with 1 when a figure misses what is promised (the column `at most`).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

Row = dict[str, Any]

NEEDED = ("cloudbench.py", "peer/setup.sh", "peer/start.sh", "peer/openrc", "peer/stop.sh")

# No quotas on either side, and hosts that have room for all the servers.
NOVA_CONF = """\
[DEFAULT]
cpu_allocation_ratio = 1000
ram_allocation_ratio = 1000
disk_allocation_ratio = 1000
[quota]
instances = -1
cores = -1
ram = -1
"""


class Costs(NamedTuple):
    """`rows` of cloudbench whose CPU per operation add up to the figure; ours may be 1/`share` of Nova's."""

    what: str
    rows: tuple[tuple[str, str], ...]
    share: int


COSTS = (
    Costs("token by password", (("token", "POST /auth/tokens c=8"),), 8),
    Costs("flavors in detail", (("flavors", "GET /flavors/detail c=8"),), 40),
    Costs("list of all servers in detail", (("list", "GET /servers/detail |{fleet}| c=8"),), 200),
    Costs("show a server", (("show", "GET /servers/{id} c=8"),), 80),
    Costs("create plus delete, burst of 100", (("burst", "create 100 c=16"), ("burst", "delete 100 c=16")), 60),
)


class Waits(NamedTuple):
    what: str
    row: tuple[str, str]
    most_ms: float


WAITS = (
    Waits("GETs, 128 at once, p99 ms", ("overload", "mixed GETs c=128 for 10 s"), 500),
    Waits("POSTs, 128 at once, p99 ms", ("overload_write", "POST /servers c=128 for 10 s"), 2000),
)


def found(rows: list[Row], test: str, what: str) -> Row:
    return next(row for row in rows if (row["test"], row["what"]) == (test, what))


def cpu_ms(rows: list[Row], costs: Costs, fleet: int) -> float:
    named = ((test, what.format(fleet=fleet) if test == "list" else what) for test, what in costs.rows)
    return sum(float(found(rows, *one)["cloud_cpu_ms_per_op"]) for one in named)


def measured(bench: Path, given: argparse.Namespace, environment: dict[str, str], *more: str, out: Path) -> list[Row]:
    """Run cloudbench against the cloud of `environment`; its rows, also kept in `out`."""
    command = [given.python, str(bench / "cloudbench.py"), "--networks", "none", "--fleets", str(given.fleet)]
    command += ["--bursts", "100", "--only", "token,flavors,list,show,burst,overload,overload_write"]
    command += ["--repeats", "3", "--n", str(given.n), "--json", str(out), *more]
    subprocess.run(command, env=environment, check=True)
    return list(json.loads(out.read_text())["results"])


def shell(command: str, **variables: str) -> dict[str, str]:
    """Run it and answer the environment it ends with."""
    script = f"set -e; {command}; env -0"
    done = subprocess.run(["bash", "-c", script], env=os.environ | variables, stdout=subprocess.PIPE, check=True)
    entries = (entry.partition("=") for entry in done.stdout.decode().split("\0") if "=" in entry)
    return {name: value for name, _, value in entries}


@contextmanager
def real_cloud(bench: Path, peer: Path) -> Iterator[dict[str, str]]:
    """The environment of its administrator."""
    scripts = bench / "peer"
    start = "start.sh" if (peer / "etc/nova/nova.conf").exists() else "setup.sh"
    try:
        subprocess.run([scripts / start], env=os.environ | {"PEER": str(peer)}, check=True)
        yield shell(f". {scripts}/openrc", PEER=str(peer))
    finally:
        subprocess.run([scripts / "stop.sh"], env=os.environ | {"PEER": str(peer)}, check=False)


def nova(bench: Path, given: argparse.Namespace) -> list[Row]:
    if given.nova:
        return list(json.loads(given.nova.read_text())["results"])
    peer = Path(os.environ.get("PEER", given.save / "peer")).absolute()
    with real_cloud(bench, peer) as environment:
        pids = ("--cpu-pidfiles", f"{peer}/run/*.pid", "--image", "tiny", "--flavor", "m1.nano")
        return measured(bench, given, environment, *pids, out=given.save / "nova.json")


def ours(bench: Path, given: argparse.Namespace) -> tuple[list[Row], float]:
    """The rows, and the idle cloud's memory in MiB (PSS)."""
    state = Path(tempfile.mkdtemp(prefix="kilonova-beside-"))
    (state / "nova.conf").write_text(NOVA_CONF)
    command = [sys.executable, "-m", "kilonova.cli.main", "up", "--state-dir", str(state / "state")]
    command += ["--config-file", str(state / "nova.conf"), "--listen", given.listen]
    command += ["--driver", "simulated", "--hosts", str(given.hosts)]
    with (state / "out").open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        openrc = state / "state/openrc"
        while not (state / "state/running.json").exists():
            if process.poll() is not None:
                sys.exit((state / "out").read_text())
            time.sleep(0.05)
        # The image tiny is made when the cloud is up.
        while not (state / "state/furnished/image").exists() and "cannot be made" not in (state / "out").read_text():
            time.sleep(0.1)
        environment = shell(f". {openrc}")
        wait_for_image(environment)
        memory = pss_mib(process.pid)
        pids = ("--cpu-pids", str(process.pid), "--flavor", "m1.nano")
        return measured(bench, given, environment, *pids, out=given.save / "kilonova.json"), memory
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(state, ignore_errors=True)


def wait_for_image(environment: dict[str, str]) -> None:
    """A fresh cloud makes its image behind the scenes."""
    user = {"name": environment["OS_USERNAME"], "domain": {"name": "Default"}, "password": environment["OS_PASSWORD"]}
    auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
    identity = environment["OS_AUTH_URL"]
    token = httpx.post(f"{identity}/auth/tokens", json={"auth": auth}).headers["X-Subject-Token"]
    image = identity.replace("/identity/v3", "/image/v2/images?status=active")
    while not httpx.get(image, headers={"X-Auth-Token": token}).json()["images"]:
        time.sleep(0.5)


def pss_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def told(our_rows: list[Row], nova_rows: list[Row], fleet: int) -> bool:
    """Print the table; whether everything holds."""
    holds = True
    print("| CPU of the whole cloud, ms | kilonova | nova | ratio | at most |\n|---|---|---|---|---|")
    for costs in COSTS:
        here, there = (cpu_ms(rows, costs, fleet) for rows in (our_rows, nova_rows))
        holds = holds and here * costs.share <= there
        print(f"| {costs.what} | {here:.2f} | {there:.1f} | 1:{there / max(here, 0.01):.0f} | 1:{costs.share} |")
    print("\n| under load | kilonova | nova | at most |\n|---|---|---|---|")
    for waits in WAITS:
        mine, theirs = (found(rows, *waits.row) for rows in (our_rows, nova_rows))
        holds = holds and mine["p99_ms"] <= waits.most_ms
        print(f"| {waits.what} | {mine['p99_ms']} | {theirs['p99_ms']} | {waits.most_ms:.0f} |")
        print(f"| answers | {counted(mine)} | {counted(theirs)} | |")
    return holds


def counted(row: Row) -> str:
    return ", ".join(f"{count} × {code}" for code, count in sorted(row["codes"].items())) + f" ({row['rps']}/s)"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--nova", type=Path, help="its figures from an earlier run's nova.json")
    words.add_argument("--save", type=Path, default=Path(tempfile.gettempdir()) / "beside-nova", help="for the JSON")
    words.add_argument("--hosts", type=int, default=10)
    words.add_argument("--fleet", type=int, default=1000, help="servers in the list")
    words.add_argument("--python", default=sys.executable, help="runs cloudbench")
    words.add_argument("--n", type=float, default=1.0, help="scales the number of requests")
    words.add_argument("--listen", default="127.0.0.1:18780")
    given = words.parse_args()
    bench = Path(os.environ.get("KILONOVA_BENCH", ""))
    missing = [name for name in NEEDED if not (bench / name).is_file()]
    if not os.environ.get("KILONOVA_BENCH") or missing:
        sys.exit("KILONOVA_BENCH must name the folder with " + ", ".join(NEEDED) + f"; missing: {', '.join(missing)}")
    given.save.mkdir(parents=True, exist_ok=True)
    nova_rows = nova(bench, given)
    our_rows, memory = ours(bench, given)
    holds = told(our_rows, nova_rows, given.fleet)
    print(f"\nidle memory here: {memory:.0f} MiB PSS; figures of both in {given.save}")
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
