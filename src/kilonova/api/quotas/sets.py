"""Quota sets of a project, or of a user in it: show, detail, defaults, update, delete."""

from typing import Any

from kilonova.api import quota
from kilonova.api.parameters import TRUE_TEXTS
from kilonova.api.policy_checks import Target
from kilonova.api.projects import check_project
from kilonova.api.quota import UNLIMITED, Limits
from kilonova.api.quotas import resources
from kilonova.api.request import Request
from kilonova.db.database import Reader
from kilonova.db.repository import quotas, server_groups
from kilonova.model.errors import BadRequest


class LimitTooLow(BadRequest):
    def __init__(self, resource: str, limit: int, least: int) -> None:
        super().__init__(
            f"Quota limit {limit} for {resource} must be greater than or equal to already used and reserved {least}."
        )


class LimitTooHigh(BadRequest):
    def __init__(self, resource: str, limit: int, most: int) -> None:
        super().__init__(f"Quota limit {limit} for {resource} must be less than or equal to {most}.")


async def show(request: Request) -> dict[str, Any]:
    project_id = await _project(request)
    held = await quota.limits(request, request.world.db, project_id)
    user_id = request.one("user_id") or ""
    return _shown(project_id, {name: held.of(name, user_id) for name in resources.of_sets(request.version)})


async def detail(request: Request) -> dict[str, Any]:
    project_id = await _project(request)
    user_id = request.one("user_id") or ""
    held = await quota.limits(request, request.world.db, project_id)
    used = await _used(request.world.db, project_id, user_id)
    return _shown(
        project_id,
        {
            name: {"limit": held.of(name, user_id), "in_use": used.get(name, 0), "reserved": 0}
            for name in resources.of_sets(request.version)
        },
    )


async def defaults(request: Request) -> dict[str, Any]:
    project_id = await _project(request)
    of_class = await quotas.class_limits(request.world.db, "default")
    held = Limits(request.world.settings.quota, {("class", name): limit for name, limit in of_class.items()})
    return _shown(project_id, {name: held.of(name) for name in resources.of_sets(request.version)})


async def update(request: Request) -> dict[str, Any]:
    """Errors: LimitTooLow, LimitTooHigh unless it is forced."""
    project_id = await _project(request)
    user_id = request.one("user_id") or ""
    asked = dict(request.body["quota_set"])
    forced = asked.pop("force", False) in (True, *TRUE_TEXTS)
    wanted = {name: int(limit) for name, limit in asked.items()}
    async with request.world.db.begin() as tx:
        if not forced:
            await _check(request, tx, project_id, user_id, wanted)
        for name, limit in wanted.items():
            await quotas.set_limit(tx, project_id, user_id, name, limit)
        held = await quota.limits(request, tx, project_id)
    return {"quota_set": {name: held.of(name, user_id) for name in resources.of_sets(request.version)}}


async def delete(request: Request) -> None:
    project_id = request.params["id"]
    user_id = request.one("user_id")
    request.allow(target=Target(project_id, ""))
    async with request.world.db.begin() as tx:
        if user_id is None:
            await quotas.forget_project(tx, project_id)
        else:
            await quotas.forget_user(tx, project_id, user_id)


async def _project(request: Request) -> str:
    """The project of the URL. Errors: PolicyForbids, NoSuchProject."""
    project_id = request.params["id"]
    request.allow(target=Target(project_id, ""))
    await check_project(request, project_id)
    return project_id


def _shown(project_id: str, members: dict[str, Any]) -> dict[str, Any]:
    return {"quota_set": {"id": project_id, **members}}


async def _used(db: Reader, project_id: str, user_id: str) -> dict[str, int]:
    """By resource, of a user or (user '') of all; what is counted per user or per group is not counted here."""
    by_user = await quotas.usage(db, project_id)
    groups = await server_groups.counts(db, project_id)
    used = by_user.get(user_id, quotas.Usage()) if user_id else quotas.total(by_user)
    return {
        "instances": used.instances,
        "cores": used.cores,
        "ram": used.ram,
        "server_groups": groups.get(user_id, 0) if user_id else sum(groups.values()),
    }


async def _check(request: Request, db: Reader, project_id: str, user_id: str, wanted: dict[str, int]) -> None:
    """A project's limit holds what is used and what its users were allotted; a user's comes out of what is left."""
    found = await quotas.limits_set(db, project_id)
    held = Limits(request.world.settings.quota, found)
    used = await _used(db, project_id, user_id)
    for name, limit in wanted.items():
        allotted = sum(
            max(amount, 0) for (whose, what), amount in found.items() if what == name and whose not in ("", "class")
        )
        least = used.get(name, 0) if user_id else max(used.get(name, 0), allotted)
        if limit != UNLIMITED and limit < least:
            raise LimitTooLow(name, limit, least)
        whole = held.of(name)
        if not user_id or whole == UNLIMITED:
            continue
        most = whole - allotted + max(found.get((user_id, name), 0), 0)
        if limit == UNLIMITED or limit > most:
            raise LimitTooHigh(name, limit, most)
