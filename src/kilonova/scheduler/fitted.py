"""Requests that are fitted: how one stands in a host, and what is left of the host for the next."""

import msgspec

from kilonova.model.fitting.fit import Lack, fit
from kilonova.model.fitting.host import Fit
from kilonova.model.ids import HostName
from kilonova.scheduler.request import Request


def fit_on(request: Request, host: HostName) -> Fit | Lack | None:
    """None for requests that need amounts only."""
    if not request.demand.is_fitted:
        return None
    room = request.rooms.get(host)
    return Lack("the host tells of no NUMA cells or PCI devices") if room is None else fit(request.demand.wanted, room)


def take_room(request: Request, host: HostName) -> None:
    """The request's own picture of the host has it in from now on."""
    found = fit_on(request, host)
    if isinstance(found, Fit):
        room = request.rooms[host]
        request.rooms = {**request.rooms, host: msgspec.structs.replace(room, fits=(*room.fits, found))}
