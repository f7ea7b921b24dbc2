"""Hypervisors with their services, and what their servers take."""

from collections.abc import Collection
from functools import lru_cache

import msgspec
from sqlalchemy import and_, bindparam, case, func, select

from kilonova.contract.compute import FlavorOf
from kilonova.db.database import Reader, Row
from kilonova.db.repository.services import COLUMNS as SERVICE_COLUMNS
from kilonova.db.statement import Statement, among, among_arguments, room_for
from kilonova.db.tables.hosts import compute_nodes, services
from kilonova.db.tables.servers import servers
from kilonova.model.hypervisor import Hypervisor, HypervisorNotFound, Load
from kilonova.model.ids import HostName
from kilonova.model.service import COMPUTE, Service

_N = compute_nodes.c
_S = servers.c
_OWN = (
    _N.number,
    _N.id,
    _N.host,
    _N.hypervisor_hostname,
    _N.hypervisor_type,
    _N.hypervisor_version,
    _N.host_ip,
    _N.vcpus,
    _N.memory_mib,
    _N.disk_gib,
    _N.cpu_info,
)
_JOINED = select(*_OWN, *(column.label(f"service_{column.name}") for column in SERVICE_COLUMNS)).outerjoin(
    services, and_(services.c.host == _N.host, services.c.binary == COMPUTE)
)
_ALL = Statement(_JOINED.order_by(_N.number))
_PAGE = Statement(_JOINED.where(_N.number > bindparam("after")).order_by(_N.number).limit(bindparam("page")))
_BY_ID = Statement(_JOINED.where(_N.id == bindparam("id")))
_BY_NUMBER = Statement(_JOINED.where(_N.number == bindparam("number")))
_BY_HOST = Statement(_JOINED.where(_N.host == bindparam("host")))
_BUSY = func.sum(case((_S.task_state.is_(None), 0), else_=1))
_LOADS = select(_S.host, _S.flavor, func.count(), _BUSY).where(_S.deleted == 0).group_by(_S.host, _S.flavor)
_ALL_LOADS = Statement(_LOADS.where(_S.host.is_not(None)))
_ONE_LOAD = Statement(_LOADS.where(_S.host == bindparam("host")))


def _hypervisor(row: Row) -> Hypervisor:
    of_service = row[len(_OWN) :]
    service = Service(*of_service) if of_service[0] is not None else None
    return Hypervisor(*(*row[: len(_OWN)], service))


async def listed(db: Reader) -> list[Hypervisor]:
    """All, oldest first."""
    return [_hypervisor(row) for row in await db.fetch_all(_ALL)]


async def page(db: Reader, *, after: int, limit: int) -> list[Hypervisor]:
    """Those behind the one of that number (0 for the first)."""
    return [_hypervisor(row) for row in await db.fetch_all(_PAGE, after=after, page=limit)]


async def get(db: Reader, hypervisor_id: str) -> Hypervisor:
    """Errors: HypervisorNotFound."""
    return _found(await db.fetch_one(_BY_ID, id=hypervisor_id), hypervisor_id)


async def numbered(db: Reader, number: int) -> Hypervisor:
    """Errors: HypervisorNotFound."""
    return _found(await db.fetch_one(_BY_NUMBER, number=number), str(number))


async def of_host(db: Reader, host: str) -> Hypervisor | None:
    row = await db.fetch_one(_BY_HOST, host=host)
    return None if row is None else _hypervisor(row)


def _found(row: Row | None, asked: str) -> Hypervisor:
    if row is None:
        raise HypervisorNotFound(asked)
    return _hypervisor(row)


async def loads(db: Reader, *, host: str | None = None) -> dict[str, Load]:
    """host → what its servers take; of one host or of all."""
    rows = await (db.fetch_all(_ALL_LOADS) if host is None else db.fetch_all(_ONE_LOAD, host=host))
    found: dict[str, Load] = {}
    for on, flavor, count, busy in rows:
        vcpus, memory_mib, disk_gib = _size(flavor)
        load = Load(count, int(busy), vcpus * count, memory_mib * count, disk_gib * count)
        found[on] = found.get(on, Load()).plus(load)
    return found


@lru_cache(maxsize=1024)
def _size(flavor: str) -> tuple[int, int, int]:
    copy = msgspec.json.decode(flavor, type=FlavorOf)
    return copy.vcpus, copy.memory_mib, copy.root_gib + copy.ephemeral_gib


@lru_cache(maxsize=16)
def _servers_of(room: int) -> Statement:
    return Statement(
        select(_S.host, _S.id, _S.name)
        .where(among(_S.host, "host", room), _S.deleted == 0)
        .order_by(_S.number)
    )  # fmt: skip


async def servers_of(db: Reader, hosts: Collection[HostName]) -> dict[str, list[tuple[str, str]]]:
    """host → (id, name) of its servers; one statement for all."""
    found: dict[str, list[tuple[str, str]]] = {}
    if hosts:
        room = room_for(len(hosts))
        arguments = among_arguments("host", sorted(hosts), room)
        for host, server_id, name in await db.fetch_all(_servers_of(room), **arguments):
            found.setdefault(host, []).append((server_id, name))
    return found
