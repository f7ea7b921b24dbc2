import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.real.cloud import RealCloud, real_cloud


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cloud(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealCloud]:
    """One cloud for all tests of a module; each test deletes its guests."""
    if os.geteuid() != 0:
        pytest.skip("bridges, namespaces and a private libvirtd need root")
    async with real_cloud(tmp_path_factory.mktemp("real")) as started:
        yield started
