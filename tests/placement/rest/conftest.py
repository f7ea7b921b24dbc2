"""The REST API over the placement service of the test, on SQLite."""

from collections.abc import AsyncIterator

import httpx
import pytest

from kilonova.placement.rest.application import application
from kilonova.placement.service import PlacementService
from kilonova.web.asgi_transport import AsgiTransport
from tests.callers import check_token
from tests.placement.rest.client import Client


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What the databases do is tested elsewhere."""
    return sqlite_url


@pytest.fixture
async def client(placement: PlacementService) -> AsyncIterator[Client]:
    transport = AsgiTransport(application(placement, check_token))
    async with httpx.AsyncClient(transport=transport, base_url="http://placement") as http:
        yield Client(http)
