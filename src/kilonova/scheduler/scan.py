"""The slow way to the best hosts: every host that passes is weighed, for what no order of hosts can hold.

That is min-max weighing, which compares the hosts of one request with one another, and weighers that look at the
request. It also tells the weight of each weigher, for explanations.
"""

from collections.abc import Callable, Sequence

import msgspec

from kilonova.scheduler.host import HostState, Profile
from kilonova.scheduler.request import Request
from kilonova.scheduler.settings import MIN_MAX, SchedulerSettings
from kilonova.scheduler.weighers import SOFT, AnyWeigher, RequestWeigher, Weigher, enabled, factor_of, same_cell


class Column(msgspec.Struct, frozen=True):
    """What one weigher makes of some hosts: `weights` (0 to 1 where it keeps to that), each times its multiplier."""

    name: str
    weights: Sequence[float]
    multipliers: Sequence[float]


def total(columns: Sequence[Column], hosts: int) -> list[float]:
    """The scores of so many hosts."""
    totals = [0.0] * hosts
    for column in columns:
        parts = zip(totals, column.weights, column.multipliers, strict=True)
        totals = [total + weight * multiplier for total, weight, multiplier in parts]
    return totals


def in_order(hosts: Sequence[HostState], scores: Sequence[float]) -> list[int]:
    """The places of `hosts`, best first; of equals the one known longest."""
    return sorted(range(len(hosts)), key=lambda place: (-scores[place], hosts[place].number))


class Weighing:
    """The weighers of a scheduler. Errors: UnknownName."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self._settings = settings
        self._weighers = tuple(one for one in enabled(settings) if one.weigh is not same_cell)
        self._min_max = settings.weight_normalization == MIN_MAX
        self._of_requests = tuple(one for one in self._weighers if isinstance(one, RequestWeigher) and one not in SOFT)
        # By profile: each weigher's multiplier. A profile never changes.
        self._factors: dict[Profile, tuple[float, ...]] = {}

    def needs_scan(self, request: Request) -> bool:
        """Whether the order hosts are kept in is not the order of this request."""
        if self._min_max:
            return True
        return bool(self._of_requests) and any(one.applies(request) for one in self._of_requests)

    def columns(self, hosts: Sequence[HostState], request: Request) -> list[Column]:
        """Of each weigher that has any effect on `hosts`, which are all that pass."""
        factors = [self._factors.get(host.profile) or self._factors_of(host.profile) for host in hosts]
        found = []
        for index, weigher in enumerate(self._weighers):
            multipliers = [row[index] for row in factors]
            if not any(multipliers) or (isinstance(weigher, RequestWeigher) and not weigher.applies(request)):
                continue
            found.append(Column(weigher.name, self._weights(weigher, hosts, request), multipliers))
        return found

    def ranked(self, hosts: Sequence[HostState], request: Request) -> list[HostState]:
        """Best first; of equals the one known longest."""
        scores = total(self.columns(hosts, request), len(hosts))
        return [hosts[place] for place in in_order(hosts, scores)]

    def _factors_of(self, profile: Profile) -> tuple[float, ...]:
        found = tuple(factor_of(profile, weigher, self._settings) for weigher in self._weighers)
        self._factors[profile] = found
        return found

    def _weights(self, weigher: AnyWeigher, hosts: Sequence[HostState], request: Request) -> list[float]:
        weigh = _one_argument(weigher, request, raw=self._min_max)
        values = [weigh(host) for host in hosts]
        return _spread(values) if self._min_max else values


def _one_argument(weigher: AnyWeigher, request: Request, *, raw: bool) -> Callable[[HostState], float]:
    if isinstance(weigher, Weigher):
        return weigher.raw if raw and weigher.raw is not None else weigher.weigh
    of_both = weigher.raw if raw and weigher.raw is not None else weigher.weigh
    return lambda host: of_both(host, request)


def _spread(values: Sequence[float]) -> list[float]:
    """The lowest is 0, the highest 1; where all are equal all are 0, as in Nova."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    if not high > low:
        return [0.0] * len(values)
    span = high - low
    return [(value - low) / span for value in values]
