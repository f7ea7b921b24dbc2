"""Security groups; each project has one called default."""

from collections.abc import Sequence
from typing import Any

from kilonova.db.database import Reader
from kilonova.db.statement import delete_by, insert_into
from kilonova.network import checks, usage
from kilonova.network.attributes import Attribute, Resource
from kilonova.network.errors import (
    SecurityGroupCannotRemoveDefault,
    SecurityGroupCannotUpdateDefault,
    SecurityGroupDefaultAlreadyExists,
    SecurityGroupInUse,
    SecurityGroupNotFound,
)
from kilonova.network.nouns import default_group, security_group_rules
from kilonova.network.nouns.common import COMMON
from kilonova.network.nouns.noun import Noun, Row, Values, shown_common
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work, new_id

RESOURCE = Resource(
    "security_group",
    "security_groups",
    "security-groups",
    {
        **COMMON,
        "stateful": Attribute(checks.one_of(True), default=True, put=False),
        "shared": Attribute(checks.flag, post=False, put=False, column=None),
    },
)


async def views(reader: Reader, found: Sequence[Row]) -> list[dict[str, Any]]:
    rules: dict[str, list[dict[str, Any]]] = {row["id"]: [] for row in found}
    for rule in await rows.rows_among(reader, t.security_group_rules, "security_group_id", list(rules)):
        rules[rule["security_group_id"]].append(security_group_rules.view(rule))
    return [
        {
            **shown_common(row),
            "stateful": bool(row["stateful"]),
            "shared": False,
            "tags": [],
            "security_group_rules": rules[row["id"]],
        }
        for row in found
    ]


async def create(work: Work, values: Values) -> Row:
    if values["name"].lower() == "default":
        raise SecurityGroupDefaultAlreadyExists
    await default_group.ensure(work, values["project_id"])
    await usage.take(work, "security_group", values["project_id"])
    row = work.new_row(
        {name: values[name] for name in ("project_id", "name", "description")},
        id=new_id(work.world.rng),
        stateful=1,
        is_default=None,
    )
    await work.tx.execute(insert_into(t.security_groups), **row)
    await default_group.open_outwards(work, values["project_id"], row["id"])
    return row


async def update(work: Work, row: Row, values: Values) -> Row:
    if row["is_default"] and values.get("name", row["name"]) != row["name"]:
        raise SecurityGroupCannotUpdateDefault
    if not row["is_default"] and values.get("name", "").lower() == "default":
        raise SecurityGroupDefaultAlreadyExists
    return await rows.change(work.tx, t.security_groups, row, values, work.now)


async def delete(work: Work, row: Row) -> None:
    """Errors: SecurityGroupInUse, SecurityGroupCannotRemoveDefault."""
    if row["is_default"] and not work.privileged:
        raise SecurityGroupCannotRemoveDefault
    if await work.tx.fetch_value(rows.GROUP_USED, group_id=row["id"]) is not None:
        raise SecurityGroupInUse(row["id"])
    await _forget(work, row["id"])
    rules = await work.tx.execute(rows.REMOVE_RULES_OF_GROUP, group_id=row["id"])
    await work.tx.execute(delete_by(t.security_groups), id=row["id"])
    await usage.give_back(work, "security_group", row["project_id"])
    await usage.give_back(work, "security_group_rule", row["project_id"], rules)
    work.groups.add(row["id"])


async def _forget(work: Work, group_id: str) -> None:
    """Rules of other groups that name it go with it."""
    for rule in await work.tx.rows(rows.RULES_NAMING_GROUP, group_id=group_id):
        await work.tx.execute(delete_by(t.security_group_rules), id=rule["id"])
        await usage.give_back(work, "security_group_rule", rule["project_id"])
        work.groups.add(rule["security_group_id"])


SECURITY_GROUPS = Noun(
    RESOURCE,
    t.security_groups,
    SecurityGroupNotFound,
    views,
    create,
    update,
    delete,
    before=default_group.ensure_for,
)
