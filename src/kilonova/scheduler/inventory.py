"""The scheduler's copy of hosts and of what is left on them: loaded, kept current, corrected when it is found wrong.

What is claimed but not yet heard of from placement stands on top of the copy as a reservation, so that decisions taken
meanwhile see it. A change of a generation that does not follow the one known means that something was missed: that host
is read again.
"""

import gc
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from kilonova.contract.placement import Placement, ProviderChange, ProviderState
from kilonova.contract.scheduler import HostUpdate
from kilonova.db.database import Database
from kilonova.model.ids import HostName
from kilonova.scheduler import records
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.host import HostState, Make
from kilonova.scheduler.records import HostRecord, Places
from kilonova.scheduler.rooms import Rooms

log = logging.getLogger(__name__)

PAGE = 2000

_encode = msgspec.json.Encoder().encode


class Reservation(msgspec.Struct):
    host: HostName
    amounts: dict[str, int]
    # Placement has said yes: any later look at placement has it included.
    granted: bool = False


class Inventory:
    """The fleet and where its facts come from."""

    def __init__(self, db: Database, placement: Placement, fleet: Fleet, rooms: Rooms) -> None:
        self.fleet = fleet
        self._db = db
        self._placement = placement
        self._rooms = rooms
        self._places = Places(fleet.settings.default_availability_zone)
        self._reserved: dict[str, Reservation] = {}
        self._outdated: set[HostName] = set()

    @property
    def projects(self) -> frozenset[str]:
        """Those that aggregates name."""
        return self._places.projects

    # -- loading ----

    async def load(self) -> None:
        """Everything anew; what is heard meanwhile is not lost."""
        with _nothing_collected():
            await self._load()

    async def _load(self) -> None:
        self._places = await records.places(self._db, self.fleet.settings.default_availability_zone)
        found = await records.hosts(self._db)
        for name in {host.name for host in self.fleet} - {record.name for record in found}:
            self.fleet.remove(name)
        by_name = {record.name: record for record in found}
        after = ""
        while page := await self._placement.providers(after, PAGE):
            after = page[-1].name
            for state in page:
                record = by_name.pop(state.name, None)
                if record is not None:
                    self._put(record, state, set())
        for record in by_name.values():
            self._put(record, None, set())
        self.fleet.settle_all()

    async def reload(self, names: Iterable[HostName]) -> None:
        """Read some hosts again; unknown ones are made known, those gone from the record are forgotten."""
        for name in names:
            self._outdated.discard(name)
            granted = {consumer for consumer, one in self._reserved.items() if one.granted and one.host == name}
            record = await records.host(self._db, name)
            if record is None:
                self.fleet.remove(name)
                continue
            host = self._put(record, await self._placement.provider(name), granted)
            self.fleet.settle(host)

    async def replace(self, names: Iterable[HostName]) -> None:
        """Zones and aggregates changed: those of `names` are read again."""
        self._places = await records.places(self._db, self.fleet.settings.default_availability_zone)
        await self.reload(names)

    def _put(self, record: HostRecord, state: ProviderState | None, included: set[str]) -> HostState:
        """`included` are reservations that `state` has in it for certain."""
        zone, aggregates = self._places.of(record.name)
        make = Make(
            zone=zone,
            aggregates=aggregates,
            traits=frozenset() if state is None else state.traits,
            hypervisor_type=record.hypervisor_type,
            hypervisor_version=record.hypervisor_version,
            cpu_info=record.cpu_info,
            inventories=() if state is None else tuple(sorted(state.inventories.items())),
            has_devices=self._rooms.has_devices(record.name),
        )
        used = {} if state is None else state.used
        host = self.fleet.get(record.name)
        if host is None:
            host = self.fleet.add(record.name, make)
            host.use(used)
        elif state is not None and state.generation < host.generation:
            # Something newer was heard while this was read.
            self._outdated.add(host.name)
            return host
        else:
            self.fleet.remake(host, make, used)
        host.node, host.ip = record.node, record.ip
        host.enabled, host.forced_down = record.enabled, record.forced_down
        host.seen_at = max(host.seen_at, record.seen_at)
        for consumer in included:
            self._reserved.pop(consumer, None)
        host.free_devices = self._rooms.free_devices(host.name) if make.has_devices else 0
        host.generation = -1 if state is None else state.generation
        host.servers = 0 if state is None else state.consumers
        for reservation in self._reserved.values():
            if reservation.host == host.name:
                self.fleet.take(host, reservation.amounts, servers=1)
        return host

    async def correct(self) -> bool:
        """Compare with placement, read again what is not as known; True when anything was."""
        generations = await self._placement.generations()
        wrong = {host.name for host in self.fleet if generations.get(host.name, -1) != host.generation}
        wrong |= self._outdated
        await self.reload(wrong)
        return bool(wrong)

    # -- what is heard ----

    def hear(self, changes: Iterable[ProviderChange]) -> None:
        """Take over what placement tells. Hosts that need a second look are `outdated` afterwards."""
        for change in changes:
            host = self.fleet.get(change.name)
            if host is not None and self._is_as_reserved(change, host):
                continue
            self._settle_reservation(change)
            if host is None or change.generation <= host.generation:
                continue
            if change.reload or change.generation != host.generation + 1:
                self._outdated.add(change.name)
                continue
            host.generation = change.generation
            self.fleet.take(host, change.used, servers=change.consumers)

    def _is_as_reserved(self, change: ProviderChange, host: HostState) -> bool:
        """The rule: a claim of our own, counted already."""
        reservation = self._reserved.get(change.consumer)
        if (
            reservation is None
            or reservation.host != change.name
            or reservation.amounts != change.used
            or change.consumers != 1
            or change.generation != host.generation + 1
        ):
            return False
        del self._reserved[change.consumer]
        host.generation = change.generation
        return True

    def _settle_reservation(self, change: ProviderChange) -> None:
        reservation = self._reserved.get(change.consumer)
        if reservation is not None and reservation.host == change.name:
            self.give_up(change.consumer)

    @property
    def outdated(self) -> frozenset[HostName]:
        return frozenset(self._outdated)

    async def reported(self, update: HostUpdate, now: float) -> None:
        """A host's own word: it is alive, and how it does."""
        host = self.fleet.get(update.host)
        if host is None or not _as_known(host, update):
            await self.reload([update.host])
            host = self.fleet.get(update.host)
            if host is None:
                log.info("a host that is not in the record reported itself: %s", update.host)
                return
        host.seen_at = now
        host.io_ops = update.io_ops
        settings = self.fleet.settings
        if settings.metrics_weight_setting:
            host.metrics = update.metrics
        worse = update.build_failures > host.build_failures
        host.build_failures = update.build_failures
        if worse and update.build_failures >= settings.set_aside_after_failures:
            self.fleet.set_aside(host, now + settings.set_aside_s)
            log.warning("host set aside after failed builds: %s (%d)", host.name, host.build_failures)
        elif update.build_failures < settings.set_aside_after_failures:
            self.fleet.take_back(host)
        self.fleet.settle(host)

    # -- reservations ----

    def reserve(self, consumer: str, host: HostState, amounts: dict[str, int]) -> None:
        self.give_up(consumer)
        self._reserved[consumer] = Reservation(host.name, amounts)
        self.fleet.take(host, amounts, servers=1)

    def granted(self, consumer: str) -> HostName | None:
        """Placement said yes. The host to look at again when it has not told of the change itself, else None."""
        reservation = self._reserved.get(consumer)
        if reservation is None:
            return None
        reservation.granted = True
        return reservation.host

    def give_up(self, consumer: str) -> None:
        """Take a reservation off again; happy to find none."""
        reservation = self._reserved.pop(consumer, None)
        host = None if reservation is None else self.fleet.get(reservation.host)
        if reservation is not None and host is not None:
            self.fleet.take(host, {name: -amount for name, amount in reservation.amounts.items()}, servers=-1)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Loading makes a great many objects, all to stay: to look for garbage among them takes a quarter of its time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _as_known(host: HostState, update: HostUpdate) -> bool:
    make = host.profile.make
    return (
        make.hypervisor_version == update.hypervisor_version
        and make.hypervisor_type == update.hypervisor_type
        and host.ip == update.host_ip
        and host.node == update.hypervisor_hostname
        and make.cpu_info == _encode(update.cpu_info).decode()
        and make.has_devices == bool(update.hardware and update.hardware.devices)
    )
