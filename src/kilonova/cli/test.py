"""`test`: every check and every test, the quick ones first; words it does not know go to pytest.

A check that fails ends it at once, unless tests were chosen: that is known within seconds. Tests that fail do not keep
later ones from running.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[3]

# As many at once as there are cores. Each has database servers of its own, so there is a limit.
# Tests of one file share what it starts, so they stay together.
_AT_ONCE = ("-n", "logical", "--maxprocesses", "4", "--dist", "loadfile")

_QUICK = ("-m", "not slow and not root", "-o", "tmp_path_retention_policy=failed")
# In the order that tests/order.py gives them.
_THOROUGH = ("-m", "slow or root", "--no-loadscope-reorder")

# In bytes, with plenty to spare. Containers often have no more than 64 MiB.
_ROOM = 2 << 30
_MEMORY = Path("/dev/shm")

# pytest found no test that fits what was asked for.
_NOTHING_TO_DO = 5


@dataclass(frozen=True)
class Outcome:
    name: str
    ok: bool
    took_s: float
    tests: int = 0
    skipped: int = 0
    failed: tuple[str, ...] = ()


def run(given: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, _end)
    began = time.monotonic()
    outcomes = list(_checks())
    if given.pytest or all(outcome.ok for outcome in outcomes):
        for outcome in _tests(given):
            outcomes.append(outcome)
            if not outcome.ok and "-x" in given.pytest:
                break
    _sum_up(outcomes, time.monotonic() - began)
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _checks() -> Iterator[Outcome]:
    """All begin at once; each is told in its turn."""
    tool = str(Path(sys.executable).parent) + "/"
    code = ("src", "tests", "benchmarks")
    commands = {
        "style": [tool + "ruff", "check", *code],
        "layout": [tool + "ruff", "format", "--check", *code],
        "floors": [tool + "lint-imports"],
        "types": [tool + "mypy"],
    }
    began = time.monotonic()
    running = {
        name: subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for name, command in commands.items()
    }
    for name, process in running.items():
        said, _ = process.communicate()
        print(said, end="")
        yield _told(Outcome(name, process.returncode == 0, time.monotonic() - began))


def _tests(given: argparse.Namespace) -> Iterator[Outcome]:
    """Who says `-m` chooses for himself, and gets one stage."""
    words = given.pytest
    at_once = () if any(word.startswith(("-n", "--numprocesses")) for word in words) else _AT_ONCE
    if any(word.startswith("-m") for word in words):
        yield _told(_pytest("chosen tests", [*at_once, *words]))
        return
    yield _told(_pytest("quick tests", [*at_once, *_QUICK, *words], where=_where_writing_is_quick()))
    if not given.quick:
        yield _told(_pytest("tests on a real host and with whole guests", [*at_once, *_THOROUGH, *words]))


def _where_writing_is_quick() -> Path | None:
    """For the thousand databases of quick tests: each waits for its disk many times. None: where pytest likes."""
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    return _MEMORY if roomy else None


def _pytest(name: str, words: Sequence[str], *, where: Path | None = None) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="kilonova-test-") as directory:
        report = Path(directory) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *words]
        print(f"== {name}: {' '.join(('pytest', '-q', *words))}", flush=True)
        began = time.monotonic()
        status = _call(command, {**os.environ, **({"PYTEST_DEBUG_TEMPROOT": str(where)} if where else {})})
        took_s = time.monotonic() - began
        tests, skipped, failed = _read(report)
    return Outcome(name, status in (0, _NOTHING_TO_DO), took_s, tests, skipped, failed)


def _call(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Its exit status. It ends with us, and may put away what it started first."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:
        # The terminal has told it, too.
        process.wait()
        raise
    except SystemExit:
        process.terminate()
        process.wait()
        raise


def _read(report: Path) -> tuple[int, int, tuple[str, ...]]:
    """Tests that ran, tests that were left out, and the names of those that failed."""
    if not report.exists():
        return 0, 0, ()
    cases = list(ElementTree.parse(report).iter("testcase"))
    skipped = sum(case.find("skipped") is not None for case in cases)
    failed = dict.fromkeys(
        f"{case.get('classname')}: {case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    )
    return len(cases) - skipped, skipped, tuple(failed)


def _told(outcome: Outcome) -> Outcome:
    print(f"== {_line(outcome)}", flush=True)
    return outcome


def _line(outcome: Outcome) -> str:
    counted = f", {outcome.tests} tests" if outcome.tests else ""
    left_out = f", {outcome.skipped} left out" if outcome.skipped else ""
    return f"{outcome.name}: {'ok' if outcome.ok else 'FAILED'} after {outcome.took_s:.0f} s{counted}{left_out}"


def _sum_up(outcomes: Sequence[Outcome], took_s: float) -> None:
    print("\n== in all")
    for outcome in outcomes:
        print(f"   {_line(outcome)}")
        for name in outcome.failed:
            print(f"      FAILED {name}")
    tests, ok = sum(outcome.tests for outcome in outcomes), all(outcome.ok for outcome in outcomes)
    print(f"   {'everything passed' if ok else 'NOT everything passed'}: {tests} tests in {took_s:.0f} s", flush=True)
