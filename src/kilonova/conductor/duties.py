"""The conductor's duties: what is kept true, how often, and what each is given."""

import uuid
from collections.abc import Callable

import msgspec

from kilonova.conductor.world import World
from kilonova.contract.work import Work
from kilonova.duty.deleted_servers import deleted_servers
from kilonova.duty.keeper import Duty
from kilonova.duty.late_builds import late_builds
from kilonova.duty.orphaned_allocations import orphaned_allocations
from kilonova.duty.orphaned_ports import orphaned_ports
from kilonova.duty.spent_records import spent_records
from kilonova.duty.unaccepted import Unaccepted
from kilonova.duty.unconfirmed_resizes import unconfirmed_resizes
from kilonova.model.caller import Caller
from kilonova.model.ids import SagaId
from kilonova.model.time import Timestamp
from kilonova.saga.begin import begin

AUDIT_S = 600.0
MINUTE_S = 60.0
HOUR_S = 3600.0


class DutySettings(msgspec.Struct, frozen=True, kw_only=True):
    """In seconds, 0 for never: resize_confirm_window, instance_build_timeout and reclaim_instance_interval."""

    resize_confirm_window_s: float = 0
    instance_build_timeout_s: float = 0
    reclaim_interval_s: float = 0


def duties_of(world: World, settings: DutySettings, ring: Callable[[SagaId], None]) -> list[Duty]:
    """`ring` wakes a saga."""
    db, clock = world.db, world.clock

    async def begin_for_owner(work: Work, user_id: str, project_id: str) -> None:
        async with db.begin() as tx:
            await begin(
                tx,
                work,
                saga_id=SagaId(str(uuid.uuid4())),
                caller=_owner(user_id, project_id),
                request_id=f"req-{uuid.uuid4()}",
                clock=clock,
                ring=ring,
            )

    kept_s = settings.reclaim_interval_s
    window_s, timeout_s = settings.resize_confirm_window_s, settings.instance_build_timeout_s
    found = [
        Duty("orphaned allocations", AUDIT_S, lambda: orphaned_allocations(db, world.placement)),
        Duty("orphaned ports", AUDIT_S, lambda: orphaned_ports(db, world.neighbours)),
        Duty("unaccepted", AUDIT_S, Unaccepted(db, world.neighbours).look),
        Duty("spent records", HOUR_S, lambda: spent_records(db, clock)),
        Duty(
            "unconfirmed resizes",
            min(MINUTE_S, window_s),
            lambda: unconfirmed_resizes(db, clock, window_s=window_s, begin=begin_for_owner),
        ),
        Duty(
            "deleted servers",
            min(MINUTE_S, kept_s),
            lambda: deleted_servers(db, clock, interval_s=kept_s, begin=begin_for_owner),
        ),
        Duty("late builds", min(MINUTE_S, timeout_s), lambda: late_builds(db, clock, timeout_s=timeout_s, ring=ring)),
    ]
    # Of those that an operator may switch off.
    return [duty for duty in found if duty.every_s]


def _owner(user_id: str, project_id: str) -> Caller:
    """The server's owner, in whose name the server goes on."""
    return Caller(
        user_id=user_id,
        user_name="",
        project_id=project_id,
        project_name="",
        roles=frozenset(),
        expires_at=Timestamp("9999-12-31T23:59:59.999999"),
        token="",
    )
