"""Filters for requests that need the very CPUs, pages and devices of a host. Always asked."""

from kilonova.model.fitting.fit import Lack, Wanted, fit
from kilonova.scheduler.filters.filter import HostFilter
from kilonova.scheduler.host import HostState
from kilonova.scheduler.request import Request
from kilonova.scheduler.verdict import PASS, Verdict, reject


def devices(host: HostState, request: Request) -> Verdict:
    """Whether it has the devices, wherever they are."""
    room = request.rooms.get(host.name)
    if room is None:
        return reject("the host tells of no PCI devices")
    found = fit(Wanted(devices=request.demand.wanted.devices), room)
    return reject(found.reason) if isinstance(found, Lack) else PASS


def topology(host: HostState, request: Request) -> Verdict:
    """Whether all that is to be fitted fits at once: cells, CPUs, pages, and devices near enough."""
    room = request.rooms.get(host.name)
    if room is None:
        return reject("the host tells of no NUMA cells")
    found = fit(request.demand.wanted, room)
    return reject(found.reason) if isinstance(found, Lack) else PASS


HARDWARE_FILTERS = (
    HostFilter(
        name="PciPassthroughFilter",
        judge=devices,
        applies=lambda request: bool(request.demand.wanted.devices),
    ),
    HostFilter(
        name="NUMATopologyFilter",
        judge=topology,
        applies=lambda request: request.demand.wanted.topology is not None,
        on_rebuild=True,
    ),
)
