"""Fixtures: addresses of private servers. A server is started by the first test that asks for it."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import process
from tests.servers.mariadb import mariadb
from tests.servers.postgresql import postgresql
from tests.servers.rabbitmq import rabbitmq
from tests.servers.relay import Relay


@pytest.fixture
def free_port() -> int:
    return process.free_port()


@pytest.fixture(scope="session")
def rabbitmq_url() -> Iterator[str]:
    with rabbitmq() as url:
        yield url


@pytest.fixture(scope="session")
def _fresh_postgresql() -> Iterator[Callable[[], str]]:
    with postgresql() as fresh:
        yield fresh


@pytest.fixture(scope="session")
def _fresh_mariadb() -> Iterator[Callable[[], str]]:
    with mariadb() as fresh:
        yield fresh


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An empty database, for this test alone; so are the other two."""
    return f"sqlite:///{tmp_path}/kilonova.db"


@pytest.fixture
def postgresql_url(_fresh_postgresql: Callable[[], str]) -> str:
    return _fresh_postgresql()


@pytest.fixture
def mariadb_url(_fresh_mariadb: Callable[[], str]) -> str:
    return _fresh_mariadb()


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The test runs once on each kind of database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
async def relay() -> AsyncIterator[Callable[[str], Relay]]:
    """Makes wires that can be cut; they are taken down after the test. Call `mend` on each first."""
    relays: list[Relay] = []

    def lay(url: str) -> Relay:
        relays.append(Relay(url))
        return relays[-1]

    yield lay
    for one in relays:
        await one.cut()
