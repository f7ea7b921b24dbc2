"""consoleauth, on every kind of database."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from kilonova.console import store
from kilonova.console.auth import ConsoleAuthService
from kilonova.console.errors import ConsoleTokenInvalid
from kilonova.contract.console import ConsoleTarget
from kilonova.db.connect import connect
from kilonova.db.database import Database
from kilonova.db.statement import Statement
from kilonova.launch.schema import prepare_schema
from kilonova.model.ids import ServerId
from tests.console.conftest import SERVER, TTL_S, LateClock

OTHER = ServerId("00000000-0000-4000-8000-000000000001")
TARGET = ConsoleTarget(server_id=SERVER, console_type="novnc", host="10.0.0.1", port=5901, user_id="me")
SPICE = ConsoleTarget(server_id=SERVER, console_type="spice-html5", host="10.0.0.1", port=5902)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    await prepare_schema(database_url)
    opened = await connect(database_url)
    yield opened
    await opened.close()


async def redeemed(auth: ConsoleAuthService, token: str) -> bool:
    try:
        return await auth.redeem(token) is not None
    except ConsoleTokenInvalid:
        return False


async def test_a_token_is_good_once(auth: ConsoleAuthService) -> None:
    token = await auth.authorize(TARGET)

    assert await auth.look_up(token) == TARGET
    assert await auth.redeem(token) == TARGET
    with pytest.raises(ConsoleTokenInvalid):
        await auth.redeem(token)
    with pytest.raises(ConsoleTokenInvalid):
        await auth.look_up(token)


async def test_of_many_that_come_with_one_token_one_gets_in(auth: ConsoleAuthService) -> None:
    token = await auth.authorize(TARGET)

    assert sorted(await asyncio.gather(*(redeemed(auth, token) for _ in range(6)))) == [False] * 5 + [True]


async def test_a_spice_token_is_good_for_each_of_its_channels(auth: ConsoleAuthService) -> None:
    token = await auth.authorize(SPICE)

    assert [await redeemed(auth, token) for _ in range(4)] == [True] * 4


async def test_a_token_ends_with_its_time(auth: ConsoleAuthService, clock: LateClock) -> None:
    once, often = await auth.authorize(TARGET), await auth.authorize(SPICE)
    assert await redeemed(auth, often)

    clock.more_s = TTL_S + 1

    assert not await redeemed(auth, once)
    assert not await redeemed(auth, often)


async def test_expired_tokens_leave_the_table(auth: ConsoleAuthService, clock: LateClock, db: Database) -> None:
    await auth.authorize(TARGET)
    clock.more_s = TTL_S + 1
    await auth.authorize(TARGET)

    assert len(await db.fetch_all(Statement(store.console_tokens.select()))) == 1


async def test_whoever_reads_the_database_can_open_nothing(auth: ConsoleAuthService, db: Database) -> None:
    token = await auth.authorize(TARGET)

    (row,) = await db.fetch_all(Statement(store.console_tokens.select()))

    assert token not in repr(row)
    for column in row:
        assert not await redeemed(auth, str(column))


async def test_a_servers_tokens_are_taken_back_and_nobody_elses(auth: ConsoleAuthService) -> None:
    mine = [await auth.authorize(TARGET), await auth.authorize(SPICE)]
    other = await auth.authorize(ConsoleTarget(server_id=OTHER, console_type="novnc", host="h", port=1))

    await auth.revoke(SERVER)
    await auth.revoke(SERVER)

    assert [await redeemed(auth, token) for token in [*mine, other]] == [False, False, True]


async def test_guesses_open_nothing(auth: ConsoleAuthService) -> None:
    await auth.authorize(TARGET)

    assert [await redeemed(auth, guess) for guess in ("", "x", "'; --", "0" * 64, "é")] == [False] * 5
