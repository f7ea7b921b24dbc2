"""The four verbs on every kind of thing: list, show, create (one or many), update, delete."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from starlette.responses import Response

from kilonova.db.database import Transaction
from kilonova.db.errors import AlreadyThere
from kilonova.model.caller import Caller
from kilonova.network.errors import HTTPBadRequest, PolicyNotAuthorized
from kilonova.network.nouns.noun import Noun, Row, Values
from kilonova.network.queries import Query, parse
from kilonova.network.store.listing import Filter, Page, find
from kilonova.network.world import NetworkRequest, Work, World, is_privileged
from kilonova.web.response import empty, json_response

T = TypeVar("T")

# Two that choose the same address or number at once: one of them chooses again.
_TRIES = 12
_WRITERS = frozenset({"member", "manager", "admin", "service"})
# What the cloud's own wiring is made of, shown to its administrators only.
_HIDDEN = {
    "network": ("provider:network_type", "provider:physical_network", "provider:segmentation_id"),
    "port": (
        "binding:host_id",
        "binding:profile",
        "binding:vif_type",
        "binding:vif_details",
    ),
}


def may_write(caller: Caller, rule: str) -> None:
    """Readers read. Errors: PolicyNotAuthorized."""
    if not _WRITERS & caller.roles:
        raise PolicyNotAuthorized(f"rule:{rule}")


def scope_of(caller: Caller) -> str | None:
    """Whose things the caller sees: a project's, or (None) everybody's."""
    return None if is_privileged(caller) else caller.project_id or "-"


async def changing(world: World, caller: Caller, work: Callable[[Work], Awaitable[T]]) -> T:
    """`work` in a transaction, again when another was quicker; agents hear of it once it is durable."""

    async def once(tx: Transaction) -> T:
        under_way = Work(tx, world, world.clock.now(), is_privileged(caller))
        result = await work(under_way)
        tx.after_commit(under_way.ring)
        return result

    for left in reversed(range(_TRIES)):
        try:
            return await world.db.run(once)
        except AlreadyThere:
            if not left:
                raise
    raise AssertionError


def shown(noun: Noun, caller: Caller, things: Sequence[dict[str, Any]], fields: frozenset[str]) -> list[dict[str, Any]]:
    """What the caller may see of `things`, and of that what it wants."""
    hidden = () if is_privileged(caller) else _HIDDEN.get(noun.resource.member, ())
    for thing in things:
        for name in hidden:
            thing.pop(name, None)
    if not fields:
        return list(things)
    return [{name: value for name, value in thing.items() if name in fields} for thing in things]


async def visible(world: World, caller: Caller, noun: Noun, id: str) -> Row:
    """The row, if the caller may see it. Errors: the noun's not_found."""
    found = await find(world.db, noun.table, (Filter("id", (id,)),), project=scope_of(caller))
    if not found:
        raise noun.not_found(id)
    return found[0]


def may_change(caller: Caller, noun: Noun, row: Row, verb: str) -> None:
    """Errors: PolicyNotAuthorized for what is another's, though visible."""
    rule = f"{verb}_{noun.resource.member}"
    may_write(caller, rule)
    if not is_privileged(caller) and row["project_id"] != caller.project_id:
        raise PolicyNotAuthorized(f"rule:{rule}")


def lister(noun: Noun) -> Callable[[NetworkRequest], Awaitable[Response]]:
    async def list_(request: NetworkRequest) -> Response:
        world, caller = request.world, request.caller
        query = parse(noun, request.query_params.multi_items(), max_limit=world.settings.max_limit)
        if noun.before is not None and caller.project_id:
            await noun.before(world, caller.project_id)
        rows = [] if query.nothing else await _page(world, caller, noun, query)
        things = shown(noun, caller, await noun.views(world.db, rows), query.fields)
        document: dict[str, Any] = {noun.resource.collection: things}
        if query.limit is not None:
            links = _links(request, noun, query, [row["id"] for row in rows])
            if links:
                document[f"{noun.resource.collection}_links"] = links
        return json_response(document)

    return list_


async def _page(world: World, caller: Caller, noun: Noun, query: Query) -> list[Row]:
    after = None
    if query.marker is not None:
        marked = await find(world.db, noun.table, (Filter("id", (query.marker,)),), project=scope_of(caller))
        if not marked:
            raise noun.not_found(query.marker)
        after = marked[0]
    page = Page(query.sorts, query.limit, after, query.backwards)
    return await find(world.db, noun.table, query.filters, project=scope_of(caller), page=page)


def _links(request: NetworkRequest, noun: Noun, query: Query, ids: Sequence[str]) -> list[dict[str, str]]:
    rest = [
        (name, value) for name, value in request.query_params.multi_items() if name not in ("marker", "page_reverse")
    ]
    base = f"{request.base}/v2.0/{noun.resource.path}"

    def link(rel: str, marker: str, *more: tuple[str, str]) -> dict[str, str]:
        return {"rel": rel, "href": f"{base}?{urlencode([*rest, ('marker', marker), *more])}"}

    links = []
    if ids and (len(ids) == query.limit or query.backwards):
        links.append(link("next", ids[-1]))
    if ids and (query.marker is not None or query.backwards):
        links.append(link("previous", ids[0], ("page_reverse", "True")))
    return links


def shower(noun: Noun) -> Callable[[NetworkRequest], Awaitable[Response]]:
    async def show(request: NetworkRequest) -> Response:
        row = await visible(request.world, request.caller, noun, request.params["id"])
        fields = frozenset(one for one in request.query_params.getlist("fields") if one)
        return await _answer(request, noun, row, fields=fields)

    return show


async def _answer(
    request: NetworkRequest, noun: Noun, row: Row, status: int = 200, fields: frozenset[str] = frozenset()
) -> Response:
    things = shown(noun, request.caller, await noun.views(request.world.db, [row]), fields)
    return json_response({noun.resource.member: things[0]}, status)


def creator(noun: Noun) -> Callable[[NetworkRequest], Awaitable[Response]]:
    async def create(request: NetworkRequest) -> Response:
        may_write(request.caller, f"create_{noun.resource.member}")
        body = await request.document()
        member, collection = noun.resource.member, noun.resource.collection
        if isinstance(body, dict) and isinstance(body.get(collection), list) and body[collection]:
            wanted = [_values(noun, request.caller, one) for one in body[collection]]
            rows = await changing(request.world, request.caller, lambda work: _create_all(noun, work, wanted))
            things = shown(noun, request.caller, await noun.views(request.world.db, rows), frozenset())
            return json_response({collection: things}, 201)
        if not isinstance(body, dict) or member not in body:
            raise HTTPBadRequest(f"Unable to find '{member}' in request body")
        values = _values(noun, request.caller, body[member])
        row = await changing(request.world, request.caller, lambda work: noun.create(work, values))
        return await _answer(request, noun, row, 201)

    return create


async def _create_all(noun: Noun, work: Work, wanted: Sequence[Values]) -> list[Row]:
    return [await noun.create(work, dict(values)) for values in wanted]


def _values(noun: Noun, caller: Caller, body: Any) -> Values:
    values = noun.resource.parse_new(body, privileged=is_privileged(caller))
    if values["project_id"] is None:
        values["project_id"] = caller.project_id or ""
    elif values["project_id"] != caller.project_id and not is_privileged(caller):
        raise PolicyNotAuthorized(f"rule:create_{noun.resource.member}")
    return values


def updater(noun: Noun) -> Callable[[NetworkRequest], Awaitable[Response]]:
    async def update(request: NetworkRequest) -> Response:
        row = await visible(request.world, request.caller, noun, request.params["id"])
        may_change(request.caller, noun, row, "update")
        body = await request.document()
        if not isinstance(body, dict) or noun.resource.member not in body:
            raise HTTPBadRequest(f"Unable to find '{noun.resource.member}' in request body")
        values = noun.resource.parse_changes(body[noun.resource.member], privileged=is_privileged(request.caller))

        async def change(work: Work) -> Row:
            return await noun.update(work, await _current(work, noun, row["id"]), values)

        return await _answer(request, noun, await changing(request.world, request.caller, change))

    return update


def deleter(noun: Noun) -> Callable[[NetworkRequest], Awaitable[Response]]:
    async def delete(request: NetworkRequest) -> Response:
        row = await visible(request.world, request.caller, noun, request.params["id"])
        may_change(request.caller, noun, row, "delete")

        async def remove(work: Work) -> None:
            await noun.delete(work, await _current(work, noun, row["id"]))

        await changing(request.world, request.caller, remove)
        return empty()

    return delete


async def _current(work: Work, noun: Noun, id: str) -> Row:
    """The row as it is inside the transaction: it may have changed or gone since it was looked at."""
    found = await find(work.tx, noun.table, (Filter("id", (id,)),))
    if not found:
        raise noun.not_found(id)
    return found[0]
