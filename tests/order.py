"""Long tests begin first: several processes share the tests, and none shall wait for another's at the end."""

import pytest

_LONGEST_FIRST = ("tests/real/test_cloud_image.py", "tests/cloud/test_nothing_lost.py", "tests/real/test_power.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _place(item.nodeid.split("::")[0]))


def _place(file: str) -> int:
    return _LONGEST_FIRST.index(file) if file in _LONGEST_FIRST else len(_LONGEST_FIRST)
