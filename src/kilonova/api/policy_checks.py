"""What a check is, and the two that look at nothing."""

from collections.abc import Callable

import msgspec

from kilonova.model.caller import Caller


class Target(msgspec.Struct, frozen=True):
    """Whose the thing is."""

    project_id: str
    user_id: str


Check = Callable[[Caller, Target], bool]


def always(caller: Caller, target: Target) -> bool:
    return True


def never(caller: Caller, target: Target) -> bool:
    return False
