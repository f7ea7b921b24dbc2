"""Hosts as those see them that need the very CPUs, pages and devices: read only for such requests."""

import msgspec
from sqlalchemy import select

from kilonova.contract.placement import Fits, Placement
from kilonova.contract.scheduler import HostUpdate
from kilonova.db.database import Database
from kilonova.db.statement import Statement
from kilonova.db.tables.hosts import compute_nodes
from kilonova.model.fitting.host import Hardware, Room
from kilonova.model.fitting.pci import free_devices
from kilonova.model.ids import HostName
from kilonova.scheduler.fleet import Fleet
from kilonova.scheduler.host import HostState

_n = compute_nodes.c
_hardware = Statement(select(_n.host, _n.hardware).where(_n.hardware.is_not(None)))
_decode = msgspec.json.Decoder(Hardware).decode


class Rooms:
    """`hardware` is as hosts told; who has what of it is asked again wherever a generation moved on."""

    def __init__(self, db: Database, placement: Placement, fleet: Fleet) -> None:
        self._db = db
        self._placement = placement
        self._fleet = fleet
        self._hardware: dict[HostName, Hardware] = {}
        self._fits: dict[HostName, Fits] = {}

    async def load(self) -> None:
        rows = await self._db.fetch_all(_hardware)
        self._hardware = {HostName(name): _decode(text) for name, text in rows}
        self._fits.clear()

    def has_devices(self, name: HostName) -> bool:
        hardware = self._hardware.get(name)
        return hardware is not None and bool(hardware.devices)

    def heard(self, update: HostUpdate) -> None:
        if update.hardware is None:
            self._hardware.pop(update.host, None)
        else:
            self._hardware[update.host] = update.hardware

    async def all(self, consumer: str) -> dict[HostName, Room]:
        """Of all hosts that tell of hardware; what `consumer` itself has counts as free."""
        hosts = [host for name in self._hardware if (host := self._fleet.get(name)) is not None]
        # Read again also where the copy is behind what was read: the fleet will hear of it.
        old = [host.name for host in hosts if self._generation(host.name) != host.generation]
        if old:
            self._fits |= await self._placement.fits(tuple(old))
            for name in old:
                self._count_devices(name)
        return {host.name: self._room(host, consumer) for host in hosts}

    def free_devices(self, name: HostName) -> int:
        """As of the last look at who has which."""
        hardware, fits = self._hardware.get(name), self._fits.get(name)
        if hardware is None or not hardware.devices:
            return 0
        taken = {device.address for fit in (fits.of.values() if fits else ()) for device in fit.devices}
        return len(free_devices(hardware.devices, frozenset(taken)))

    def _count_devices(self, name: HostName) -> None:
        host, free = self._fleet.get(name), self.free_devices(name)
        if host is not None and free != host.free_devices:
            host.free_devices = free
            self._fleet.settle(host)

    def _generation(self, name: HostName) -> int:
        known = self._fits.get(name)
        return -1 if known is None else known.generation

    def _room(self, host: HostState, consumer: str) -> Room:
        hardware, fits = self._hardware[host.name], self._fits.get(host.name)
        others = () if fits is None else tuple(fit for owner, fit in fits.of.items() if owner != consumer)
        return Room(
            topology=hardware.topology,
            devices=hardware.devices,
            fits=others,
            cpu_ratio=_ratio(host, "VCPU"),
            ram_ratio=_ratio(host, "MEMORY_MB"),
        )


def _ratio(host: HostState, resource_class: str) -> float:
    inventory = host.profile.inventories.get(resource_class)
    return 1.0 if inventory is None else inventory.allocation_ratio
