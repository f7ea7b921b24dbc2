"""What a filter is. Those that look only at what hosts have in common are asked once for all hosts of a profile."""

from collections.abc import Callable

import msgspec

from kilonova.scheduler.host import HostState, Profile
from kilonova.scheduler.marks import Bits, Marks
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import Verdict


def always(_: Request) -> bool:
    return True


class ProfileFilter(msgspec.Struct, frozen=True, kw_only=True):
    """`applies` says whether the request has anything to ask of it: if not, every host passes.

    `on_rebuild`: also asked, of the server's own host, when a server is rebuilt with another image.
    `passing` answers for all profiles at once, as `judge` would for each.
    """

    name: str
    judge: Callable[[Profile, Request], Verdict]
    passing: Callable[[Marks, Request], Bits] | None = None
    applies: Callable[[Request], bool] = always
    on_rebuild: bool = False


class HostFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The same for those that look at a host's own part."""

    name: str
    judge: Callable[[HostState, Request], Verdict]
    applies: Callable[[Request], bool] = always
    on_rebuild: bool = False


Filter = ProfileFilter | HostFilter
