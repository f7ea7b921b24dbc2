"""One connection to RabbitMQ: its two channels, and the moment it is lost.

aiormq, the layer below aio-pika, is used as it is: its CPU time per call is 0.6 of aio-pika's, and what the upper layer
adds (reconnection, redeclaration) is done here for just what we use.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import aiormq
from aiormq.abc import AbstractConnection, DeliveredMessage
from aiormq.channel import Channel
from pamqp.commands import Basic

from kilonova.config.options import OsloMessagingRabbit

# Where fan-outs go: each server of a topic has a queue bound to it by the topic's name.
FAN_OUT = "kilonova.fanout"
REPLIES = "amq.rabbitmq.reply-to"
# How long a work queue is kept whose servers are all gone: one whose connection was cut finds its messages again.
# Then, or when the last server leaves in good order, it goes, and callers are told at once that nobody listens.
UNSERVED_MS = 60_000

CONNECT_TIMEOUT_S = 10.0
# How long an answer to ourselves may take before another is sent.
PROBE_S = 0.1

Taker = Callable[[DeliveredMessage], Coroutine[Any, Any, None]]


class Broker(NamedTuple):
    """Where to connect, and how."""

    url: str
    context: ssl.SSLContext | None


def brokers(transport_url: str, settings: OsloMessagingRabbit) -> list[Broker]:
    """The brokers of `rabbit://USER:PASSWORD@HOST:PORT[,USER:PASSWORD@HOST:PORT …]/[VHOST]`. Errors: ValueError."""
    parts = urlsplit(transport_url)
    vhost = quote(unquote(parts.path[1:]) or "/", safe="")
    context = ssl.create_default_context(cafile=settings.ssl_ca_file) if settings.ssl else None
    scheme = "amqps" if settings.ssl else "amqp"
    heartbeat = settings.heartbeat_timeout_threshold
    found: list[Broker] = []
    login = "guest:guest"
    for one in parts.netloc.split(","):
        # In a list the first login counts for those that have none.
        given, _, address = one.rpartition("@")
        login = given or login
        host, _, port = address.partition(":")
        where = f"{login}@{host or 'localhost'}:{port or (5671 if settings.ssl else 5672)}"
        found.append(Broker(f"{scheme}://{where}/{vhost}?heartbeat={heartbeat}&name=kilonova", context))
    return found


class Link:
    """An open connection. `lost` is done once it, or a channel of it, is gone; then the whole is opened anew."""

    def __init__(self, connection: AbstractConnection, calls: Channel, work: Channel) -> None:
        self._connection = connection
        self._calls = calls
        self._work = work
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for closing in (connection.closing, calls.closing, work.closing):
            closing.add_done_callback(self._went)

    def _went(self, closed: "asyncio.Future[Any]") -> None:
        if not self.lost.done():
            self.lost.set_result(None)

    @classmethod
    async def open(cls, broker: Broker, *, prefetch: int, on_answer: Taker) -> "Link":
        """Errors: OSError, TimeoutError, aiormq's."""
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            connection = await aiormq.connect(broker.url, context=broker.context)
            try:
                calls = await _channel(connection, publisher_confirms=True)
                work = await _channel(connection, publisher_confirms=False)
                await work.basic_qos(prefetch_count=prefetch)
                await _take_answers(calls, work, on_answer)
                await calls.exchange_declare(FAN_OUT, exchange_type="direct", durable=True)
            except BaseException:
                await connection.close()
                raise
        return cls(connection, calls, work)

    async def publish(self, body: bytes, *, queue: str, number: str, expires_ms: int | None, replies: bool) -> None:
        """Into a work queue, until the broker has it. Errors: aiormq.PublishError when there is no such queue."""
        properties = Basic.Properties(
            delivery_mode=1,
            message_id=number,
            correlation_id=number if replies else None,
            reply_to=REPLIES if replies else None,
            expiration=str(expires_ms) if expires_ms is not None else None,
        )
        await self._calls.basic_publish(body, routing_key=queue, properties=properties, mandatory=True, wait=False)

    async def fan_out(self, body: bytes, *, topic: str, number: str) -> None:
        properties = Basic.Properties(delivery_mode=1, message_id=number)
        await self._calls.basic_publish(body, exchange=FAN_OUT, routing_key=topic, properties=properties, wait=False)

    async def reply(self, body: bytes, *, to: str, number: str) -> None:
        # Not mandatory: a caller that is gone would have each answer sent back to us.
        properties = Basic.Properties(delivery_mode=1, message_id=number, correlation_id=number)
        await self._work.basic_publish(body, routing_key=to, properties=properties, mandatory=False, wait=False)

    async def consume(self, topic: str, *, tag: str, on_work: Taker, on_fan_out: Taker) -> None:
        """Take part in the topic's work queue and have a queue of our own for its fan-outs."""
        await self._work.queue_declare(queue_of(topic), durable=True, arguments={"x-expires": UNSERVED_MS})
        # A new name each time: the broker may hold the exclusive queue of a connection it has not yet missed.
        own = f"{FAN_OUT}.{topic}.{tag}"
        await self._work.queue_declare(own, exclusive=True, auto_delete=True)
        await self._work.queue_bind(own, FAN_OUT, routing_key=topic)
        await self._work.basic_consume(queue_of(topic), on_work, consumer_tag=f"{tag}.work")
        await self._work.basic_consume(own, on_fan_out, no_ack=True, consumer_tag=f"{tag}.fanout")

    async def leave(self, topic: str, tag: str) -> None:
        """Stop consuming; the last one to leave takes the work queue along."""
        await self.stop_consuming(tag)
        # A refusal (others serve it, or messages wait in it) closes the channel it is spoken on.
        channel = await _channel(self._connection, publisher_confirms=False)
        try:
            await channel.queue_delete(queue_of(topic), if_unused=True, if_empty=True)
            await channel.close()
        except aiormq.ChannelPreconditionFailed:
            pass

    async def stop_consuming(self, tag: str) -> None:
        await self._work.basic_cancel(f"{tag}.work")
        await self._work.basic_cancel(f"{tag}.fanout")

    def when_cancelled(self, call: Callable[[str], None]) -> None:
        """`call` with a consumer's tag when the broker cancels it, as it does when its queue was deleted."""

        def cancelled(frame: Basic.Cancel) -> None:
            call((frame.consumer_tag or "").rpartition(".")[0])

        self._work.on_consumer_cancel_callbacks.add(cancelled)

    async def close(self) -> None:
        await self._connection.close()


async def _channel(connection: AbstractConnection, *, publisher_confirms: bool) -> Channel:
    channel = await connection.channel(publisher_confirms=publisher_confirms)
    assert isinstance(channel, Channel)
    return channel


def queue_of(topic: str) -> str:
    return f"kilonova.{topic}"


async def _take_answers(calls: Channel, work: Channel, on_answer: Taker) -> None:
    """Have answers come to `calls`; return once one has.

    A RabbitMQ that is starting (seen with 3.12) takes connections and messages a moment before it passes answers on,
    and says nothing of those it drops: calls of that moment would wait for theirs until they time out.
    """
    arrived = asyncio.Event()

    async def take(message: DeliveredMessage) -> None:
        if message.header.properties.correlation_id == REPLIES:
            arrived.set()
        else:
            await on_answer(message)

    await calls.basic_consume(REPLIES, take, no_ack=True)
    probe = (await work.queue_declare(exclusive=True, auto_delete=True)).queue or ""
    await calls.basic_publish(b"", routing_key=probe, properties=Basic.Properties(reply_to=REPLIES), mandatory=True)
    asked = await work.basic_get(probe, no_ack=True)
    await work.queue_delete(probe)
    back, own = asked.header.properties.reply_to or "", Basic.Properties(correlation_id=REPLIES)
    while not arrived.is_set():
        await work.basic_publish(b"", routing_key=back, properties=own)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(arrived.wait(), PROBE_S)
