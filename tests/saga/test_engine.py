"""Sagas end, one way or the other, whatever fails or dies on the way, and leave no trace when they were undone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from kilonova.aio.clock import SystemClock
from kilonova.contract.compute import Build, Destroy, Outcome
from kilonova.contract.work import Work
from kilonova.db.create import create_missing
from kilonova.db.database import Database
from kilonova.db.sqlite import SqliteDatabase
from kilonova.model.caller import Caller
from kilonova.model.errors import Unavailable
from kilonova.model.ids import HostName, SagaId, ServerId
from kilonova.model.time import Timestamp
from kilonova.saga import store
from kilonova.saga.begin import ServerBusy, begin
from kilonova.saga.executor import Executor
from kilonova.saga.saga import HostOrder, Run, Saga
from kilonova.saga.trial import Fault, faults_of

SERVER = ServerId("11111111-2222-3333-4444-555555555555")
CALLER = Caller(
    user_id="u", user_name="u", project_id="p", expires_at=Timestamp("2999-01-01T00:00:00.000000"), token="t"
)


class Grow(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "grow"
    action: ClassVar[str] = "grow"


class Garden:
    """A world whose ledger is a set of things that sagas make and take away."""

    def __init__(self) -> None:
        self.things: set[str] = set()
        self.acts: list[str] = []
        self.trouble = 0


GrowRun = Run[Grow, Garden]
grow: Saga[Grow, Garden] = Saga(Grow, attempts=2, retry_from="water")


@grow.step()
async def dig(run: GrowRun) -> str:
    run.world.acts.append("dig")
    run.world.things.add("hole")
    return "a hole"


@dig.undo
async def fill(run: GrowRun) -> None:
    run.world.things.discard("hole")


@grow.step()
async def water(run: GrowRun) -> dict[str, str]:
    if run.world.trouble:
        run.world.trouble -= 1
        raise Unavailable("the well is dry just now")
    run.world.things.add(f"water {run.attempt}")
    return {"host": "field"}


@water.undo
async def dry(run: GrowRun) -> None:
    run.world.things.discard(f"water {run.attempt}")


@grow.order()
async def plant(run: GrowRun) -> HostOrder:
    assert run.result(dig) == "a hole"
    return HostOrder(HostName("field"), run.order(Build))


@plant.undo_order
async def pull_out(run: GrowRun) -> HostOrder:
    return HostOrder(HostName("field"), run.order(Destroy))


@grow.step()
async def fence(run: GrowRun) -> None:
    run.world.things.add("fence")


@fence.undo
async def unfence(run: GrowRun) -> None:
    run.world.things.discard("fence")


class Field:
    """The host of the garden: carries orders out in the background and reports, as an agent does."""

    def __init__(self, db: Database, garden: Garden) -> None:
        self.db = db
        self.garden = garden
        self.executor: Executor[Garden] | None = None
        self.orders: list[str] = []
        self.lose = 0
        self.away = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def send(self, order: HostOrder) -> None:
        self.orders.append(type(order.order).__name__)
        if self.away:
            self.away -= 1
            raise Unavailable("no field is reachable")
        if self.lose:
            self.lose -= 1
            return
        task = asyncio.get_running_loop().create_task(self._work(order))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self, order: HostOrder) -> None:
        if isinstance(order.order, Build):
            self.garden.things.add("tree")
        else:
            self.garden.things.discard("tree")
        saga_id = SagaId(order.order.key.split(".")[0])
        outcome = Outcome(key=order.order.key, server_id=SERVER, host="field")
        assert self.executor is not None
        await self.executor.hear(saga_id, order.order.key, outcome)


class Cloud:
    """The database, the garden, its field, and one executor after the other."""

    def __init__(self, db: Database, meddle: Any = None) -> None:
        self.db = db
        self.garden = Garden()
        self.field = Field(db, self.garden)
        self.meddle = meddle
        self.lives = 0

    def live(self) -> Executor[Garden]:
        self.lives += 1
        executor: Executor[Garden] = Executor(
            self.db, self.garden, {"grow": grow}, SystemClock(), me=f"life {self.lives}",
            send=self.field.send, changed=lambda _: None, meddle=self.meddle,
        )  # fmt: skip
        self.field.executor = executor
        return executor

    async def begin(self, executor: Executor[Garden], saga_id: str, *, preempt: bool = False) -> None:
        async with self.db.begin() as tx:
            await begin(
                tx, Grow(server_id=SERVER), saga_id=SagaId(saga_id), caller=CALLER, request_id=f"req-{saga_id}",
                clock=SystemClock(), ring=executor.wake, preempt=preempt,
            )  # fmt: skip

    async def ended(self, saga_id: str) -> str:
        for _ in range(2000):
            row = await store.row_of(self.db, SagaId(saga_id))
            assert row is not None
            if row.state in ("finished", "failed"):
                return row.state
            await asyncio.sleep(0.01)
        raise AssertionError(f"saga {saga_id} did not end")


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = SqliteDatabase(tmp_path / "saga.db")
    await create_missing(database)
    yield database
    await database.close()


WHOLE = {"hole", "tree", "fence"}


async def test_a_saga_runs_to_its_end_and_its_hold_is_given_back(db: Database) -> None:
    cloud = Cloud(db)
    executor = cloud.live()
    await cloud.begin(executor, "one")

    assert await cloud.ended("one") == "finished"
    assert cloud.garden.things == WHOLE | {"water 1"}
    assert await store.holder_of(db, SERVER) is None
    await executor.close()


async def test_a_held_server_refuses_a_second_saga(db: Database) -> None:
    cloud = Cloud(db)
    cloud.garden.trouble = 3
    executor = cloud.live()
    await cloud.begin(executor, "one")

    with pytest.raises(ServerBusy):
        await cloud.begin(executor, "two")
    assert await cloud.ended("one") == "finished"
    await executor.close()


async def test_a_preempting_saga_makes_the_holder_undo_and_then_runs(db: Database) -> None:
    cloud = Cloud(db)
    cloud.garden.trouble = 2
    executor = cloud.live()
    await cloud.begin(executor, "one")
    await cloud.begin(executor, "two", preempt=True)

    assert await cloud.ended("one") == "failed"
    assert await cloud.ended("two") == "finished"
    assert cloud.garden.things == WHOLE | {"water 1"}
    await executor.close()


async def test_a_preempting_saga_does_not_wait_for_a_host_that_is_silent(db: Database) -> None:
    cloud = Cloud(db)
    cloud.field.lose = 1
    executor = cloud.live()
    await cloud.begin(executor, "one")
    while not cloud.field.orders:
        await asyncio.sleep(0.01)
    await cloud.begin(executor, "two", preempt=True)

    assert await cloud.ended("one") == "failed"
    assert await cloud.ended("two") == "finished"
    assert cloud.field.orders == ["Build", "Destroy", "Build"]
    await executor.close()


async def test_an_order_that_was_lost_is_sent_again(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kilonova.saga.turn.RESEND_S", 0.1)
    monkeypatch.setattr("kilonova.saga.executor.SWEEP_S", 0.1)
    cloud = Cloud(db)
    cloud.field.lose = 2
    executor = cloud.live()
    executor.start(alone=True)
    await cloud.begin(executor, "one")

    assert await cloud.ended("one") == "finished"
    assert cloud.field.orders == ["Build", "Build", "Build"]
    await executor.close()


async def test_a_host_that_cannot_be_reached_yet_is_tried_again_soon(db: Database) -> None:
    cloud = Cloud(db)
    cloud.field.away = 2
    executor = cloud.live()
    await cloud.begin(executor, "one")

    # Well before a lost order would be sent again.
    async with asyncio.timeout(5):
        assert await cloud.ended("one") == "finished"
    assert cloud.field.orders == ["Build", "Build", "Build"]
    await executor.close()


async def test_trouble_that_passes_is_waited_out(db: Database) -> None:
    cloud = Cloud(db)
    cloud.garden.trouble = 1
    executor = cloud.live()
    executor.start(alone=True)
    await cloud.begin(executor, "one")

    assert await cloud.ended("one") == "finished"
    assert cloud.garden.acts == ["dig"]
    await executor.close()


@pytest.mark.parametrize("fault", list(faults_of(grow)), ids=repr)
async def test_whatever_goes_wrong_at_a_step_all_of_it_is_there_or_nothing(
    db: Database, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kilonova.saga.executor.SWEEP_S", 0.02)
    cloud = Cloud(db, meddle=fault.meddle)
    executor = cloud.live()
    executor.start(alone=True)
    await cloud.begin(executor, "one")
    for _ in range(1000):
        if fault.deaths >= cloud.lives:
            await executor.close()
            executor = cloud.live()
            executor.start(alone=True)
        row = await store.row_of(db, SagaId("one"))
        assert row is not None
        if row.state in ("finished", "failed"):
            break
        await asyncio.sleep(0.01)

    assert await cloud.ended("one") == ("failed" if fault.undone else "finished")
    things = {thing for thing in cloud.garden.things if not thing.startswith("water")}
    assert things == (set() if fault.undone else WHOLE)
    assert len(cloud.garden.things) == (0 if fault.undone else 4)
    assert fault.kind != "kill" or fault.deaths == 1
    assert await store.holder_of(db, SERVER) is None
    await executor.close()
