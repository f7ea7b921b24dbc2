"""`conformance`: what takes long or needs facts that are not in this repository; prints how much of each holds.

The facts are a folder with `compute-api/` (Nova's operations and samples) and `conformance/` (rigs that run programs of
others: Tempest, the openstack client).
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import yaml

from kilonova.image.tiny.build import cached_tiny
from kilonova.launch.state_dir import StateDir

ROOT = Path(__file__).resolve().parents[3]
FACTS = "KILONOVA_FACTS"
VERSIONS = ("2.1", "2.50", "2.104")

# Tables of our own that print counts: policy, hard parts, what answers look like.
_OUR_TESTS = (
    "test_policy_matrix.py",
    "test_hard_parts.py",
    "test_hard_parts_of_work.py",
    "test_answers.py",
    "test_operations.py",
)
# A new cloud has a volume type of this name; without it Tempest leaves volumes of many servers out.
_RIG_SETTINGS = {"TEMPEST_SET": "volume.volume_type_multiattach=multiattach"}
_VERSION = "#/components/parameters/version"
_CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def run(given: argparse.Namespace) -> int:
    facts = facts_of(given)
    if not (facts / "compute-api" / "operations.csv").is_file():
        print(f"kilonova: no facts in {facts}: say where with --facts DIR or {FACTS}", file=sys.stderr)
        return 1
    failed = [name for name, ok in _stages(given, facts) if not ok]
    print(f"conformance: {', '.join(failed)} failed" if failed else "conformance: everything holds", flush=True)
    return 1 if failed else 0


def facts_of(given: argparse.Namespace) -> Path:
    """Where the facts are: as told, else of the environment, else beside the checkout."""
    found = given.facts or os.environ.get(FACTS)
    return Path(found).resolve() if found else ROOT.parent / "shared"


def _stages(given: argparse.Namespace, facts: Path) -> Iterator[tuple[str, bool]]:
    environment = {**os.environ, FACTS: str(facts)}
    ours = [str(ROOT / "tests" / "api" / name) for name in _OUR_TESTS]
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    yield "our own tables", _ran([*pytest, *ours], environment)
    yield "Nova's operations and samples", _ran([*pytest, str(ROOT / "tests" / "conformance")], environment)
    if not given.without_schemathesis:
        yield "schemathesis", _schemathesis()
    rigs = facts / "conformance"
    if given.smoke:
        yield "openstack client", run_rig(rigs, "clients", "smoke.sh", driver=given.driver)
    if given.tempest:
        yield "Tempest", run_rig(rigs, "tempest", "run.sh", driver=given.driver)


def _ran(command: list[str], environment: dict[str, str] | None = None) -> bool:
    print(f"== {' '.join(command)}", flush=True)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


@contextmanager
def _cloud(driver: str = "simulated") -> Iterator[Path]:
    """A cloud of two simulated hosts or of this one while it is used; its state directory."""
    with tempfile.TemporaryDirectory(prefix="kilonova-conformance-") as made:
        state = Path(made) / "state"
        kilonova = [sys.executable, "-m", "kilonova.cli.main"]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            listen = f"127.0.0.1:{free.getsockname()[1]}"
        hosts = ["--hosts", "2"] if driver == "simulated" else []
        up = ["up", "--driver", driver, *hosts, "--listen", listen, "--detach"]
        subprocess.run([*kilonova, *up, "--state-dir", str(state)], check=True)
        try:
            yield state
        finally:
            subprocess.run([*kilonova, "down", "--all", "--state-dir", str(state)], check=False)


def run_rig(rigs: Path, kind: str, script: str, *, driver: str) -> bool:
    """One of the rigs, whose last line is the count; what it drives is installed where it is not yet."""
    installed = Path(os.environ.get("CONF_ROOT") or Path.home() / ".cache" / "conformance")
    # Tempest's rig uses the client's environment, too.
    ready = all((installed / one / "bin" / "python").exists() for one in ("clients", kind))
    if not ready and not _ran(["bash", str(rigs / "setup.sh")]):
        return False
    with _cloud(driver) as state:
        # Images once made are kept in the workspace: those for one driver are wrong for the other.
        place = {"WS": str(installed / "run" / f"{kind}-{driver}")}
        told = {**_RIG_SETTINGS, **place, **_guests_of(state, driver), **os.environ, "OS_CLOUD": "kilonova-admin"}
        return _ran(["bash", str(rigs / kind / script), str(state / "clouds.yaml")], told)


def _guests_of(state: Path, driver: str) -> dict[str, str]:
    """Images the rig boots. Its own are blank, and only a system that runs in a guest lets go of a volume there."""
    if driver == "simulated":
        return {}
    tiny = str(asyncio.run(cached_tiny(StateDir(state).tiny)))
    return {"CONF_IMAGE_FILE": tiny, "CONF_IMAGE_FILE_ALT": tiny}


def _schemathesis() -> bool:
    """On the API's own description, against the running API. Where it is not installed this says so."""
    beside = Path(sys.executable).parent / "schemathesis"
    program = str(beside) if beside.exists() else shutil.which("schemathesis")
    if program is None:
        print("schemathesis is not installed (pip install 'kilonova[conformance]'): left out", flush=True)
        return True
    with _cloud() as state:
        entered = _entered(state)
        held = [version for version in VERSIONS if _described_at(program, state, entered, version)]
    print(f"{len(held)} of {len(VERSIONS)} versions: schemathesis finds no 5xx and nothing undeclared", flush=True)
    return len(held) == len(VERSIONS)


def _described_at(program: str, state: Path, entered: tuple[str, str], version: str) -> bool:
    url, token = entered
    config = ROOT / "tests" / "conformance" / "schemathesis.toml"
    described = httpx.get(f"{url}/compute/v2.1/openapi.json", params={"version": version}, trust_env=False).json()
    # The version is what this is about: without its header another one would be served.
    for methods in described["paths"].values():
        for operation in methods.values():
            if isinstance(operation, dict):
                operation["parameters"] = [one for one in operation["parameters"] if one.get("$ref") != _VERSION]
    file = state / f"openapi-{version}.json"
    file.write_text(json.dumps(described))
    asked = [program, "--config-file", str(config), "run", str(file), "--url", f"{url}/compute/v2.1"]
    headers = ["-H", f"X-Auth-Token: {token}", "-H", f"OpenStack-API-Version: compute {version}"]
    # The stream of events has no end.
    left_out = ["--exclude-path", "/servers/events"]
    how = ["--checks", _CHECKS, "--phases", "examples,coverage,fuzzing", "-n", "5", "--generation-deterministic"]
    print(f"== schemathesis at {version}", flush=True)
    return subprocess.run([*asked, *headers, *left_out, *how], cwd=ROOT, check=False).returncode == 0


def _entered(state: Path) -> tuple[str, str]:
    """The cloud's address, and a token of the administrator."""
    auth = yaml.safe_load((state / "clouds.yaml").read_text())["clouds"]["kilonova-admin"]["auth"]
    user = {"name": auth["username"], "domain": {"name": "Default"}, "password": auth["password"]}
    scope = {"project": {"name": auth["project_name"], "domain": {"name": "Default"}}}
    asked = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
    url = str(auth["auth_url"])
    base = url.partition("/identity")[0]
    answer = httpx.post(f"{base}/identity/v3/auth/tokens", json=asked, trust_env=False)
    answer.raise_for_status()
    return base, answer.headers["X-Subject-Token"]
