"""Quotas: what a project and a user may have, and the words when it is too much. Usage is counted, nothing reserved."""

from collections.abc import Mapping

from kilonova.api.request import Request
from kilonova.db.database import Reader, Transaction
from kilonova.db.repository import quotas
from kilonova.db.repository.quotas import Usage
from kilonova.model.errors import Forbidden

UNLIMITED = -1

_COUNTED = ("instances", "cores", "ram")


class QuotaExceeded(Forbidden):
    pass


class Limits:
    """The limits that hold in a project: set ones over the class's over the configured ones."""

    def __init__(self, configured: Mapping[str, int], found: Mapping[tuple[str, str], int]) -> None:
        self._configured = configured
        self._set = found

    def of(self, resource: str, user_id: str = "") -> int:
        """A user's own limit, or (''), the project's. -1 is no limit."""
        for whose in (user_id, "", "class"):
            if (whose, resource) in self._set:
                return self._set[whose, resource]
        return self._configured.get(resource, UNLIMITED)

    def counts(self, user_id: str) -> bool:
        """Whether it matters how many servers there are, of what size."""
        whose = [(self.of(name), self.of_user(name, user_id)) for name in _COUNTED]
        return any(limit != UNLIMITED for limits in whose for limit in limits)

    def of_user(self, resource: str, user_id: str) -> int:
        """A limit set for just this user, else none of their own (-1)."""
        return self._set.get((user_id, resource), UNLIMITED)


async def limits(request: Request, reader: Reader, project_id: str) -> Limits:
    return Limits(request.world.settings.quota, await quotas.limits_set(reader, project_id))


async def how_many_fit(
    reader: Reader,
    held: Limits,
    each: Usage,
    *,
    least: int,
    most: int,
    project_id: str,
    user_id: str,
    turn: Transaction | None = None,
) -> int:
    """Of `most` new servers of `each`'s size as many as quota lets, if that is `least`. Errors: QuotaExceeded.

    With `turn`, the transaction that `reader` is, too, nobody takes more before it ends.
    """
    if not held.counts(user_id):
        return most
    if turn is not None:
        await quotas.take_turn(turn, project_id)
    used = await quotas.usage(reader, project_id)
    rooms = (
        _room(each, quotas.total(used), {name: held.of(name) for name in _COUNTED}),
        _room(each, used.get(user_id, Usage()), {name: held.of_user(name, user_id) for name in _COUNTED}),
    )
    fitting = min(most, *(room for room, _ in rooms))
    if fitting < least:
        for room, exceeded in rooms:
            if room < least:
                raise exceeded(least)
    return fitting


class _Exceeded:
    def __init__(self, each: Usage, used: Usage, allowed: Mapping[str, int]) -> None:
        self._each = each
        self._used = used
        self._allowed = allowed

    def __call__(self, count: int) -> QuotaExceeded:
        overs = [
            name
            for name in _COUNTED
            if self._allowed[name] != UNLIMITED
            and getattr(self._used, name) + getattr(self._each, name) * count > self._allowed[name]
        ]
        asked = ", ".join(str(getattr(self._each, name) * count) for name in overs)
        used = ", ".join(str(getattr(self._used, name)) for name in overs)
        allowed = ", ".join(str(self._allowed[name]) for name in overs)
        names = ", ".join(overs)
        return QuotaExceeded(
            f"Quota exceeded for {names}: Requested {asked}, but already used {used} of {allowed} {names}"
        )


def _room(each: Usage, used: Usage, allowed: Mapping[str, int]) -> tuple[int, _Exceeded]:
    """How many more fit, and what to say when they do not."""
    fitting = 1 << 30
    for name in _COUNTED:
        amount = getattr(each, name)
        if allowed[name] != UNLIMITED and amount:
            fitting = min(fitting, max(allowed[name] - getattr(used, name), 0) // amount)
    return fitting, _Exceeded(each, used, allowed)


def check_metadata(held: Limits, count: int) -> None:
    """Errors: QuotaExceeded."""
    allowed = held.of("metadata_items")
    if allowed != UNLIMITED and count > allowed:
        raise QuotaExceeded(f"Maximum number of metadata items exceeds {allowed}")
