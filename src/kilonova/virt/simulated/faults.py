"""Faults and delays, set while the fleet runs."""

from dataclasses import dataclass

from kilonova.model.errors import KilonovaError


@dataclass
class Fault:
    """What shall happen to `operation` (a method's name, None for all) on `host` (None for all)."""

    host: str | None
    operation: str | None
    error: str | KilonovaError | None
    delay_s: float
    times: int | None

    def concerns(self, host: str, operation: str) -> bool:
        return self.host in (None, host) and self.operation in (None, operation) and self.times != 0


class Faults:
    """The rules in force; the first that concerns a call is spent on it."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def set(
        self,
        *,
        host: str | None = None,
        operation: str | None = None,
        error: str | KilonovaError | None = None,
        delay_s: float = 0.0,
        times: int | None = None,
    ) -> None:
        """Delay by `delay_s` seconds, then fail with `error` (or go on when None), `times` times (None: for ever)."""
        self._rules.append(Fault(host=host, operation=operation, error=error, delay_s=delay_s, times=times))

    def clear(self) -> None:
        self._rules.clear()

    def __bool__(self) -> bool:
        return bool(self._rules)

    def spend(self, host: str, operation: str) -> Fault | None:
        """The fault this call meets, counted down."""
        for rule in self._rules:
            if rule.concerns(host, operation):
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return None
