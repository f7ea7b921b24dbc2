"""A host emptied: out of the scheduler's sight first, then server by server, a few at a time.

Nothing is remembered here: begun again after an interruption, it finds the host in maintenance, waits for moves that
go on and takes up the rest.
"""

import asyncio
from collections.abc import Callable

import msgspec

from kilonova.aio.clock import Clock
from kilonova.upkeep.admin import Admin
from kilonova.upkeep.moving import Outcome, confirm, move
from kilonova.upkeep.servers import ServerRecord, server, servers_on, unconfirmed_from
from kilonova.upkeep.services import HostService, disable

# Of a drain that waits: when it tries again what could not be moved.
AGAIN_S = 20.0
OFFLOADED = frozenset({"SHELVED_OFFLOADED", "DELETED", "SOFT_DELETED"})


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """`server` is None for what concerns the host itself; `outcome` once there is one."""

    words: str
    server: ServerRecord | None = None
    outcome: Outcome | None = None


Tell = Callable[[Progress], None]


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """`left`: what is still there, by its last outcome. Empty when nothing is."""

    host: str
    moved: tuple[Outcome, ...]
    left: tuple[Outcome, ...]

    @property
    def empty(self) -> bool:
        return not self.left


async def drain(
    admin: Admin,
    clock: Clock,
    service: HostService,
    tell: Tell,
    *,
    reason: str,
    at_once: int,
    wait: bool,
    again_s: float = AGAIN_S,
) -> Drained:
    """Ends when the host is empty or nothing more can be moved; `wait`: only when empty, trying again now and then."""
    await disable(admin, service, reason)
    tell(Progress(words=f"{service.host} takes no more servers"))
    moved: dict[str, Outcome] = {}
    while True:
        outcomes = await _round(admin, clock, service.host, tell, at_once)
        moved.update({one.server.id: one for one in outcomes if one.moved})
        left = tuple(one for one in outcomes if not one.moved)
        came = [one for one in await _here(admin, service.host) if one.id not in {two.server.id for two in left}]
        if not left and not came:
            return Drained(host=service.host, moved=tuple(moved.values()), left=())
        if not wait and not came:
            return Drained(host=service.host, moved=tuple(moved.values()), left=left)
        if not came:
            tell(Progress(words=f"{len(left)} cannot be moved yet; trying again in {again_s:.0f} s"))
            await clock.sleep(again_s)


async def _here(admin: Admin, host: str) -> list[ServerRecord]:
    return [one for one in await servers_on(admin, host) if one.status not in OFFLOADED]


async def _round(admin: Admin, clock: Clock, host: str, tell: Tell, at_once: int) -> list[Outcome]:
    """Everything that is there now, once; `at_once` at a time."""
    turns = asyncio.Semaphore(at_once)

    async def one_of(record: ServerRecord) -> Outcome:
        async with turns:
            outcome = await move(admin, clock, record, lambda seen, words: tell(Progress(words=words, server=seen)))
            tell(Progress(words="", server=outcome.server, outcome=outcome))
            return outcome

    here = await _here(admin, host)
    for record in here:
        tell(Progress(words="to be moved", server=record))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one_of(record)) for record in here]
    return [task.result() for task in tasks] + await _confirmed(admin, clock, host, tell)


async def _confirmed(admin: Admin, clock: Clock, host: str, tell: Tell) -> list[Outcome]:
    """Moves off this host that an interrupted drain left to be confirmed; users' own resizes are theirs to decide."""
    found = []
    for unconfirmed in await unconfirmed_from(admin, host):
        record = await server(admin, unconfirmed.instance_uuid)
        if record is None or record.status != "VERIFY_RESIZE":
            continue
        if unconfirmed.kind == "resize":
            why = "resized away, but its user has neither confirmed nor reverted that"
            outcome = Outcome(server=record, how="resize", why=why)
        else:
            await confirm(admin, clock, record)
            outcome = Outcome(server=record, how="cold", to=record.host)
        tell(Progress(words="", server=record, outcome=outcome))
        found.append(outcome)
    return found
