"""Aggregates: list, show, create, update, delete; hosts, metadata and images of one."""

from typing import Any

from msgspec.structs import replace

from kilonova.api.aggregates import rules, view
from kilonova.api.identifiers import number_of
from kilonova.api.request import Request
from kilonova.api.zones import tell_schedulers
from kilonova.db.database import Reader
from kilonova.db.repository import aggregates, services
from kilonova.model.aggregate import ZONE, Aggregate, AggregateHostExists, AggregateNotEmpty
from kilonova.model.errors import BadRequest, NotFound
from kilonova.model.hypervisor import ComputeHostNotFound
from kilonova.model.ids import HostName
from kilonova.model.service import COMPUTE, HostBinaryNotFound


class HostNotInAggregate(NotFound):
    def __init__(self, aggregate: int, host: str) -> None:
        super().__init__(f"Cannot remove host {host} in aggregate {aggregate}: not found")
        self.aggregate = aggregate
        self.host = host


async def index(request: Request) -> dict[str, Any]:
    found = await aggregates.listed(request.world.db)
    return {"aggregates": [view.full(request, one) for one in found]}


async def show(request: Request) -> dict[str, Any]:
    return {"aggregate": view.full(request, await _one(request, request.world.db))}


async def create(request: Request) -> dict[str, Any]:
    """Errors: AggregateNameExists."""
    asked = request.body["aggregate"]
    zone = asked.get("availability_zone")
    world = request.world
    identifier, now = world.new_id(), world.clock.now()
    async with world.db.begin() as tx:
        await aggregates.insert(
            tx, id=identifier, name=asked["name"].strip(), metadata={ZONE: zone} if zone else {}, created_at=now
        )
        made = next(one for one in await aggregates.listed(tx) if one.id == identifier)
    return {"aggregate": view.created(request, made)}


async def update(request: Request) -> dict[str, Any]:
    """Errors: AggregateNameExists, ZoneChangeRefused."""
    asked = request.body["aggregate"]
    async with request.world.db.begin() as tx:
        aggregate = await _one(request, tx)
        changed = aggregate
        if "name" in asked:
            changed = replace(changed, name=asked["name"].strip())
        if "availability_zone" in asked:
            changed = await _changed_metadata(tx, changed, {ZONE: asked["availability_zone"]})
        changed = await aggregates.save(tx, changed, request.world.clock.now())
    return _answer(request, changed)


async def delete(request: Request) -> None:
    """Errors: AggregateNotEmpty."""
    async with request.world.db.begin() as tx:
        aggregate = await _one(request, tx)
        if aggregate.hosts:
            raise AggregateNotEmpty(aggregate.number)
        await aggregates.delete(tx, aggregate.number)


async def add_host(request: Request) -> dict[str, Any]:
    """Errors: ComputeHostNotFound, AggregateHostExists, HostRefused."""
    host = request.body["add_host"]["host"]
    async with request.world.db.begin() as tx:
        aggregate = await _one(request, tx)
        await _check_host(tx, host)
        if host in aggregate.hosts:
            raise AggregateHostExists(aggregate.number, host)
        await rules.check_add(tx, aggregate, host)
        changed = replace(aggregate, hosts=(*aggregate.hosts, host))
        changed = await aggregates.save(tx, changed, request.world.clock.now())
    return _answer(request, changed, host)


async def remove_host(request: Request) -> dict[str, Any]:
    """Errors: HostNotInAggregate, HostRefused."""
    host = request.body["remove_host"]["host"]
    async with request.world.db.begin() as tx:
        aggregate = await _one(request, tx)
        if host not in aggregate.hosts:
            raise HostNotInAggregate(aggregate.number, host)
        await rules.check_remove(tx, aggregate, host)
        changed = replace(aggregate, hosts=tuple(one for one in aggregate.hosts if one != host))
        changed = await aggregates.save(tx, changed, request.world.clock.now())
    return _answer(request, changed, host)


async def set_metadata(request: Request) -> dict[str, Any]:
    """Adds and replaces keys; null takes one away. Errors: ZoneChangeRefused."""
    async with request.world.db.begin() as tx:
        changed = await _changed_metadata(tx, await _one(request, tx), request.body["set_metadata"]["metadata"])
        changed = await aggregates.save(tx, changed, request.world.clock.now())
    return _answer(request, changed)


async def _changed_metadata(tx: Reader, aggregate: Aggregate, changes: dict[str, str | None]) -> Aggregate:
    merged = {**aggregate.metadata, **changes}
    kept = {key: value for key, value in merged.items() if value is not None}
    if ZONE in changes:
        if changes[ZONE] == "":
            raise BadRequest("Aggregate metadata must not name an empty availability zone.")
        await rules.check_zone(tx, aggregate, kept.get(ZONE))
    return replace(aggregate, metadata=kept)


async def _one(request: Request, reader: Reader) -> Aggregate:
    """Errors: AggregateNotFound, InvalidNumber."""
    return await aggregates.get(reader, number_of(request.params["id"]))


async def _check_host(reader: Reader, host: str) -> None:
    """Errors: ComputeHostNotFound."""
    try:
        await services.named(reader, COMPUTE, host)
    except HostBinaryNotFound as error:
        raise ComputeHostNotFound(host) from error


def _answer(request: Request, changed: Aggregate, *hosts: str) -> dict[str, Any]:
    concerned = hosts or changed.hosts
    if concerned:
        tell_schedulers(request, *concerned)
    return {"aggregate": view.full(request, changed)}


async def cache_images(request: Request) -> None:
    """Have images ready on all hosts of the aggregate. Errors: BadRequest for one named twice."""
    images = [one["id"] for one in request.body["cache"]]
    if len(set(images)) != len(images):
        raise BadRequest("Duplicate images in request")
    aggregate = await _one(request, request.world.db)
    for host in aggregate.hosts:
        await request.world.compute(HostName(host)).cache_images(tuple(images))
