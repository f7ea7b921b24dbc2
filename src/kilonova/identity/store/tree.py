"""Projects below projects."""

from sqlalchemy import bindparam, select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.identity.store.people import Place
from kilonova.identity.store.tables import projects

_PARENT = Statement(select(projects.c.parent_id).where(projects.c.id == bindparam("id")))
_CHILDREN = Statement(
    select(projects.c.id).where(projects.c.parent_id == bindparam("parent_id")).order_by(projects.c.id)
)


async def ids_above(reader: Reader, place: Place) -> list[str]:
    """The ids a project inherits roles from, nearest first, its domain last; none for a domain."""
    if place.is_domain:
        return []
    above = [place.parent_id]
    while above[-1] != place.domain.id:
        parent = await reader.fetch_value(_PARENT, id=above[-1])
        if not parent or parent in above:
            break
        above.append(parent)
    return above if above[-1] == place.domain.id else [*above, place.domain.id]


async def children(reader: Reader, project_id: str) -> list[str]:
    return [row[0] for row in await reader.fetch_all(_CHILDREN, parent_id=project_id)]


async def ids_below(reader: Reader, project_id: str) -> list[str]:
    """All projects under one, parents before their children."""
    below: list[str] = []
    open_ends = [project_id]
    while open_ends:
        found = await children(reader, open_ends.pop(0))
        below += found
        open_ends += found
    return below


_IN_DOMAIN = Statement(
    select(projects.c.id).where(projects.c.domain_id == bindparam("domain_id")).order_by(projects.c.id)
)


async def projects_in(reader: Reader, domain_id: str) -> list[str]:
    return [row[0] for row in await reader.fetch_all(_IN_DOMAIN, domain_id=domain_id)]
