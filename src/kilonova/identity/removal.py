"""Deleting users, groups, projects, domains and roles with all that hangs on them, in the caller's transaction."""

from sqlalchemy import bindparam, null, select, update

from kilonova.contract import identity as subject
from kilonova.db.statement import Statement, delete_by
from kilonova.identity.revocation import Change
from kilonova.identity.store import tables
from kilonova.identity.store.assignments import forget
from kilonova.identity.store.nouns import APPLICATION_CREDENTIALS, CREDENTIALS, GROUPS, PROJECTS, ROLES, USERS
from kilonova.identity.store.people import member_ids
from kilonova.identity.store.tree import projects_in

_LOSE_DEFAULT = Statement(
    update(tables.users)
    .where(tables.users.c.default_project_id == bindparam("project_id"))
    .values(default_project_id=null())
)
_USERS_IN = Statement(select(tables.users.c.id).where(tables.users.c.domain_id == bindparam("domain_id")))
_GROUPS_IN = Statement(select(tables.groups.c.id).where(tables.groups.c.domain_id == bindparam("domain_id")))


async def remove_user(change: Change, user_id: str) -> None:
    tx = change.tx
    await forget(tx, column="actor_id", value=user_id)
    await tx.execute(delete_by(tables.memberships, ("user_id",)), user_id=user_id)
    await APPLICATION_CREDENTIALS.remove(tx, user_id=user_id)
    await CREDENTIALS.remove(tx, user_id=user_id)
    await USERS.remove(tx, id=user_id)
    change.touch(subject.user(user_id))


async def remove_group(change: Change, group_id: str) -> None:
    tx = change.tx
    for user_id in await member_ids(tx, group_id):
        change.touch(subject.user(user_id))
    await forget(tx, column="actor_id", value=group_id)
    await tx.execute(delete_by(tables.memberships, ("group_id",)), group_id=group_id)
    await GROUPS.remove(tx, id=group_id)


async def remove_project(change: Change, project_id: str) -> None:
    tx = change.tx
    await forget(tx, column="target_id", value=project_id)
    await APPLICATION_CREDENTIALS.remove(tx, project_id=project_id)
    await CREDENTIALS.remove(tx, project_id=project_id)
    await tx.execute(_LOSE_DEFAULT, project_id=project_id)
    await PROJECTS.remove(tx, id=project_id)
    change.touch(subject.project(project_id))


async def remove_domain(change: Change, domain_id: str) -> None:
    tx = change.tx
    for (user_id,) in await tx.fetch_all(_USERS_IN, domain_id=domain_id):
        await remove_user(change, user_id)
    for (group_id,) in await tx.fetch_all(_GROUPS_IN, domain_id=domain_id):
        await remove_group(change, group_id)
    for project_id in await projects_in(tx, domain_id):
        await remove_project(change, project_id)
    await ROLES.remove(tx, domain_id=domain_id)
    await forget(tx, column="target_id", value=domain_id)
    await PROJECTS.remove(tx, id=domain_id)
    change.touch(subject.domain(domain_id))


async def remove_role(change: Change, role_id: str) -> None:
    tx = change.tx
    await forget(tx, column="role_id", value=role_id)
    for column in ("prior_role_id", "implied_role_id"):
        await tx.execute(delete_by(tables.implied_roles, (column,)), **{column: role_id})
    await ROLES.remove(tx, id=role_id)
    change.touch(subject.EVERYBODY)
