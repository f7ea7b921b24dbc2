"""Protocols over the bus: a proxy that speaks like the service, and the receiver that stands before it."""

import inspect
import logging
import typing
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec

from kilonova.bus.bus import Answer, Bus, Envelope, Receiver, Subscription
from kilonova.contract.message import Manners, manners_of
from kilonova.model.errors import InternalError, KilonovaError
from kilonova.observe import trace

log = logging.getLogger(__name__)

S = TypeVar("S")

_encode = msgspec.msgpack.Encoder().encode


class _Signature:
    """One method of a contract: how its arguments and its result are packed."""

    def __init__(self, contract: type, name: str, manners: Manners) -> None:
        method = getattr(contract, name)
        hints = typing.get_type_hints(method)
        result = hints.pop("return", Any)
        self.manners = manners
        parameters = {key: value for key, value in inspect.signature(method).parameters.items() if key != "self"}
        self.names = tuple(parameters)
        fields = [_field(parameter, hints.get(key, Any)) for key, parameter in parameters.items()]
        packed = msgspec.defstruct(f"{contract.__name__}_{name}", fields, kw_only=True)
        self.arguments = msgspec.msgpack.Decoder(packed)
        self.result = msgspec.msgpack.Decoder(type(None) if result is None else result)


def _field(parameter: inspect.Parameter, kind: Any) -> Any:
    """As defstruct takes it: what a caller leaves out has the contract's default."""
    if parameter.default is inspect.Parameter.empty:
        return parameter.name, kind
    return parameter.name, kind, parameter.default


@lru_cache
def _signatures(contract: type) -> dict[str, _Signature]:
    return {name: _Signature(contract, name, manners) for name, manners in manners_of(contract).items()}


class _Proxy:
    def __init__(self, bus: Bus, topic: str, contract: type) -> None:
        for name, signature in _signatures(contract).items():
            setattr(self, name, _sender(bus, topic, name, signature))


def _sender(bus: Bus, topic: str, name: str, signature: _Signature) -> Any:
    manners = signature.manners
    target = topic.split(".")[0]

    async def send(*positional: Any, **named: Any) -> Any:
        arguments = dict(zip(signature.names, positional, strict=False)) | named
        with trace.span(name, kind="call" if manners.manner == "call" else "cast", target=target, step=manners.step):
            envelope = Envelope(name, _encode(arguments), trace.service(), trace.header())
            if manners.manner == "cast":
                await bus.cast(topic, envelope)
                return None
            if manners.manner == "fan_out":
                await bus.fan_out(topic, envelope)
                return None
            answer = await bus.call(topic, envelope, timeout_s=manners.timeout_s)
            if answer.error is not None:
                raise KilonovaError.revive(answer.error, answer.message, answer.attributes)
            return signature.result.decode(answer.value)

    return send


def proxy(contract: type[S], bus: Bus, topic: str) -> S:
    """Something that looks like `contract` and sends each marked method to `topic`."""
    return cast(S, _Proxy(bus, topic, contract))


def receiver(contract: type[S], service: S, *, name: str) -> Receiver:
    """What the bus hands `service`'s messages to; `name` is the service's name in traces."""
    kind: type = contract
    signatures = _signatures(kind)

    async def receive(envelope: Envelope) -> Answer:
        signature = signatures.get(envelope.method)
        if signature is None:
            return Answer(error="NotSupported", message=f"{name} has no method {envelope.method}")
        with trace.serving(name, envelope.traceparent):
            try:
                given = signature.arguments.decode(envelope.arguments)
                arguments = {parameter: getattr(given, parameter) for parameter in signature.names}
                return Answer(_encode(await getattr(service, envelope.method)(**arguments)))
            except KilonovaError as error:
                if isinstance(error, InternalError):
                    log.error("%s.%s failed", name, envelope.method, exc_info=error)
                return Answer(error=type(error).__name__, message=error.message, attributes=error.public())
            except Exception as error:
                log.exception("%s.%s failed", name, envelope.method)
                return Answer(error="InternalError", message=f"{type(error).__name__}: {error}")

    return receive


async def serve(bus: Bus, topic: str, contract: type[S], service: S) -> Subscription:
    """Let `service` answer `topic`."""
    return await bus.serve(topic, receiver(contract, service, name=topic.split(".")[0]))
