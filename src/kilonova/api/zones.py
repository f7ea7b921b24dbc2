"""Availability zones of hosts, as lists of services and hosts show them."""

from kilonova.api.request import Request
from kilonova.db.repository import aggregates
from kilonova.model.aggregate import zones_of_hosts
from kilonova.model.ids import HostName
from kilonova.model.service import COMPUTE, Service
from kilonova.model.time import Timestamp

# Where services that run no servers are said to be.
INTERNAL = "internal"


class Zones:
    """`of` a host: the zone an aggregate names, else the default one."""

    def __init__(self, named: dict[str, str], default: str) -> None:
        self._named = named
        self._default = default

    def of(self, host: str) -> str:
        return self._named.get(host, self._default)

    def of_service(self, service: Service) -> str:
        return self.of(service.host) if service.binary == COMPUTE else INTERNAL


async def zones(request: Request) -> Zones:
    found = await aggregates.listed(request.world.db)
    return Zones(zones_of_hosts(found), request.world.settings.default_zone)


def seen_since(request: Request) -> Timestamp:
    """A service not heard of since then counts as down."""
    return request.world.clock.after(-request.world.settings.service_down_time_s)


def tell_schedulers(request: Request, *hosts: str) -> None:
    """Hosts or their services changed: schedulers look again (a lost bell is made up for by their own check)."""
    request.world.tasks.start(
        request.world.scheduler.refresh(tuple(HostName(host) for host in hosts)), name="refresh schedulers"
    )
