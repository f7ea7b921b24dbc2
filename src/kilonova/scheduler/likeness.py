"""Which hosts have servers of images like the one asked for: for ImagePropertiesWeigher, and only where it counts."""

from collections import Counter
from collections.abc import Mapping

import msgspec
from sqlalchemy import bindparam, select

from kilonova.contract.scheduler import RequestSpec
from kilonova.db.database import Database
from kilonova.db.statement import Statement
from kilonova.db.tables.servers import servers
from kilonova.model.ids import HostName
from kilonova.model.time import Timestamp, later
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.settings import SchedulerSettings
from kilonova.scheduler.weighers import IMAGE_PROPERTIES

# What Nova counts as a property of an image: not its sizes and formats.
PREFIXES = ("hw_", "img_", "os_")
# Changes are stamped before they are committed: so much of what was read is read again.
AGAIN_S = 10.0

_CHANGED = Statement(
    select(servers.c.id, servers.c.host, servers.c.deleted, servers.c.request_spec, servers.c.updated_at)
    .where(servers.c.updated_at >= bindparam("since"))
    .order_by(servers.c.updated_at)
)


class _Spec(msgspec.Struct):
    image_properties: dict[str, str] = {}


_decode = msgspec.json.Decoder(_Spec).decode

Property = tuple[str, str]


class Likeness:
    """A copy of where which properties are, brought up to date when it is asked."""

    def __init__(self, db: Database, fleet: Fleet, settings: SchedulerSettings) -> None:
        self._db = db
        self._fleet = fleet
        self._worth = settings.image_props_weight_setting
        self._on = settings.weighs(IMAGE_PROPERTIES.name)
        self._for_all = bool(settings.multiplier(IMAGE_PROPERTIES.option))
        self._for_some = False
        self._epoch = -1
        self._since = Timestamp("")
        self._servers: dict[str, tuple[HostName, frozenset[Property]]] = {}
        self._hosts: dict[Property, Counter[HostName]] = {}

    async def of(self, spec: RequestSpec) -> Mapping[HostName, float]:
        """What the request's properties come to on each host that has some; empty where none is weighed by them."""
        asked = self._properties(spec.image_properties)
        if not asked or not self._counts():
            return {}
        await self._catch_up()
        found: dict[HostName, float] = {}
        for one in asked:
            for host, count in self._hosts.get(one, {}).items():
                found[host] = found.get(host, 0.0) + count * self._worth.get(one[0], 1.0)
        return found

    def _counts(self) -> bool:
        """By nova.conf, or by the metadata of an aggregate."""
        if not self._on or self._for_all:
            return self._on
        if self._epoch != self._fleet.epoch:
            self._epoch = self._fleet.epoch
            self._for_some = any(IMAGE_PROPERTIES.option in profile.metadata for profile in self._fleet.profiles)
        return self._for_some

    def _properties(self, given: Mapping[str, str]) -> frozenset[Property]:
        if self._worth:
            return frozenset((name, value) for name, value in given.items() if self._worth.get(name))
        return frozenset((name, value) for name, value in given.items() if name.startswith(PREFIXES))

    async def _catch_up(self) -> None:
        last = self._since
        for server, host, deleted, text, updated_at in await self._db.fetch_all(_CHANGED, since=last):
            self._forget(server)
            if host is not None and not deleted:
                self._note(server, HostName(host), self._properties(_decode(text or "{}").image_properties))
            last = updated_at
        if last:
            self._since = later(last, seconds=-AGAIN_S)

    def _note(self, server: str, host: HostName, properties: frozenset[Property]) -> None:
        self._servers[server] = host, properties
        for one in properties:
            self._hosts.setdefault(one, Counter())[host] += 1

    def _forget(self, server: str) -> None:
        host, properties = self._servers.pop(server, (HostName(""), frozenset[Property]()))
        for one in properties:
            self._hosts[one][host] -= 1
            if not self._hosts[one][host]:
                del self._hosts[one][host]
