"""`down`: stop the cloud. Guests keep running and are found again by the next `up`; `--all` removes them too."""

import argparse
import asyncio
import os
import signal
import time

from kilonova.launch.removal import remove_all
from kilonova.launch.running import running_cloud

# A process that is asked to stop finishes its requests first.
STOP_S = 15.0


def run(given: argparse.Namespace) -> int:
    running = running_cloud(given.state_dir)
    if running is not None:
        os.kill(running.pid, signal.SIGTERM)
        _await_end(running.pid)
        print(f"stopped (process {running.pid})")
    else:
        print("nothing runs here")
    if given.all and given.state_dir.exists():
        for line in asyncio.run(remove_all(given.state_dir)):
            print(line)
    return 0


def _await_end(pid: int) -> None:
    until = time.monotonic() + STOP_S
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return
        except OSError:
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
