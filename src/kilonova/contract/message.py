"""How a service's Protocol says which of its methods are calls, casts or fan-outs."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

Manner = Literal["call", "cast", "fan_out"]


class Manners:
    """What a proxy needs to know of a method: its manner, and for calls how long to wait for the answer."""

    __slots__ = ("manner", "step", "timeout_s")

    def __init__(self, manner: Manner, timeout_s: float, step: str) -> None:
        self.manner: Manner = manner
        self.timeout_s = timeout_s
        self.step = step


def call(*, timeout_s: float = 60.0, step: str = "") -> Callable[[F], F]:
    """Sent to one server of the topic; its answer or error comes back. `step`: number in the picture of a create."""
    return _mark(Manners("call", timeout_s, step))


def cast(*, step: str = "") -> Callable[[F], F]:
    """Sent to one server of the topic; nothing comes back, and nothing may depend on its arrival."""
    return _mark(Manners("cast", 0.0, step))


def fan_out() -> Callable[[F], F]:
    """Sent to every server of the topic; nothing comes back."""
    return _mark(Manners("fan_out", 0.0, ""))


def _mark(manners: Manners) -> Callable[[F], F]:
    def mark(method: F) -> F:
        method.__manners__ = manners  # type: ignore[attr-defined]
        return method

    return mark


def manners_of(contract: type) -> dict[str, Manners]:
    """The marked methods of a Protocol, inherited ones too."""
    found: dict[str, Manners] = {}
    for kind in reversed(contract.__mro__):
        for name, member in vars(kind).items():
            manners = getattr(member, "__manners__", None)
            if isinstance(manners, Manners):
                found[name] = manners
    return found
