"""ComputeFilter: the host's compute service is enabled and has reported lately. AllHostsFilter: no objection."""

from kilonova.scheduler.filters.filter import HostFilter
from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import PASS, Verdict, reject


def judge(host: HostState, request: Request) -> Verdict:
    if not host.enabled:
        return reject("disabled")
    if host.forced_down:
        return reject("forced down")
    if host.seen_at < request.now - request.settings.service_down_time_s:
        return reject("not heard of lately")
    if host.set_aside_until > request.now:
        return reject(f"set aside after {host.build_failures} failed builds")
    return PASS


COMPUTE = HostFilter(name="ComputeFilter", judge=judge)
ALL_HOSTS = HostFilter(name="AllHostsFilter", judge=lambda host, request: PASS, applies=lambda request: False)
