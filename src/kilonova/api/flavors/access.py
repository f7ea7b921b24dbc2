"""Which projects a private flavor is given to."""

from typing import Any

from kilonova.api.projects import NoSuchProject, check_project
from kilonova.api.request import Request
from kilonova.db.database import Reader
from kilonova.db.repository import flavors
from kilonova.model.errors import Conflict, NotFound
from kilonova.model.flavor import FlavorAccessNotFound


async def index(request: Request) -> dict[str, Any]:
    """Public flavors have no such list: 404."""
    flavor = await flavors.get(request.world.db, request.params["flavor_id"], project_id=None)
    if flavor.is_public:
        raise NotFound("Access list not available for public flavors.")
    return await _listed(request.world.db, flavor.id)


async def add(request: Request) -> dict[str, Any]:
    """Errors: NoSuchProject, FlavorAccessExists, Conflict for a public flavor since 2.7."""
    project_id = request.body["addTenantAccess"]["tenant"]
    await check_project(request, project_id)
    async with request.world.db.begin() as tx:
        flavor = await flavors.get(tx, request.params["id"], project_id=None)
        if flavor.is_public and request.version >= 7:
            raise Conflict("Can not add access to a public flavor.")
        await flavors.give(tx, flavor.id, project_id)
        return await _listed(tx, flavor.id)


async def remove(request: Request) -> dict[str, Any]:
    """A project that is gone may still be taken off. Errors: FlavorAccessNotFound, NoSuchProject."""
    project_id = request.body["removeTenantAccess"]["tenant"]
    unknown: NoSuchProject | None = None
    try:
        await check_project(request, project_id)
    except NoSuchProject as error:
        unknown = error
    async with request.world.db.begin() as tx:
        flavor = await flavors.get(tx, request.params["id"], project_id=None)
        try:
            await flavors.take_away(tx, flavor.id, project_id)
        except FlavorAccessNotFound:
            if unknown is not None:
                raise unknown from None
            raise
        return await _listed(tx, flavor.id)


async def _listed(db: Reader, flavor_id: str) -> dict[str, Any]:
    projects = await flavors.access(db, flavor_id)
    return {"flavor_access": [{"flavor_id": flavor_id, "tenant_id": project_id} for project_id in projects]}
