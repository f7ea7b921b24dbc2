"""The bus over RabbitMQ: direct reply-to, two queues per served topic, one connection, opened anew when it is lost.

Delivered at most once: a message is acknowledged when its work begins. What had begun when the connection went is
finished all the same; calls that waited for an answer end with MessageTimeout at once, for their answers are lost.
"""

import asyncio
import itertools
import logging
import random
import secrets

import aiormq
import msgspec
from aiormq.abc import DeliveredMessage

from kilonova.aio.supervise import Tasks
from kilonova.bus.bus import Answer, Envelope, MessageTimeout, NobodyListens, Receiver
from kilonova.bus.rabbit_link import Broker, Link, brokers, queue_of
from kilonova.config.options import OsloMessagingRabbit
from kilonova.model.errors import Unavailable

log = logging.getLogger(__name__)
# It reports a lost connection with several stack traces; we do with one line.
logging.getLogger("aiormq").setLevel(logging.CRITICAL)

# How long a message waits for a connection that is being opened anew before it is given back to its sender.
LINK_WAIT_S = 10.0
# How long the first connection may take before the program is told that there is no broker.
FIRST_WAIT_S = 30.0
CLOSE_WAIT_S = 5.0
# Pauses between attempts to connect grow up to this.
LONGEST_PAUSE_S = 5.0

_encode = msgspec.msgpack.Encoder().encode
_decode_envelope = msgspec.msgpack.Decoder(Envelope).decode
_decode_answer = msgspec.msgpack.Decoder(Answer).decode


class _Served:
    """One receiver of a topic, whichever connection serves it now."""

    def __init__(self, bus: "RabbitBus", topic: str, receiver: Receiver) -> None:
        self._bus = bus
        self.topic = topic
        self.receiver = receiver
        self.tag = ""

    async def cancel(self) -> None:
        await self._bus.stop_serving(self)


class _Waiting:
    def __init__(self, topic: str, method: str) -> None:
        self.lost = MessageTimeout(topic, method)
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()


class RabbitBus:
    def __init__(self, at: list[Broker], *, prefetch: int) -> None:
        self._brokers = itertools.cycle(at)
        self._prefetch = prefetch
        self._link: Link | None = None
        self._linked = asyncio.Event()
        self._waiting: dict[str, _Waiting] = {}
        self._served: list[_Served] = []
        self._numbers = itertools.count(1)
        self._keeper = Tasks("rabbit")
        self._work = Tasks("rabbit-work")

    async def start(self) -> None:
        """Connect, and stay connected. Errors: Unavailable when no broker answers for half a minute."""
        self._keeper.start(self._stay_connected(), name="connection")
        try:
            await asyncio.wait_for(self._linked.wait(), FIRST_WAIT_S)
        except TimeoutError as error:
            await self.close()
            raise Unavailable("The message broker does not answer.") from error

    async def call(self, topic: str, envelope: Envelope, *, timeout_s: float) -> Answer:
        number = str(next(self._numbers))
        waiting = _Waiting(topic, envelope.method)
        try:
            async with asyncio.timeout(timeout_s):
                link = await self._ready(topic)
                self._waiting[number] = waiting
                await self._publish(
                    link, topic, envelope, number=number, expires_ms=int(timeout_s * 1000), replies=True
                )
                return await waiting.answer
        except TimeoutError as error:
            raise MessageTimeout(topic, envelope.method) from error
        finally:
            self._waiting.pop(number, None)

    async def cast(self, topic: str, envelope: Envelope) -> None:
        link = await self._ready(topic)
        number = str(next(self._numbers))
        await self._publish(link, topic, envelope, number=number, expires_ms=None, replies=False)

    async def fan_out(self, topic: str, envelope: Envelope) -> None:
        link = await self._ready(topic)
        try:
            await link.fan_out(_encode(envelope), topic=topic, number=str(next(self._numbers)))
        except Exception as error:
            raise MessageTimeout(topic, envelope.method) from error

    async def _publish(
        self, link: Link, topic: str, envelope: Envelope, *, number: str, expires_ms: int | None, replies: bool
    ) -> None:
        body = _encode(envelope)
        try:
            await link.publish(body, queue=queue_of(topic), number=number, expires_ms=expires_ms, replies=replies)
        except aiormq.PublishError as error:
            raise NobodyListens(topic) from error
        except Exception as error:
            # The connection went while the broker had not yet said that it has the message: nobody knows.
            raise MessageTimeout(topic, envelope.method) from error

    async def _ready(self, topic: str) -> Link:
        while self._link is None:
            try:
                await asyncio.wait_for(self._linked.wait(), LINK_WAIT_S)
            except TimeoutError as error:
                raise NobodyListens(topic) from error
        return self._link

    async def serve(self, topic: str, receiver: Receiver) -> _Served:
        served = _Served(self, topic, receiver)
        self._served.append(served)
        if self._link is not None:
            await self._take_part(self._link, served)
        return served

    async def stop_serving(self, served: _Served) -> None:
        if served not in self._served:
            return
        self._served.remove(served)
        if self._link is not None and served.tag:
            try:
                async with asyncio.timeout(CLOSE_WAIT_S):
                    await self._link.leave(served.topic, served.tag)
            except Exception as error:
                # The connection is gone, and with it the consumer.
                log.debug("could not stop serving %s: %r", served.topic, error)

    async def _take_part(self, link: Link, served: _Served) -> None:
        served.tag = secrets.token_hex(8)

        async def on_work(message: DeliveredMessage) -> None:
            # Errors here mean that the channel is gone; the broker gives the message to another then.
            await message.channel.basic_ack(message.delivery_tag or 0, wait=False)
            self._work.start(self._serve_one(link, served.receiver, message), name=served.topic)

        async def on_fan_out(message: DeliveredMessage) -> None:
            self._work.start(self._serve_one(link, served.receiver, message), name=served.topic)

        await link.consume(served.topic, tag=served.tag, on_work=on_work, on_fan_out=on_fan_out)

    async def _serve_one(self, link: Link, receiver: Receiver, message: DeliveredMessage) -> None:
        try:
            envelope = _decode_envelope(message.body)
        except msgspec.MsgspecError:
            log.warning("a message in %s is not one of ours", message.routing_key)
            return
        answer = await receiver(envelope)
        properties = message.header.properties
        if not properties.reply_to:
            return
        try:
            # Over the connection there is now, if the one it came by was lost meanwhile.
            await (self._link or link).reply(
                _encode(answer), to=properties.reply_to, number=properties.correlation_id or ""
            )
        except Exception as error:
            log.debug("the caller of %s cannot be answered: %r", envelope.method, error)

    async def _on_answer(self, message: DeliveredMessage) -> None:
        waiting = self._waiting.get(message.header.properties.correlation_id or "")
        if waiting is not None and not waiting.answer.done():
            waiting.answer.set_result(_decode_answer(message.body))

    async def _stay_connected(self) -> None:
        while True:
            link = await self._connect()
            self._link = link
            self._linked.set()
            await link.lost
            log.warning("the connection to the message broker is lost")
            self._link = None
            self._linked.clear()
            for waiting in self._waiting.values():
                if not waiting.answer.done():
                    waiting.answer.set_exception(waiting.lost)
            # Aside: what is left of a connection may take its time to go.
            self._keeper.start(_quietly_closed(link), name="closing")

    async def _connect(self) -> Link:
        """Open a link and serve on it what we serve; try for ever."""
        pause = 0.1
        for broker in self._brokers:
            try:
                link = await Link.open(broker, prefetch=self._prefetch, on_answer=self._on_answer)
                try:
                    link.when_cancelled(lambda tag, link=link: self._serve_again(link, tag))  # type: ignore[misc]
                    for served in list(self._served):
                        await self._take_part(link, served)
                    return link
                except BaseException:
                    await _quietly_closed(link)
                    raise
            except Exception as error:
                log.warning("the message broker cannot be reached: %s", error or type(error).__name__)
            await asyncio.sleep(pause * (0.5 + random.random()))
            pause = min(pause * 2, LONGEST_PAUSE_S)
        raise AssertionError("there is at least one broker")

    def _serve_again(self, link: Link, tag: str) -> None:
        """The broker cancelled a consumer. Its twin of the other queue may still be there: begin both anew."""
        for served in self._served:
            if served.tag == tag:
                log.warning("the broker cancelled our part in %s, taking part anew", served.topic)
                # The other twin's notice, if it comes as well, finds nothing to do.
                served.tag = ""
                self._keeper.start(self._begin_anew(link, served, tag), name="again")

    async def _begin_anew(self, link: Link, served: _Served, old: str) -> None:
        try:
            await self._take_part(link, served)
            await link.stop_consuming(old)
        except Exception as error:
            # A link on which this fails is good for nothing.
            log.warning("could not take part in %s anew: %r", served.topic, error)
            await _quietly_closed(link)

    async def close(self) -> None:
        for served in list(self._served):
            await self.stop_serving(served)
        await self._keeper.close()
        link, self._link = self._link, None
        await self._work.close()
        if link is not None:
            await _quietly_closed(link)


async def _quietly_closed(link: Link) -> None:
    try:
        async with asyncio.timeout(CLOSE_WAIT_S):
            await link.close()
    except Exception as error:
        log.debug("closing a connection that was lost: %r", error)


async def connect_rabbit(transport_url: str, settings: OsloMessagingRabbit) -> RabbitBus:
    """Errors: Unavailable, ValueError."""
    bus = RabbitBus(brokers(transport_url, settings), prefetch=settings.rabbit_qos_prefetch_count)
    await bus.start()
    return bus
