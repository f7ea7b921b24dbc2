"""What every database does alike: the contract of `db.database`, on SQLite, PostgreSQL and MariaDB."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import bindparam, func, insert, select, update

from kilonova.db.connect import connect
from kilonova.db.create import create_all
from kilonova.db.database import Database, Transaction
from kilonova.db.errors import AlreadyThere, DatabaseUnavailable, TryAgain
from kilonova.db.statement import (
    Statement,
    among,
    among_arguments,
    delete_by,
    insert_into,
    room_for,
    update_columns,
)
from kilonova.model.errors import InternalError
from tests.db.conftest import counters, notes
from tests.servers.relay import Relay

ADD_ONE = Statement(update(counters).where(counters.c.id == bindparam("by_id")).values(value=counters.c.value + 1))
VALUE = Statement(select(counters.c.value).where(counters.c.id == bindparam("id")))
ALL_NAMES = Statement(select(notes.c.name).order_by(notes.c.number))
BY_NAME = Statement(select(notes).where(notes.c.name == bindparam("name")))
COUNT = Statement(select(func.count()).select_from(notes))
NUMBERED = Statement(insert(notes).values(name=bindparam("name"), kind=bindparam("kind")).returning(notes.c.number))


async def test_a_transaction_stores_what_was_written_in_it(database: Database) -> None:
    async with database.begin() as transaction:
        assert await transaction.execute(insert_into(notes), name="a", body="{}") == 1
        assert await transaction.fetch_value(COUNT) == 1

    assert await database.row(BY_NAME, name="a") == {
        "number": 1,
        "name": "a",
        "kind": "plain",
        "body": "{}",
        "flag": None,
        "ratio": None,
    }


async def test_rows_come_as_plain_tuples_in_the_order_of_the_columns(database: Database) -> None:
    async with database.begin() as transaction:
        await transaction.execute(insert_into(notes), name="a", flag=1, ratio=1.5)

    rows = await database.fetch_all(Statement(select(notes.c.flag, notes.c.name, notes.c.ratio)))

    assert rows == [(1, "a", 1.5)]
    assert [type(row) for row in rows] == [tuple]
    assert [type(value) for value in rows[0]] == [int, str, float]


async def test_nothing_found_is_none(database: Database) -> None:
    assert await database.fetch_one(BY_NAME, name="nobody") is None
    assert await database.fetch_value(BY_NAME, name="nobody") is None
    assert await database.row(BY_NAME, name="nobody") is None
    assert await database.fetch_all(BY_NAME, name="nobody") == []
    assert await database.rows(BY_NAME, name="nobody") == []


async def test_an_error_rolls_everything_back(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.begin() as transaction:
            await transaction.execute(insert_into(notes), name="a")
            raise ZeroDivisionError

    assert await database.fetch_value(COUNT) == 0


async def test_a_cancelled_transaction_rolls_back_and_harms_nobody_else(database: Database) -> None:
    inside = asyncio.Event()

    async def stuck() -> None:
        async with database.begin() as transaction:
            await transaction.execute(insert_into(notes), name="a")
            inside.set()
            await asyncio.sleep(3600)

    task = asyncio.create_task(stuck())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with database.begin() as transaction:
        await transaction.execute(insert_into(notes), name="b")
    assert await database.fetch_all(ALL_NAMES) == [("b",)]


async def test_what_is_not_committed_is_not_seen_outside(database: Database) -> None:
    async with database.begin() as transaction:
        await transaction.execute(insert_into(notes), name="a")
        assert await database.fetch_value(COUNT) == 0
    assert await database.fetch_value(COUNT) == 1


async def test_a_broken_unique_constraint_is_already_there(database: Database) -> None:
    async with database.begin() as transaction:
        await transaction.execute(insert_into(notes), name="a", body="first")

    with pytest.raises(AlreadyThere):
        async with database.begin() as transaction:
            await transaction.execute(insert_into(notes), name="b")
            await transaction.execute(insert_into(notes), name="a", body="second")

    assert await database.rows(Statement(select(notes.c.name, notes.c.body))) == [{"name": "a", "body": "first"}]


async def test_a_null_where_none_may_be_is_not_already_there(database: Database) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - each driver has its own
        async with database.begin() as transaction:
            await transaction.execute(insert_into(notes), name=None)
    assert not isinstance(caught.value, AlreadyThere)


async def test_an_attempt_that_fails_is_undone_alone(database: Database) -> None:
    async with database.begin() as transaction:
        await transaction.execute(insert_into(notes), name="a")
        with pytest.raises(AlreadyThere):
            async with transaction.attempt():
                await transaction.execute(insert_into(notes), name="b")
                await transaction.execute(insert_into(notes), name="a")
        async with transaction.attempt():
            await transaction.execute(insert_into(notes), name="c")

    assert await database.fetch_all(ALL_NAMES) == [("a",), ("c",)]


async def test_a_swallowed_failure_is_never_half_a_commit(database: Database) -> None:
    with pytest.raises(InternalError):
        async with database.begin() as transaction:
            await transaction.execute(insert_into(notes), name="a")
            with pytest.raises(AlreadyThere):
                await transaction.execute(insert_into(notes), name="a")

    assert await database.fetch_value(COUNT) == 0


async def test_updates_and_deletes_say_how_many_rows_they_matched(database: Database) -> None:
    async with database.begin() as transaction:
        await transaction.execute_many(insert_into(notes), [{"name": f"n{number}", "flag": 0} for number in range(5)])
        flag = update_columns(notes, ("flag",), by=("kind",))
        # The same value again: matched all the same.
        assert await transaction.execute(flag, by_kind="plain", flag=0) == 5
        assert await transaction.execute(flag, by_kind="fancy", flag=1) == 0
        assert await transaction.execute(delete_by(notes, ("name",)), name="n3") == 1

    assert await database.fetch_all(ALL_NAMES) == [("n0",), ("n1",), ("n2",), ("n4",)]


async def test_many_of_none_is_nothing(database: Database) -> None:
    async with database.begin() as transaction:
        await transaction.execute_many(insert_into(notes), [])
    assert await database.fetch_value(COUNT) == 0


async def test_an_insert_returns_the_number_the_database_gave(database: Database) -> None:
    async with database.begin() as transaction:
        first = await transaction.fetch_value(NUMBERED, name="a", kind="x")
        second = await transaction.fetch_value(NUMBERED, name="b", kind="x")
    assert second > first
    assert (await database.fetch_all(Statement(select(notes.c.number).order_by(notes.c.number)))) == [
        (first,),
        (second,),
    ]


@pytest.mark.parametrize(
    "words",
    [
        "plain",
        "",
        "Grüße 🚀 日本語",
        'it\'s "quoted" \\ and %s %% :name ? $1',
        "line\nbreak\ttab",
        '{"key": ["value", null, 1.5], "emoji": "🦄"}',
        "x" * 300_000,
    ],
)
async def test_text_comes_back_as_it_went_in(database: Database, words: str) -> None:
    async with database.begin() as transaction:
        await transaction.execute(insert_into(notes), name="text", body=words)
    found = await database.row(BY_NAME, name="text")
    assert found is not None
    assert found["body"] == words


async def test_names_that_differ_in_case_or_trailing_accent_are_two(database: Database) -> None:
    async with database.begin() as transaction:
        for name in ("web", "Web", "wéb"):
            await transaction.execute(insert_into(notes), name=name)

    assert await database.fetch_all(Statement(select(notes.c.name).where(notes.c.name == "Web"))) == [("Web",)]


async def test_lists_of_literals_and_lists_of_arguments_select_alike(database: Database) -> None:
    async with database.begin() as transaction:
        await transaction.execute_many(insert_into(notes), [{"name": name} for name in "abcde"])

    literal = Statement(select(notes.c.name).where(notes.c.name.in_(("a", "c", "e"))).order_by(notes.c.name))
    room = room_for(3)
    given = Statement(select(notes.c.name).where(among(notes.c.name, "name", room)).order_by(notes.c.name))

    assert await database.fetch_all(literal) == [("a",), ("c",), ("e",)]
    assert await database.fetch_all(given, **among_arguments("name", ["a", "c", "e"], room)) == [("a",), ("c",), ("e",)]


async def test_one_name_used_twice_and_a_limit_are_one_argument_each(database: Database) -> None:
    async with database.begin() as transaction:
        await transaction.execute_many(insert_into(notes), [{"name": name, "body": "a"} for name in "abc"])
    either = Statement(
        select(notes.c.name)
        .where((notes.c.name == bindparam("word")) | (notes.c.body == bindparam("word")))
        .order_by(notes.c.name)
        .limit(bindparam("limit"))
    )
    assert await database.fetch_all(either, word="a", limit=2) == [("a",), ("b",)]


async def test_a_forgotten_or_misspelt_argument_is_an_error(database: Database) -> None:
    with pytest.raises(TypeError, match="needs 'name'"):
        await database.fetch_all(BY_NAME)
    with pytest.raises(TypeError, match="does not know"):
        await database.fetch_all(BY_NAME, name="a", nmae="a")


async def test_sixteen_writers_on_one_counter_lose_no_update(database: Database) -> None:
    async with database.begin() as transaction:
        await transaction.execute(insert_into(counters), id="one")

    async def add(times: int) -> None:
        for _ in range(times):
            async with database.begin() as transaction:
                assert await transaction.execute(ADD_ONE, by_id="one") == 1

    await asyncio.gather(*(add(10) for _ in range(16)))

    assert await database.fetch_value(VALUE, id="one") == 160


async def test_more_transactions_than_connections_wait_for_their_turn(database: Database) -> None:
    async def one(number: int) -> None:
        async with database.begin() as transaction:
            await transaction.execute(insert_into(notes), name=f"n{number}")

    await asyncio.gather(*(one(number) for number in range(60)))

    assert await database.fetch_value(COUNT) == 60


async def test_bells_ring_when_the_rows_are_there(database: Database) -> None:
    rung: list[str] = []
    async with database.begin() as transaction:
        transaction.after_commit(lambda: rung.append("first"))
        await transaction.execute(insert_into(notes), name="a")
        transaction.after_commit(lambda: rung.append("second"))
        assert rung == []
    assert rung == ["first", "second"]


async def test_bells_are_silent_when_nothing_was_stored(database: Database) -> None:
    rung: list[str] = []
    with pytest.raises(AlreadyThere):
        async with database.begin() as transaction:
            transaction.after_commit(lambda: rung.append("never"))
            await transaction.execute(insert_into(notes), name="a")
            await transaction.execute(insert_into(notes), name="a")
    assert rung == []


async def test_a_bell_that_fails_neither_undoes_nor_silences_others(database: Database) -> None:
    rung: list[str] = []
    async with database.begin() as transaction:
        transaction.after_commit(lambda: print(1 // 0))
        transaction.after_commit(lambda: rung.append("other"))
        await transaction.execute(insert_into(notes), name="a")
    assert rung == ["other"]
    assert await database.fetch_value(COUNT) == 1


async def test_work_is_repeated_when_the_database_asks_for_it(database: Database) -> None:
    attempts: list[int] = []

    async def work(transaction: Transaction) -> str:
        attempts.append(len(attempts))
        await transaction.execute(insert_into(notes), name="a")
        if len(attempts) < 3:
            raise TryAgain("not yet")
        return "done"

    assert await database.run(work) == "done"
    assert attempts == [0, 1, 2]
    assert await database.fetch_value(COUNT) == 1


async def test_work_that_never_succeeds_ends_with_the_reason(database: Database) -> None:
    async def work(transaction: Transaction) -> None:
        raise TryAgain("never")

    with pytest.raises(TryAgain, match="never"):
        await database.run(work, tries=3)


async def test_two_that_lock_in_opposite_orders_both_end_well(database: Database) -> None:
    async with database.begin() as transaction:
        await transaction.execute_many(insert_into(counters), [{"id": "one"}, {"id": "two"}])

    async def both(first: str, second: str, mine: asyncio.Event, other: asyncio.Event) -> None:
        async def work(transaction: Transaction) -> None:
            await transaction.execute(ADD_ONE, by_id=first)
            mine.set()
            if database.dialect != "sqlite":
                # Not where writers take turns: the other could not have begun.
                await other.wait()
            await transaction.execute(ADD_ONE, by_id=second)

        await database.run(work)

    here, there = asyncio.Event(), asyncio.Event()
    await asyncio.gather(both("one", "two", here, there), both("two", "one", there, here))

    assert await database.fetch_value(VALUE, id="one") == 2
    assert await database.fetch_value(VALUE, id="two") == 2


async def test_statements_are_counted(database: Database) -> None:
    before = database.executed
    async with database.begin() as transaction:
        await transaction.execute(insert_into(notes), name="a")
        await transaction.fetch_value(COUNT)
    await database.fetch_value(COUNT)
    assert database.executed - before == 3


async def test_tables_can_be_created_twice(database_url: str) -> None:
    await create_all(database_url)
    await create_all(database_url)


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
async def test_a_lost_server_is_said_so_and_found_again(
    kind: str, request: pytest.FixtureRequest, relay: Callable[[str], Relay]
) -> None:
    wire = relay(request.getfixturevalue(f"{kind}_url"))
    await wire.mend()
    await create_all(wire.url)
    database = await connect(wire.url)
    try:
        with pytest.raises(DatabaseUnavailable):
            async with database.begin() as transaction:
                await transaction.execute(insert_into(notes), name="lost")
                await wire.cut()
                await transaction.execute(insert_into(notes), name="lost too")
        with pytest.raises(DatabaseUnavailable):
            await database.fetch_value(COUNT)

        await wire.mend()

        assert await database.fetch_value(COUNT) == 0
        async with database.begin() as transaction:
            await transaction.execute(insert_into(notes), name="kept")
        assert await database.fetch_all(ALL_NAMES) == [("kept",)]
    finally:
        await database.close()


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
async def test_an_idle_connection_that_was_cut_is_replaced_unnoticed(
    kind: str, request: pytest.FixtureRequest, relay: Callable[[str], Relay]
) -> None:
    wire = relay(request.getfixturevalue(f"{kind}_url"))
    await wire.mend()
    await create_all(wire.url)
    database = await connect(wire.url)
    try:
        assert await database.fetch_value(COUNT) == 0
        await wire.cut()
        await wire.mend()
        async with database.begin() as transaction:
            await transaction.execute(insert_into(notes), name="kept")
        assert await database.fetch_value(COUNT) == 1
    finally:
        await database.close()


async def test_a_database_that_is_not_there_is_unavailable(free_port: int, sqlite_url: str) -> None:
    for url in (
        f"postgresql://nova@127.0.0.1:{free_port}/nova",
        f"mysql+pymysql://nova@127.0.0.1:{free_port}/nova",
        "sqlite:////nowhere/at/all/kilonova.db",
    ):
        with pytest.raises(DatabaseUnavailable):
            await connect(url)
    with pytest.raises(ValueError, match="oracle"):
        await connect("oracle://scott:tiger@localhost/x")


async def test_a_commit_under_way_is_seen_through_and_its_bells_ring(database: Database) -> None:
    """Cancelled at every await in turn: what rang is stored, and what is stored rang."""
    for steps in range(12):
        rung: list[str] = []
        name = f"cancelled after {steps}"

        async def one(name: str = name, rung: list[str] = rung) -> None:
            async with database.begin() as transaction:
                await transaction.execute(insert_into(notes), name=name)
                transaction.after_commit(lambda: rung.append(name))

        task = asyncio.create_task(one())
        for _ in range(steps):
            await asyncio.sleep(0.0005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with database.begin() as transaction:
            # A transaction after it: on SQLite its commit is behind the other's.
            await transaction.execute(insert_into(notes), name=f"after {steps}")

        stored = await database.fetch_one(BY_NAME, name=name)
        assert (stored is not None) == bool(rung)
