"""`status`: what runs and how it is."""

import argparse
import json
from typing import Any

import httpx

from kilonova.launch.running import running_cloud


def run(given: argparse.Namespace) -> int:
    running = running_cloud(given.state_dir)
    if running is None:
        print(json.dumps({"running": False}) if given.json else f"no cloud runs on {given.state_dir}")
        return 1
    found = _asked(running.base_url)
    if given.json:
        shown = {"running": True, "pid": running.pid, "url": running.base_url, "driver": running.driver, **found}
        print(json.dumps(shown, indent=1))
    else:
        print(f"{running.base_url}  process {running.pid}  {running.driver} driver")
        for name, state in found["services"].items():
            print(f"  {name:14} {state}")
    return 0 if found["ready"] else 1


def _asked(base_url: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = httpx.get(f"{base_url}/healthcheck", timeout=10, trust_env=False).json()
    except (httpx.HTTPError, json.JSONDecodeError) as error:
        return {"ready": False, "services": {"api": f"does not answer: {error}"}}
    return found
