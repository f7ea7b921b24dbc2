"""Quota classes: `default` is what holds for every project without a limit of its own; others are only kept."""

from typing import Any

from kilonova.api.quota import Limits
from kilonova.api.quotas import resources
from kilonova.api.request import Request
from kilonova.db.database import Reader
from kilonova.db.repository import quotas
from kilonova.model.errors import BadRequest

# With the prefix that tells classes from projects a name still has to fit the column.
_LONGEST_NAME = 58


class UnusableClass(BadRequest):
    def __init__(self) -> None:
        super().__init__(f"The name of a quota class must not be longer than {_LONGEST_NAME} characters.")


async def show(request: Request) -> dict[str, Any]:
    name = request.params["id"]
    return {"quota_class_set": {"id": name, **await _limits(request, request.world.db, name)}}


async def update(request: Request) -> dict[str, Any]:
    name = request.params["id"]
    if len(name) > _LONGEST_NAME:
        raise UnusableClass
    async with request.world.db.begin() as tx:
        for resource, limit in request.body["quota_class_set"].items():
            await quotas.set_class_limit(tx, name, resource, int(limit))
        shown = await _limits(request, tx, name)
    return {"quota_class_set": shown}


async def _limits(request: Request, db: Reader, name: str) -> dict[str, int]:
    found = await quotas.class_limits(db, name)
    held = Limits(request.world.settings.quota, {("class", resource): limit for resource, limit in found.items()})
    return {resource: held.of(resource) for resource in resources.of_classes(request.version)}
