"""The security group every project has without asking: members speak to each other and to the world."""

from kilonova.db.errors import AlreadyThere
from kilonova.db.statement import insert_into
from kilonova.network import usage
from kilonova.network.store import rows
from kilonova.network.store import tables as t
from kilonova.network.world import Work, World, new_id


async def ensure(work: Work, project_id: str) -> str:
    """The group's id, made if there is none yet. Errors: AlreadyThere when two make it at once (try again)."""
    found = await work.tx.fetch_value(rows.DEFAULT_GROUP, project=project_id)
    if found is not None:
        return str(found)
    group = work.new_row(
        {
            "id": new_id(work.world.rng),
            "project_id": project_id,
            "name": "default",
            "description": "Default security group",
            "is_default": 1,
            "stateful": 1,
        }
    )
    await work.tx.execute(insert_into(t.security_groups), **group)
    await usage.add(work, "security_group", project_id, 1)
    await open_outwards(work, project_id, group["id"])
    for ethertype in ("IPv4", "IPv6"):
        await _add_rule(work, project_id, group["id"], "ingress", ethertype, remote_group_id=group["id"])
    await usage.add(work, "security_group_rule", project_id, 2)
    return str(group["id"])


async def open_outwards(work: Work, project_id: str, group_id: str) -> None:
    """What every new group allows: everything out."""
    for ethertype in ("IPv4", "IPv6"):
        await _add_rule(work, project_id, group_id, "egress", ethertype)
    await usage.add(work, "security_group_rule", project_id, 2)


async def _add_rule(
    work: Work, project_id: str, group_id: str, direction: str, ethertype: str, *, remote_group_id: str | None = None
) -> None:
    rule = work.new_row(
        {
            "id": new_id(work.world.rng),
            "project_id": project_id,
            "name": "",
            "description": "",
            "security_group_id": group_id,
            "direction": direction,
            "ethertype": ethertype,
            "remote_group_id": remote_group_id,
        }
    )
    await work.tx.execute(insert_into(t.security_group_rules), **rule)


async def ensure_for(world: World, project_id: str) -> None:
    """`ensure` on its own: before a list of groups, so that the list has it."""
    if await world.db.fetch_value(rows.DEFAULT_GROUP, project=project_id) is not None:
        return
    try:
        async with world.db.begin() as tx:
            await ensure(Work(tx, world, world.clock.now()), project_id)
    except AlreadyThere:
        # Another made it at the same moment.
        return
