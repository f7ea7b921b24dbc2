"""`test`: every check and every test, the quick ones first. Stops at the first that fails."""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def _stages(given: argparse.Namespace) -> Iterator[tuple[str, list[str]]]:
    tool = str(Path(sys.executable).parent) + "/"
    yield "style", [tool + "ruff", "check", "src", "tests", "benchmarks"]
    yield "layout", [tool + "ruff", "format", "--check", "src", "tests", "benchmarks"]
    yield "floors", [tool + "lint-imports"]
    yield "types", [tool + "mypy"]
    pytest = [sys.executable, "-m", "pytest", "-q", *given.pytest]
    yield "quick tests", [*pytest, "-m", "not slow and not root"]
    if not given.quick:
        yield "tests on a real host", [*pytest, "-m", "root and not slow"]
        yield "tests with whole guests", [*pytest, "-m", "slow"]


def run(given: argparse.Namespace) -> int:
    began = time.monotonic()
    for name, command in _stages(given):
        print(f"== {name}: {' '.join(Path(command[0]).name if i == 0 else word for i, word in enumerate(command))}",
              flush=True)  # fmt: skip
        started = time.monotonic()
        status = subprocess.run(command, cwd=ROOT, check=False).returncode
        print(f"== {name}: {'ok' if status == 0 else 'FAILED'} after {time.monotonic() - started:.0f} s", flush=True)
        if status != 0:
            return 1
    print(f"everything passed in {time.monotonic() - began:.0f} s", flush=True)
    return 0
