"""Counts that tests make (`239 of 239 samples …`), told again at the end of the run, whichever process made them."""

import re
from collections.abc import Callable
from typing import Any

import pytest

Count = Callable[[int, int, str], None]
_NAME = "count"
_HARD_PART = re.compile(r"test_hard_parts\w*\.py::test_(\d\d)_")


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Call it with how many hold, of how many, and what they are."""

    def tell(held: int, of: int, what: str) -> None:
        record_property(_NAME, f"{held} of {of} {what}")

    return tell


def _hard_parts(terminalreporter: Any) -> dict[str, bool]:
    """Those whose tests ran, by number: whether all of them passed."""
    held: dict[str, bool] = {}
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            found = _HARD_PART.search(getattr(report, "nodeid", ""))
            if found and outcome in ("passed", "failed", "error"):
                held[found[1]] = held.get(found[1], True) and outcome == "passed"
    return held


def pytest_terminal_summary(terminalreporter: Any) -> None:
    told = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == _NAME
    ]
    parts = _hard_parts(terminalreporter)
    if parts:
        told.append(f"{sum(parts.values())} of {len(parts)} hard parts hold")
    if told:
        terminalreporter.section("counts")
        for line in sorted(told):
            terminalreporter.write_line(line)
