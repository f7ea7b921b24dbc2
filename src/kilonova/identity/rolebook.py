"""All roles and what they imply, by id."""

from collections.abc import Iterable

import msgspec
from sqlalchemy import select

from kilonova.db.database import Reader
from kilonova.db.statement import Statement
from kilonova.identity.store.tables import implied_roles, roles


class Role(msgspec.Struct, frozen=True):
    """`domain_id` is '' for the roles every domain has."""

    id: str
    name: str
    domain_id: str = ""


class RoleBook:
    """`direct` maps a role's id to the ids it implies by itself."""

    def __init__(self, known: Iterable[Role], direct: Iterable[tuple[str, str]]) -> None:
        self.roles = {role.id: role for role in known}
        self.direct: dict[str, set[str]] = {}
        for prior, implied in direct:
            self.direct.setdefault(prior, set()).add(implied)

    def implied_by(self, role_id: str) -> set[str]:
        """Directly or through others; without itself. A circle of implications ends."""
        found: set[str] = set()
        open_ends = [role_id]
        while open_ends:
            for implied in self.direct.get(open_ends.pop(), ()):
                if implied not in found:
                    found.add(implied)
                    open_ends.append(implied)
        return found - {role_id}

    def effective(self, role_ids: Iterable[str]) -> tuple[Role, ...]:
        """These roles and all they imply, by name. Roles of one domain are means to imply, and never in a token."""
        held: set[str] = set()
        for role_id in role_ids:
            held.add(role_id)
            held |= self.implied_by(role_id)
        known = (self.roles[role_id] for role_id in held if role_id in self.roles)
        return tuple(sorted((role for role in known if not role.domain_id), key=lambda role: role.name))


_ROLES = Statement(select(roles.c.id, roles.c.name, roles.c.domain_id))
_IMPLIED = Statement(select(implied_roles.c.prior_role_id, implied_roles.c.implied_role_id))


async def read_rolebook(reader: Reader) -> RoleBook:
    known = [Role(*row) for row in await reader.fetch_all(_ROLES)]
    direct = [(row[0], row[1]) for row in await reader.fetch_all(_IMPLIED)]
    return RoleBook(known, direct)
