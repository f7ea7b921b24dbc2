"""Quotas: what each project has, counted where it is taken, so that no limit is passed however many ask at once."""

from kilonova.db.statement import insert_into
from kilonova.network.errors import OverQuota
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work


async def take(work: Work, resource: str, project_id: str, count: int = 1) -> None:
    """Count one more for the project. Errors: OverQuota; AlreadyThere when two begin counting at once (try again)."""
    if not project_id:
        return
    arguments = {"project": project_id, "resource": resource}
    default = work.world.settings.limits[resource]
    if await work.tx.execute(rows.TAKE, count=count, default=default, **arguments):
        return
    if await work.tx.fetch_value(rows.USED, **arguments) is None:
        await work.tx.execute(insert_into(t.usage), project_id=project_id, resource=resource, used=0)
    # Counting may have begun since the first try, too: only now a refusal is about the limit.
    if not await work.tx.execute(rows.TAKE, count=count, default=default, **arguments):
        raise OverQuota(resource)


async def add(work: Work, resource: str, project_id: str, count: int) -> None:
    """Count what the service makes by itself, whatever the limit."""
    if not await work.tx.execute(rows.ADD, project=project_id, resource=resource, count=count):
        await work.tx.execute(insert_into(t.usage), project_id=project_id, resource=resource, used=count)


async def give_back(work: Work, resource: str, project_id: str, count: int = 1) -> None:
    if project_id:
        await work.tx.execute(rows.GIVE_BACK, project=project_id, resource=resource, count=count)
