"""Each test of the contract runs on the bus inside one process and over RabbitMQ."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from kilonova.bus.bus import Bus
from kilonova.bus.connect import connect

Connect = Callable[[], Awaitable[Bus]]


@pytest.fixture(params=["local", "rabbitmq"])
async def another_bus(request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Gives a bus as another process would have: a connection of its own (in one process: the one bus there is)."""
    opened: list[Bus] = []

    async def local() -> Bus:
        if not opened:
            opened.append(await connect("local://"))
        return opened[0]

    async def over_rabbitmq() -> Bus:
        opened.append(await connect(request.getfixturevalue("rabbitmq_url")))
        return opened[-1]

    yield local if request.param == "local" else over_rabbitmq
    for bus in opened:
        await bus.close()


@pytest.fixture
def topic() -> str:
    """Not shared with the tests before: the broker lives on."""
    return f"test.{secrets.token_hex(4)}"
