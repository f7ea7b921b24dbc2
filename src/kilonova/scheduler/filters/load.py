"""How much is going on on a host already; limits per aggregate are the lowest of several, as in Nova."""

from kilonova.scheduler.filters.filter import HostFilter
from kilonova.scheduler.host import HostState, Profile
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import PASS, Verdict, reject


def _limit(profile: Profile, key: str, default: int) -> int:
    values = [int(value) for value in profile.metadata.get(key, ()) if value.isdigit()]
    return min(values, default=default)


def _io_ops(host: HostState, limit: int) -> Verdict:
    return PASS if host.io_ops < limit else reject(f"{host.io_ops} builds or moves going on, {limit} allowed")


def _servers(host: HostState, limit: int) -> Verdict:
    return PASS if host.servers < limit else reject(f"{host.servers} servers, {limit} allowed")


def io_ops(host: HostState, request: Request) -> Verdict:
    return _io_ops(host, request.settings.max_io_ops_per_host)


def aggregate_io_ops(host: HostState, request: Request) -> Verdict:
    return _io_ops(host, _limit(host.profile, "max_io_ops_per_host", request.settings.max_io_ops_per_host))


def servers(host: HostState, request: Request) -> Verdict:
    return _servers(host, request.settings.max_instances_per_host)


def aggregate_servers(host: HostState, request: Request) -> Verdict:
    return _servers(host, _limit(host.profile, "max_instances_per_host", request.settings.max_instances_per_host))


def metrics(host: HostState, request: Request) -> Verdict:
    """A host that does not report every metric it would be weighed by is left out."""
    missing = request.settings.metrics_weight_setting.keys() - (host.metrics or {}).keys()
    return reject(f"does not report {', '.join(sorted(missing))}") if missing else PASS


LOAD_FILTERS = (
    HostFilter(name="IoOpsFilter", judge=io_ops),
    HostFilter(name="AggregateIoOpsFilter", judge=aggregate_io_ops),
    HostFilter(name="NumInstancesFilter", judge=servers),
    HostFilter(name="AggregateNumInstancesFilter", judge=aggregate_servers),
    HostFilter(
        name="MetricsFilter",
        judge=metrics,
        applies=lambda request: bool(request.settings.metrics_weight_setting),
    ),
)
