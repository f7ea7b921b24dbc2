"""What every bus does alike: the contract of `bus.bus`, in process and over RabbitMQ."""

import asyncio
from typing import Protocol

import pytest

from kilonova.bus.bus import Answer, Bus, Envelope, MessageTimeout, NobodyListens
from kilonova.bus.proxy import proxy, serve
from kilonova.contract.message import call, cast, fan_out
from kilonova.model.errors import Conflict, GuestNotFound, InternalError
from kilonova.observe import trace
from tests.bus.conftest import Connect


class Kitchen(Protocol):
    @call(timeout_s=20)
    async def cook(self, dish: str, *, portions: int = 1) -> list[str]: ...

    @call(timeout_s=0.3)
    async def sleep(self, seconds: float) -> None: ...

    @call(timeout_s=20)
    async def fail(self, how: str) -> None: ...

    @call(timeout_s=20)
    async def where(self) -> str | None: ...

    @cast()
    async def wash(self, plate: int) -> None: ...

    @fan_out()
    async def close(self, reason: str) -> None: ...


class Cook:
    def __init__(self) -> None:
        self.washed: list[int] = []
        self.closed: list[str] = []
        self.began = asyncio.Event()
        self.finished = 0

    async def cook(self, dish: str, *, portions: int = 1) -> list[str]:
        return [dish] * portions

    async def sleep(self, seconds: float) -> None:
        self.began.set()
        await asyncio.sleep(seconds)
        self.finished += 1

    async def fail(self, how: str) -> None:
        if how == "known":
            raise GuestNotFound("g-1")
        if how == "conflict":
            raise Conflict("Busy ⚡")
        raise ZeroDivisionError("division by zero")

    async def where(self) -> str | None:
        return trace.trace_id()

    async def wash(self, plate: int) -> None:
        self.washed.append(plate)

    async def close(self, reason: str) -> None:
        self.closed.append(reason)


async def until(condition: object, what: str) -> None:
    """Wait for something another task does; half a minute is never needed."""
    assert callable(condition)
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never: {what}")


async def kitchen(bus: Bus, topic: str) -> Cook:
    cook = Cook()
    await serve(bus, topic, Kitchen, cook)
    return cook


async def test_a_call_brings_back_the_answer(another_bus: Connect, topic: str) -> None:
    await kitchen(await another_bus(), topic)
    client = proxy(Kitchen, await another_bus(), topic)

    assert await client.cook("soup") == ["soup"]
    assert await client.cook("Käse 🧀", portions=3) == ["Käse 🧀"] * 3


async def test_many_calls_at_once_get_each_its_own_answer(another_bus: Connect, topic: str) -> None:
    await kitchen(await another_bus(), topic)
    client = proxy(Kitchen, await another_bus(), topic)

    dishes = [f"dish {number}" for number in range(200)]
    assert await asyncio.gather(*(client.cook(dish) for dish in dishes)) == [[dish] for dish in dishes]


async def test_a_large_argument_and_answer_travel(another_bus: Connect, topic: str) -> None:
    await kitchen(await another_bus(), topic)
    client = proxy(Kitchen, await another_bus(), topic)

    dish = "x" * 500_000
    assert await client.cook(dish, portions=2) == [dish, dish]


async def test_errors_travel_as_what_they_are(another_bus: Connect, topic: str) -> None:
    await kitchen(await another_bus(), topic)
    client = proxy(Kitchen, await another_bus(), topic)

    with pytest.raises(GuestNotFound, match=r"Guest g-1 could not be found\.") as caught:
        await client.fail("known")
    assert caught.value.guest == "g-1"
    with pytest.raises(Conflict, match="Busy ⚡"):
        await client.fail("conflict")
    with pytest.raises(InternalError, match="ZeroDivisionError"):
        await client.fail("unforeseen")


async def test_a_call_without_an_answer_ends_at_its_deadline(another_bus: Connect, topic: str) -> None:
    cook = await kitchen(await another_bus(), topic)
    client = proxy(Kitchen, await another_bus(), topic)

    with pytest.raises(MessageTimeout, match="to sleep in time"):
        await client.sleep(60.0)

    assert cook.began.is_set()
    assert await client.cook("soup") == ["soup"]


async def test_a_call_nobody_listens_to_says_so(another_bus: Connect, topic: str) -> None:
    with pytest.raises(NobodyListens, match=topic):
        await proxy(Kitchen, await another_bus(), topic).cook("soup")


async def test_a_cast_nobody_listens_to_says_so(another_bus: Connect, topic: str) -> None:
    with pytest.raises(NobodyListens):
        await proxy(Kitchen, await another_bus(), topic).wash(1)


async def test_a_cast_reaches_exactly_one_of_several(another_bus: Connect, topic: str) -> None:
    cooks = [await kitchen(await another_bus(), topic) for _ in range(3)]
    client = proxy(Kitchen, await another_bus(), topic)

    for plate in range(30):
        await client.wash(plate)

    await until(lambda: sum(len(cook.washed) for cook in cooks) >= 30, "all plates washed")
    assert sorted(plate for cook in cooks for plate in cook.washed) == list(range(30))
    assert all(cook.washed for cook in cooks)


async def test_a_fan_out_reaches_all_and_only_that_topic(another_bus: Connect, topic: str) -> None:
    cooks = [await kitchen(await another_bus(), topic) for _ in range(3)]
    other = await kitchen(await another_bus(), f"{topic}.other")

    await proxy(Kitchen, await another_bus(), topic).close("late")

    await until(lambda: all(cook.closed for cook in cooks), "all kitchens closed")
    assert [cook.closed for cook in cooks] == [["late"]] * 3
    assert other.closed == []


async def test_a_fan_out_nobody_hears_is_no_error(another_bus: Connect, topic: str) -> None:
    await proxy(Kitchen, await another_bus(), topic).close("late")


async def test_one_slow_call_holds_up_no_other(another_bus: Connect, topic: str) -> None:
    cook = await kitchen(await another_bus(), topic)
    client = proxy(Kitchen, await another_bus(), topic)

    slow = asyncio.create_task(client.sleep(60.0))
    await cook.began.wait()
    assert await client.cook("soup") == ["soup"]
    with pytest.raises(MessageTimeout):
        await slow


async def test_who_has_left_gets_no_more_but_ends_what_was_begun(another_bus: Connect, topic: str) -> None:
    leaving, staying = Cook(), Cook()
    server = await another_bus()
    subscription = await serve(server, topic, Kitchen, leaving)
    client = proxy(Kitchen, await another_bus(), topic)
    under_way = asyncio.create_task(client.sleep(0.1))
    await leaving.began.wait()

    await subscription.cancel()
    await serve(server, topic, Kitchen, staying)

    await under_way
    assert leaving.finished == 1
    for plate in range(5):
        await client.wash(plate)
    await until(lambda: len(staying.washed) == 5, "plates washed by who stayed")
    assert leaving.washed == []


async def test_the_last_to_leave_leaves_nobody(another_bus: Connect, topic: str) -> None:
    subscription = await serve(await another_bus(), topic, Kitchen, Cook())
    client = proxy(Kitchen, await another_bus(), topic)
    assert await client.cook("soup") == ["soup"]

    await subscription.cancel()

    with pytest.raises(NobodyListens):
        await client.cook("soup")


async def test_the_callers_cancellation_does_not_reach_the_server(another_bus: Connect, topic: str) -> None:
    cook = await kitchen(await another_bus(), topic)
    client = proxy(Kitchen, await another_bus(), topic)
    task = asyncio.create_task(client.sleep(0.2))
    await cook.began.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await until(lambda: cook.finished == 1, "the work finished")


async def test_the_trace_goes_along(another_bus: Connect, topic: str) -> None:
    await kitchen(await another_bus(), topic)
    client = proxy(Kitchen, await another_bus(), topic)
    token = trace.begin_trace()
    try:
        assert await client.where() == trace.trace_id()
    finally:
        trace.end_trace(token)
    assert await client.where() is None


async def test_a_method_the_server_does_not_know_is_answered(another_bus: Connect, topic: str) -> None:
    await kitchen(await another_bus(), topic)
    answer = await (await another_bus()).call(topic, Envelope("dance", b"\x80"), timeout_s=20)
    assert answer == Answer(error="NotSupported", message=f"{topic.split('.')[0]} has no method dance")
