"""What can own nothing any more, on each kind of database."""

import uuid

from kilonova.db.statement import insert_into
from kilonova.db.tables.servers import migrations
from kilonova.duty.dead_servers import dead_moves, dead_servers
from tests.duty.conftest import LateClock, Rows


async def test_deleted_servers_and_failed_creations_are_dead(rows: Rows) -> None:
    dead = {await rows.server(deleted=1), await rows.server(vm_state="error", host=None)}
    alive = {
        await rows.server(),
        await rows.server(vm_state="building", host=None),
        await rows.server(vm_state="error"),
        await rows.server(vm_state="shelved_offloaded", host=None),
    }

    assert await dead_servers(rows.db, dead | alive) == dead


async def test_what_an_operation_holds_is_not_dead(rows: Rows) -> None:
    held = {await rows.server(deleted=1, held=True), await rows.server(vm_state="error", host=None, held=True)}

    assert await dead_servers(rows.db, held) == set()


async def test_unknown_ids_are_somebody_elses(rows: Rows) -> None:
    assert await dead_servers(rows.db, {str(uuid.uuid4())}) == set()
    assert await dead_moves(rows.db, {str(uuid.uuid4())}) == set()
    assert await dead_servers(rows.db, set()) == set()


async def test_any_number_can_be_asked_about(rows: Rows) -> None:
    dead = {await rows.server(deleted=1) for _ in range(3)}

    assert await dead_servers(rows.db, dead | {str(uuid.uuid4()) for _ in range(600)}) == dead


async def test_moves_that_are_over_are_dead(rows: Rows, clock: LateClock) -> None:
    server_id, held_id = await rows.server(), await rows.server(held=True)
    found = {}
    async with rows.db.begin() as tx:
        for of, status in ((server_id, "confirmed"), (server_id, "finished"), (server_id, "error"), (held_id, "error")):
            found[of, status] = str(uuid.uuid4())
            await tx.execute(
                insert_into(migrations),
                id=found[of, status],
                server_id=of,
                project_id="p",
                user_id="u",
                migration_type="resize",
                status=status,
                created_at=clock.now(),
                updated_at=clock.now(),
            )

    assert await dead_moves(rows.db, set(found.values())) == {found[server_id, "confirmed"], found[server_id, "error"]}
