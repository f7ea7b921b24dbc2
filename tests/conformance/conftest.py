"""The folder of facts, and a cloud to ask."""

import os
from pathlib import Path

import pytest

FACTS = "KILONOVA_FACTS"

collect_ignore_glob = [] if os.environ.get(FACTS) else ["test_*.py"]


@pytest.fixture(scope="session")
def facts() -> Path:
    """The folder with `operations.csv` and `samples`."""
    return Path(os.environ[FACTS]) / "compute-api"
