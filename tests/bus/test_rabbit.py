"""What only a broker can do to a bus: connections cut, servers that die, queues deleted."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiormq
import pytest

from kilonova.bus.bus import Bus, MessageTimeout, NobodyListens
from kilonova.bus.connect import connect
from kilonova.bus.proxy import proxy
from kilonova.bus.rabbit_link import brokers
from kilonova.config.options import OsloMessagingRabbit
from tests.bus.test_bus import Kitchen, kitchen, until
from tests.servers.relay import Relay

SERVER = """
import asyncio, sys
from kilonova.bus.connect import connect
from tests.bus.test_bus import kitchen

async def main():
    await kitchen(await connect(sys.argv[1]), sys.argv[2])
    print("ready", flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


@pytest.fixture
async def client(rabbitmq_url: str) -> AsyncIterator[Bus]:
    bus = await connect(rabbitmq_url)
    yield bus
    await bus.close()


@pytest.fixture
async def wire(rabbitmq_url: str, relay: Callable[[str], Relay]) -> Relay:
    wire = relay(rabbitmq_url)
    await wire.mend()
    return wire


async def test_a_server_that_dies_amid_a_call_is_a_timeout_and_the_next_finds_the_mail(
    client: Bus, rabbitmq_url: str, topic: str
) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, rabbitmq_url, topic, stdout=PIPE, cwd=Path(__file__).parents[2]
    )
    try:
        assert server.stdout is not None
        assert await server.stdout.readline() == b"ready\n"
        kitchens = proxy(Kitchen, client, topic)
        assert await kitchens.cook("soup") == ["soup"]

        under_way = asyncio.create_task(kitchens.sleep(60.0))
        await asyncio.sleep(0.1)
        server.kill()

        with pytest.raises(MessageTimeout):
            await under_way
        await kitchens.wash(7)
        cook = await kitchen(client, topic)
        await until(lambda: cook.washed == [7], "what was sent meanwhile has arrived")
        assert cook.finished == 0
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


async def test_a_server_whose_connection_was_cut_comes_back(client: Bus, wire: Relay, topic: str) -> None:
    server = await connect(wire.url)
    try:
        cook = await kitchen(server, topic)
        kitchens = proxy(Kitchen, client, topic)
        assert await kitchens.cook("soup") == ["soup"]

        await wire.cut()
        await wire.mend()

        # Waits in the queue, or was on its way to the cut connection: it is delivered all the same.
        assert await kitchens.cook("soup") == ["soup"]
        await kitchens.close("late")
        await until(lambda: "late" in cook.closed, "the fan-out heard")
    finally:
        await server.close()


async def test_work_goes_on_while_the_connection_is_cut(client: Bus, wire: Relay, topic: str) -> None:
    server = await connect(wire.url)
    try:
        cook = await kitchen(server, topic)
        under_way = asyncio.create_task(proxy(Kitchen, client, topic).sleep(0.2))
        await cook.began.wait()

        await wire.cut()

        await until(lambda: cook.finished == 1, "the work finished")
        with pytest.raises(MessageTimeout):
            await under_way
    finally:
        await server.close()


async def test_a_caller_whose_connection_was_cut_hears_at_once_and_can_call_again(
    client: Bus, wire: Relay, topic: str
) -> None:
    cook = await kitchen(client, topic)
    caller = await connect(wire.url)
    try:
        kitchens = proxy(Kitchen, caller, topic)
        assert await kitchens.cook("soup") == ["soup"]
        under_way = asyncio.create_task(kitchens.sleep(0.25))
        await cook.began.wait()

        await wire.cut()
        with pytest.raises(MessageTimeout):
            await under_way
        assert cook.finished == 0

        # Waits for the connection instead of failing.
        again = asyncio.create_task(kitchens.cook("stew"))
        await asyncio.sleep(0.05)
        await wire.mend()
        assert await again == ["stew"]
    finally:
        await caller.close()


async def test_a_deleted_queue_is_made_and_served_again(client: Bus, rabbitmq_url: str, topic: str) -> None:
    server = await connect(rabbitmq_url)
    try:
        await kitchen(server, topic)
        kitchens = proxy(Kitchen, client, topic)
        assert await kitchens.cook("soup") == ["soup"]

        admin = await aiormq.connect(brokers(rabbitmq_url, OsloMessagingRabbit())[0].url)
        await (await admin.channel()).queue_delete(f"kilonova.{topic}")
        await admin.close()

        await until_served(client, topic)
        assert await kitchens.cook("soup") == ["soup"]
    finally:
        await server.close()


async def test_a_service_costs_one_connection_and_two_queues(rabbitmq_url: str, topic: str) -> None:
    server = await connect(rabbitmq_url)
    admin = await aiormq.connect(brokers(rabbitmq_url, OsloMessagingRabbit())[0].url)
    try:
        await kitchen(server, topic)
        channel = await admin.channel()
        work = await channel.queue_declare(f"kilonova.{topic}", passive=True)
        assert work.consumer_count == 1
    finally:
        await admin.close()
        await server.close()


async def test_a_message_that_is_not_ours_harms_nobody(client: Bus, rabbitmq_url: str, topic: str) -> None:
    await kitchen(client, topic)
    admin = await aiormq.connect(brokers(rabbitmq_url, OsloMessagingRabbit())[0].url)
    try:
        await (await admin.channel()).basic_publish(b"\xff\xffrubbish", routing_key=f"kilonova.{topic}")
        assert await proxy(Kitchen, client, topic).cook("soup") == ["soup"]
    finally:
        await admin.close()


async def until_served(client: Bus, topic: str) -> None:
    for _ in range(300):
        try:
            await proxy(Kitchen, client, topic).cook("bread")
            return
        except NobodyListens:
            await asyncio.sleep(0.05)
    raise AssertionError("nobody came back")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rabbit://nova:s%40cret@mq1:5673/", ["amqp://nova:s%40cret@mq1:5673/%2F?heartbeat=60&name=kilonova"]),
        ("rabbit://nova:x@mq1/nova", ["amqp://nova:x@mq1:5672/nova?heartbeat=60&name=kilonova"]),
        (
            "rabbit://nova:x@mq1:1,mq2:2/",
            [
                "amqp://nova:x@mq1:1/%2F?heartbeat=60&name=kilonova",
                "amqp://nova:x@mq2:2/%2F?heartbeat=60&name=kilonova",
            ],
        ),
        ("rabbit://", ["amqp://guest:guest@localhost:5672/%2F?heartbeat=60&name=kilonova"]),
    ],
)
def test_transport_urls_of_nova_are_understood(url: str, expected: list[str]) -> None:
    assert [broker.url for broker in brokers(url, OsloMessagingRabbit())] == expected


async def test_another_kind_of_queue_is_refused() -> None:
    with pytest.raises(ValueError, match="kafka"):
        await connect("kafka://localhost/")
