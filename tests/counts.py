"""Counts that tests make (`239 of 239 samples …`), told again at the end of the run, whichever process made them."""

from collections.abc import Callable
from typing import Any

import pytest

Count = Callable[[int, int, str], None]
_NAME = "count"


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Count:
    """Call it with how many hold, of how many, and what they are."""

    def tell(held: int, of: int, what: str) -> None:
        record_property(_NAME, f"{held} of {of} {what}")

    return tell


def pytest_terminal_summary(terminalreporter: Any) -> None:
    told = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == _NAME
    ]
    if told:
        terminalreporter.section("counts")
        for line in sorted(told):
            terminalreporter.write_line(line)
