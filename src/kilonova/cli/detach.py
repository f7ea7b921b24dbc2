"""`up --detach`: a child that goes on; we wait until it is healthy or gone. It loads what a cloud needs, not we."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from kilonova.launch.running import AlreadyRunning, running_cloud

# A start takes a second or two; on a machine that is very busy, or whose database has to be brought up to date, longer.
HEALTHY_S = 180.0
PAUSE_S = 0.02


def run(given: argparse.Namespace) -> int:
    """Errors: AlreadyRunning."""
    state_dir: Path = given.state_dir
    found = running_cloud(state_dir)
    if found is not None:
        raise AlreadyRunning(f"{state_dir} (process {found.pid}, {found.base_url})")
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = state_dir / "kilonova.log"
    child = _start(log)
    until = time.monotonic() + HEALTHY_S
    while time.monotonic() < until and child.poll() is None:
        running = running_cloud(state_dir)
        if running is not None and running.pid == child.pid:
            print(f"kilonova is up: {running.base_url}")
            print(f"  export OS_CLIENT_CONFIG_FILE={state_dir / 'clouds.yaml'} OS_CLOUD=kilonova")
            if not (state_dir / "furnished" / "image").exists():
                print("  the image tiny is being made: `openstack image list` shows when it is active")
            if given.boot:
                print(f"  {given.boot} is being booted: `./kilonova trace {given.boot}` shows how")
            return 0
        time.sleep(PAUSE_S)
    child.kill()
    lines = log.read_text(errors="replace").strip().splitlines()
    print(f"kilonova: it did not start: {lines[-1] if lines else 'no word'} (all of it in {log})", file=sys.stderr)
    return 1


def _start(log: Path) -> "subprocess.Popen[bytes]":
    """The same words without --detach, in a session of its own."""
    words = [word for word in sys.argv[1:] if word != "--detach"]
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "kilonova.cli.main", *words],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
