"""What is to be done once a transaction is durable."""

import logging
from collections.abc import Callable
from contextvars import Context, copy_context

log = logging.getLogger(__name__)


class Bells:
    """Calls, each made in the context (trace, service) it was asked for in."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: list[tuple[Context, Callable[[], None]]] = []

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, call: Callable[[], None]) -> None:
        self._calls.append((copy_context(), call))

    def take(self, others: "Bells") -> None:
        self._calls += others._calls

    def ring(self) -> None:
        """Call all. One that fails is logged: what it announces is stored, and found without it later."""
        for context, call in self._calls:
            try:
                context.run(call)
            except Exception:
                log.exception("a call after a commit failed")
