"""Roles of users and groups on projects, domains and the system: given, looked up, taken away.

One set of handlers for all paths: `…/{projects|domains}/{id}/{users|groups}/{id}/roles[/{role}]`,
`/system/{users|groups}/{id}/roles[/{role}]`, and with OS-INHERIT before it and `inherited_to_projects` behind.
"""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.responses import Response

from kilonova.contract import identity as subject
from kilonova.db.errors import AlreadyThere
from kilonova.identity.api.documents import ROLE, IdentityRequest, allow, show_all
from kilonova.identity.errors import Missing
from kilonova.identity.revocation import Change
from kilonova.identity.store import assignments
from kilonova.identity.store.assignments import SYSTEM, ActorKind, Assignment, TargetKind
from kilonova.identity.store.nouns import APPLICATION_CREDENTIALS, GROUPS, ROLES, USERS
from kilonova.identity.store.people import member_ids
from kilonova.identity.store.places import require_domain, require_project
from kilonova.identity.store.rows import Document
from kilonova.web.response import empty

Handler = Callable[[IdentityRequest], Awaitable[Response]]


class Grants(msgspec.Struct, frozen=True):
    """The handlers of one kind of path."""

    target: TargetKind
    actor: ActorKind
    inherited: bool = False

    async def list(self, request: IdentityRequest) -> Response:
        given = await self._given(request, "list", role=None)
        held = await assignments.matching(
            request.world.db,
            actor_id=given.actor_id,
            target_id=given.target_id,
            inherited=int(self.inherited),
        )
        found = await ROLES.named(request.world.db, (one.role_id for one in held))
        return show_all(request, ROLE, [found[role_id] for role_id in sorted(found)])

    async def check(self, request: IdentityRequest) -> Response:
        role = await ROLES.get(request.world.db, request.params["role_id"])
        given = await self._given(request, "check", role)
        if not await assignments.exists(request.world.db, given):
            raise Missing("role assignment", given.role_id)
        return empty()

    async def create(self, request: IdentityRequest) -> Response:
        role = await ROLES.get(request.world.db, request.params["role_id"])
        given = await self._given(request, "create", role)
        try:
            async with request.world.revocations.change() as change:
                await assignments.grant(change.tx, given)
                await _touch(change, given)
        except AlreadyThere:
            pass
        return empty()

    async def revoke(self, request: IdentityRequest) -> Response:
        role = await ROLES.get(request.world.db, request.params["role_id"])
        given = await self._given(request, "revoke", role)
        async with request.world.revocations.change() as change:
            if not await assignments.revoke(change.tx, given):
                raise Missing("role assignment", given.role_id)
            for user_id in await _touch(change, given):
                # They were made from roles that may be gone now.
                await APPLICATION_CREDENTIALS.remove(change.tx, user_id=user_id, project_id=given.target_id)
        return empty()

    async def _given(self, request: IdentityRequest, verb: str, role: Document | None) -> Assignment:
        """What the path names, allowed and there. Errors: Missing, NotAllowed."""
        target_id, target_domain = await self._target(request)
        actor_id, actor_domain = await self._actor(request)
        rule = f"{verb}_system_grant" if self.target == "system" else f"{verb}_grant"
        if verb == "list":
            rule += "s"
        # Who manages a domain may bring together only what is in it.
        for domain_id in (target_domain, actor_domain):
            allow(request, rule, domain_id=domain_id, role=role["name"] if role else None)
        role_id = role["id"] if role else ""
        return Assignment(self.actor, actor_id, self.target, target_id, role_id, self.inherited)

    async def _target(self, request: IdentityRequest) -> tuple[str, str]:
        if self.target == "system":
            return SYSTEM, ""
        if self.target == "domain":
            domain = await require_domain(request.world.db, request.params["target_id"])
            return domain["id"], domain["id"]
        project = await require_project(request.world.db, request.params["target_id"])
        return project["id"], project["domain_id"] or project["id"]

    async def _actor(self, request: IdentityRequest) -> tuple[str, str]:
        rows = USERS if self.actor == "user" else GROUPS
        actor = await rows.get(request.world.db, request.params["actor_id"])
        return actor["id"], actor["domain_id"]


async def _touch(change: Change, given: Assignment) -> list[str]:
    """The users it is about."""
    is_user = given.actor_kind == "user"
    users = [given.actor_id] if is_user else await member_ids(change.tx, given.actor_id)
    change.touch(*(subject.user(user_id) for user_id in users))
    return users
