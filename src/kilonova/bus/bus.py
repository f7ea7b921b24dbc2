"""The bus: how services of floor 4 reach one another, by topic, in process or through a broker.

Topics: `conductor`, `scheduler`, `consoleauth` (any server of it may answer), `compute.HOST`, `network-agent.HOST`
(just that one). Calls carry a deadline; casts may be lost (the database carries the work); fan-outs reach whoever
listens.
"""

from typing import Any, Protocol

import msgspec

from kilonova.model.errors import Unavailable


class MessageTimeout(Unavailable):
    """No answer within the deadline; whether the work was done is not known."""

    def __init__(self, topic: str, method: str) -> None:
        super().__init__(f"No answer from {topic} to {method} in time.")
        self.topic = topic
        self.method = method


class NobodyListens(Unavailable):
    """There is no server of that topic now."""

    def __init__(self, topic: str) -> None:
        super().__init__(f"No {topic} service is reachable.")
        self.topic = topic


class Envelope(msgspec.Struct, omit_defaults=True):
    """What travels: arguments are msgpack of a map by parameter name."""

    method: str
    arguments: bytes
    sender: str = ""
    traceparent: str | None = None


class Answer(msgspec.Struct, omit_defaults=True):
    """`value` is msgpack of the result; or an error by class name, message and public attributes."""

    value: bytes = b"\xc0"
    error: str | None = None
    message: str = ""
    attributes: dict[str, Any] = {}


class Receiver(Protocol):
    """The serving side of a topic: turns an envelope into an answer. Never raises."""

    async def __call__(self, envelope: Envelope) -> Answer: ...


class Subscription(Protocol):
    async def cancel(self) -> None:
        """Take no more messages; those under way are finished."""


class Bus(Protocol):
    async def call(self, topic: str, envelope: Envelope, *, timeout_s: float) -> Answer:
        """Errors: MessageTimeout, NobodyListens."""

    async def cast(self, topic: str, envelope: Envelope) -> None:
        """Errors: Unavailable when it certainly went nowhere (no broker, nobody listens in process)."""

    async def fan_out(self, topic: str, envelope: Envelope) -> None: ...

    async def serve(self, topic: str, receiver: Receiver) -> Subscription:
        """Take part in `topic`: its calls and casts are shared among its servers, its fan-outs reach each."""

    async def close(self) -> None: ...
