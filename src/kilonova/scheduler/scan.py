"""The slow way to the best hosts: every host that passes is weighed, for what no order of hosts can hold.

That is min-max weighing, which compares the hosts of one request with one another, and weighers that look at the
request. It also tells the weight of each weigher, for explanations.
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Request
from kilonova.scheduler.settings import MIN_MAX, SchedulerSettings
from kilonova.scheduler.weighers import SOFT, AnyWeigher, RequestWeigher, Weigher, enabled, factor_of, same_cell


class Share(msgspec.Struct, frozen=True):
    """One weigher's part of a host's score: `weight` (0 to 1 where the weigher keeps to it) times `multiplier`."""

    name: str
    weight: float
    multiplier: float

    @property
    def score(self) -> float:
        return self.weight * self.multiplier


class Weighing:
    """The weighers of a scheduler. Errors: UnknownName."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self._settings = settings
        self._weighers = enabled(settings)
        self._min_max = settings.weight_normalization == MIN_MAX
        self._of_requests = tuple(one for one in self._weighers if isinstance(one, RequestWeigher) and one not in SOFT)

    def needs_scan(self, request: Request) -> bool:
        """Whether the order hosts are kept in is not the order of this request."""
        if self._min_max:
            return True
        return bool(self._of_requests) and any(one.applies(request) for one in self._of_requests)

    def shares(self, hosts: Sequence[HostState], request: Request) -> list[list[Share]]:
        """What each weigher adds to the score of each host, given all that pass (no weigher without effect)."""
        columns = [list(column) for column in self._columns(hosts, request)]
        return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in hosts]

    def scores(self, hosts: Sequence[HostState], request: Request) -> list[float]:
        totals = [0.0] * len(hosts)
        for column in self._columns(hosts, request):
            for index, share in enumerate(column):
                totals[index] += share.score
        return totals

    def ranked(self, hosts: Sequence[HostState], request: Request) -> list[HostState]:
        """Best first; of equals the one known longest."""
        scores = self.scores(hosts, request)
        order = sorted(range(len(hosts)), key=lambda index: (-scores[index], hosts[index].number))
        return [hosts[index] for index in order]

    def _columns(self, hosts: Sequence[HostState], request: Request) -> Iterator[Iterator[Share]]:
        for weigher in self._weighers:
            if weigher.weigh is same_cell or (isinstance(weigher, RequestWeigher) and not weigher.applies(request)):
                continue
            factors = [factor_of(host.profile, weigher, self._settings) for host in hosts]
            if any(factors):
                weights = self._weights(weigher, hosts, request)
                yield (Share(weigher.name, weight, factor) for weight, factor in zip(weights, factors, strict=True))

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
    return [(value - low) / (high - low) for value in values] if high > low else [0.0] * len(values)
