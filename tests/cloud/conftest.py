from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cloud.running import RunningCloud, running_cloud


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[RunningCloud]:
    """A fresh cloud with one simulated host."""
    async with running_cloud(tmp_path / "state") as started:
        yield started
