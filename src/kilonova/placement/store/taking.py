"""The statements that take amounts from a provider's inventories and give them back: capacity is checked by taking."""

from functools import lru_cache

from sqlalchemy import BigInteger, ColumnElement, Update, and_, bindparam, case, func, insert, or_, select, update

from kilonova.db.statement import Statement
from kilonova.placement.store.holdings import Amounts
from kilonova.placement.store.tables import allocations, consumers, inventories, providers

# The generation of a consumer that holds something for the first time, as Placement counts.
FIRST = 1

BUMP = update(providers).where(providers.c.id == bindparam("by_id")).values(generation=providers.c.generation + 1)


def _amount(index: int) -> ColumnElement[int]:
    # Typed: PostgreSQL would guess text inside a CASE.
    return bindparam(f"amount_{index}", type_=BigInteger())


@lru_cache(maxsize=64)
def take(classes: int) -> Statement:
    """Adds to `used` of each class that has room and takes pieces of that size; rows matched tells whether all did."""
    return Statement(_taking(classes, bindparam("by_provider")))


def _taking(classes: int, provider_id: ColumnElement[str]) -> Update:
    c = inventories.c
    fits = [
        and_(
            c.resource_class == bindparam(f"class_{index}"),
            c.used + _amount(index) <= (c.total - c.reserved) * c.allocation_ratio,
            c.min_unit <= _amount(index),
            c.max_unit >= _amount(index),
            _amount(index) % c.step_size == 0,
        )
        for index in range(classes)
    ]
    return (
        update(inventories)
        .where(c.provider_id == provider_id, or_(*fits))
        .values(used=c.used + _each_its_amount(classes))
    )


@lru_cache(maxsize=64)
def add_at_once(classes: int) -> Statement:
    """A new consumer with what it holds of one provider: (generation, name, classes taken); no row without provider.

    The inventories are joined to the provider's changed row, so that its lock is had before theirs here, too.
    """
    consumer = insert(consumers).values(
        {name: bindparam(name) for name in ("id", "project_id", "user_id", "type", "created_at", "updated_at")}
        | {"generation": FIRST}
    )
    allocation = insert(allocations).values(
        consumer_id=bindparam("id"), provider_id=bindparam("by_id"), resources=bindparam("resources")
    )
    bumped = BUMP.returning(providers.c.id, providers.c.generation, providers.c.name).cte("bumped")
    taken = _taking(classes, bumped.c.id).returning(inventories.c.resource_class).cte("taken")
    return Statement(
        select(bumped.c.generation, bumped.c.name, select(func.count()).select_from(taken).scalar_subquery()).add_cte(
            consumer.cte("new_consumer"), allocation.cte("new_allocation")
        )
    )


@lru_cache(maxsize=64)
def give_back(classes: int) -> Statement:
    c = inventories.c
    return Statement(
        update(inventories)
        .where(
            c.provider_id == bindparam("by_provider"),
            or_(*(c.resource_class == bindparam(f"class_{index}") for index in range(classes))),
        )
        .values(used=c.used - _each_its_amount(classes))
    )


def _each_its_amount(classes: int) -> ColumnElement[int]:
    column = inventories.c.resource_class
    return case(*((column == bindparam(f"class_{index}"), _amount(index)) for index in range(classes)), else_=0)


def amounts_of(amounts: Amounts) -> dict[str, str | int]:
    arguments: dict[str, str | int] = {}
    for index, (name, amount) in enumerate(amounts.items()):
        arguments[f"class_{index}"] = name
        arguments[f"amount_{index}"] = amount
    return arguments
