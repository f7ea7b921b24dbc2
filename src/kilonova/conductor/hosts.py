"""The compute hosts as they report themselves: who is alive, and the record of what each has."""

import logging
import uuid
from collections.abc import Callable

import msgspec
from sqlalchemy import bindparam, select, update

from kilonova.aio.clock import Clock
from kilonova.contract.scheduler import HostUpdate
from kilonova.db.database import Database, Transaction
from kilonova.db.statement import Statement, insert_into, update_columns
from kilonova.db.tables.hosts import compute_nodes, services
from kilonova.model.hypervisor import TAKES_GUESTS
from kilonova.model.ids import HostName
from kilonova.model.time import Timestamp

log = logging.getLogger(__name__)

_encode = msgspec.json.Encoder(order="sorted").encode

_SERVICE = Statement(
    select(services.c.id, services.c.forced_down, services.c.last_seen_at).where(
        services.c.binary == bindparam("binary"), services.c.host == bindparam("host")
    )
)
_SEEN = Statement(
    update(services)
    .where(services.c.binary == bindparam("by_binary"), services.c.host == bindparam("by_host"))
    .values(last_seen_at=bindparam("now"), updated_at=bindparam("now"))
)

_TRAITS = Statement(select(compute_nodes.c.traits).where(compute_nodes.c.host == bindparam("host")))

_NODE_COLUMNS = (
    "hypervisor_hostname",
    "hypervisor_type",
    "hypervisor_version",
    "host_ip",
    "vcpus",
    "memory_mib",
    "disk_gib",
    "cpu_info",
    "traits",
    "hardware",
    "updated_at",
)


class Hosts:
    """Heartbeats are gathered and written together, so that a thousand hosts cost one transaction per interval."""

    def __init__(self, db: Database, clock: Clock, *, down_after_s: float, new_id: Callable[[], str]) -> None:
        self._db = db
        self._clock = clock
        self._down_after_s = down_after_s
        self._new_id = new_id
        self._facts: dict[HostName, HostUpdate] = {}
        self._seen: set[tuple[str, str]] = set()

    async def alive(self, host: HostName) -> bool:
        """Whether the host's compute service has reported lately and was not forced down."""
        row = await self._db.fetch_one(_SERVICE, binary="nova-compute", host=host)
        if row is None or row[1] or row[2] is None:
            return False
        return bool(row[2] >= self._clock.after(-self._down_after_s)) or ("nova-compute", host) in self._seen

    async def takes_guests(self, host: HostName) -> bool:
        """Whether guests can come from the host, or to it, with their disks."""
        traits = await self._db.fetch_value(_TRAITS, host=host)
        return traits is not None and TAKES_GUESTS in msgspec.json.decode(traits, type=list[str])

    async def reported(self, update: HostUpdate) -> bool:
        """Take a report; True when the host is new or has changed (then it is in the record when this returns)."""
        # How it does changes with every report, and is in no record.
        facts = msgspec.structs.replace(update, metrics={}, build_failures=0, io_ops=0)
        if self._facts.get(update.host) == facts:
            self._seen.add(("nova-compute", update.host))
            return False
        async with self._db.begin() as tx:
            await self.service_seen(tx, "nova-compute", update.host)
            await self._record_node(tx, update)
        self._facts[update.host] = facts
        return True

    async def service_seen(self, tx: Transaction, binary: str, host: str) -> None:
        """A service is alive: made known when new."""
        now = self._clock.now()
        if await tx.execute(_SEEN, by_binary=binary, by_host=host, now=now):
            return
        await tx.execute(
            insert_into(services),
            id=self._new_id(),
            binary=binary,
            host=host,
            last_seen_at=now,
            created_at=now,
            updated_at=now,
        )

    def beat(self, binary: str, host: str) -> None:
        """A heartbeat of a service that is in the record."""
        self._seen.add((binary, host))

    async def write_heartbeats(self) -> None:
        """Write what was gathered since the last time."""
        seen, self._seen = self._seen, set()
        if not seen:
            return
        now = self._clock.now()
        async with self._db.begin() as tx:
            await tx.execute_many(_SEEN, [{"by_binary": binary, "by_host": host, "now": now} for binary, host in seen])

    async def _record_node(self, tx: Transaction, update: HostUpdate) -> None:
        now: Timestamp = self._clock.now()
        values = {
            "hypervisor_hostname": update.hypervisor_hostname,
            "hypervisor_type": update.hypervisor_type,
            "hypervisor_version": update.hypervisor_version,
            "host_ip": update.host_ip,
            "vcpus": update.vcpus,
            "memory_mib": update.memory_mib,
            "disk_gib": update.disk_gib,
            "cpu_info": msgspec.json.encode(update.cpu_info).decode(),
            "traits": msgspec.json.encode(sorted(update.traits)).decode(),
            "hardware": None if update.hardware is None else _encode(update.hardware).decode(),
            "updated_at": now,
        }
        if await tx.execute(update_columns(compute_nodes, _NODE_COLUMNS, ("host",)), by_host=update.host, **values):
            return
        await tx.execute(insert_into(compute_nodes), id=update.node_id, host=update.host, created_at=now, **values)


def new_uuid() -> str:
    return str(uuid.uuid4())
