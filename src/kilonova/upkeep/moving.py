"""One server to another host: live where it runs and can, else cold, until it is there or it is clear why not."""

from collections.abc import Callable

import msgspec

from kilonova.aio.clock import Clock
from kilonova.model.errors import BadRequest, Conflict, KilonovaError, NotFound, NotSupported
from kilonova.upkeep.admin import Admin
from kilonova.upkeep.servers import ServerRecord, last_words, newest_move, server

# How often we look. There is no bell for whoever speaks REST only.
PAUSE_S = 0.25
# A move that has not ended by then is left to itself, and told of.
PATIENCE_S = 3600.0

LIVE, COLD = "live", "cold"
RUNNING = frozenset({"ACTIVE", "PAUSED"})
STOPPED = frozenset({"SHUTOFF"})
# What passes by itself.
PASSING = frozenset({"BUILD", "REBOOT", "HARD_REBOOT", "REBUILD", "MIGRATING", "RESIZE", "REVERT_RESIZE", "PASSWORD"})


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """`to` is where the server is now, empty when it is gone, None when it is where it was, for the reason in `why`."""

    server: ServerRecord
    how: str = ""
    to: str | None = None
    why: str = ""

    @property
    def moved(self) -> bool:
        return self.to is not None


Tell = Callable[[ServerRecord, str], None]


async def move(admin: Admin, clock: Clock, one: ServerRecord, tell: Tell, *, to: str | None = None) -> Outcome:
    """Move a server off the host it is on; `to`: where to, else wherever the scheduler says. Never raises."""
    try:
        return await _moved(admin, clock, one, tell, to)
    except KilonovaError as error:
        return Outcome(server=one, why=error.message)


async def _moved(admin: Admin, clock: Clock, one: ServerRecord, tell: Tell, to: str | None) -> Outcome:
    source = one.host
    settled = await _settled(admin, clock, one, tell)
    if settled is None:
        return Outcome(server=one, how="deleted", to="")
    if settled.host != source:
        return Outcome(server=settled, how="gone already", to=settled.host)
    refused = ""
    if settled.status in RUNNING:
        outcome = await _try(admin, clock, settled, LIVE, tell, to)
        if outcome.moved or not _helps_cold(outcome.why) or settled.status != "ACTIVE":
            return outcome
        refused = f"live: {outcome.why}; cold: "
    if settled.status in RUNNING | STOPPED:
        outcome = await _try(admin, clock, settled, COLD, tell, to)
        return outcome if outcome.moved else msgspec.structs.replace(outcome, why=refused + outcome.why)
    return Outcome(server=settled, why=f"in status {settled.status} a server cannot be moved")


def _helps_cold(why: str) -> bool:
    """Where no host has room, none has for a stopped one either."""
    return "No valid host" not in why


async def _settled(admin: Admin, clock: Clock, one: ServerRecord, tell: Tell) -> ServerRecord | None:
    """Once nothing is being done with it; None when it is gone."""
    until = clock.time() + PATIENCE_S
    found: ServerRecord | None = one
    while found is not None and (found.task is not None or found.status in PASSING):
        tell(found, f"waiting: {found.task or found.status}")
        if clock.time() > until:
            return found
        await clock.sleep(PAUSE_S)
        found = await server(admin, one.id)
    return found


async def _try(admin: Admin, clock: Clock, one: ServerRecord, how: str, tell: Tell, to: str | None) -> Outcome:
    tell(one, how)
    try:
        await _ask(admin, one, how, to)
    except (BadRequest, Conflict, NotSupported) as error:
        return Outcome(server=one, how=how, why=error.message)
    except NotFound:
        return Outcome(server=one, how="deleted", to="")
    after = await _settled(admin, clock, (await server(admin, one.id)) or one, lambda record, words: None)
    if after is None:
        return Outcome(server=one, how="deleted", to="")
    if after.host == one.host:
        return Outcome(server=after, how=how, why=await _reason(admin, after))
    if after.status == "VERIFY_RESIZE":
        tell(after, "confirming")
        await confirm(admin, clock, after)
    return Outcome(server=after, how=how, to=after.host)


async def _ask(admin: Admin, one: ServerRecord, how: str, to: str | None) -> None:
    body = {"os-migrateLive": {"host": to, "block_migration": "auto"}} if how == LIVE else {"migrate": _cold(to)}
    await admin.compute("POST", f"/servers/{one.id}/action", json=body)


def _cold(to: str | None) -> dict[str, str] | None:
    return None if to is None else {"host": to}


async def confirm(admin: Admin, clock: Clock, one: ServerRecord) -> None:
    """Give up the old place; done when the server is no longer to be verified."""
    await admin.compute("POST", f"/servers/{one.id}/action", json={"confirmResize": None})
    until = clock.time() + PATIENCE_S
    while clock.time() < until:
        found = await server(admin, one.id)
        if found is None or (found.task is None and found.status != "VERIFY_RESIZE"):
            return
        await clock.sleep(PAUSE_S)


async def _reason(admin: Admin, one: ServerRecord) -> str:
    words = await last_words(admin, one.id)
    if words:
        return words
    newest = await newest_move(admin, one.id)
    return f"its move ended as {newest.status}" if newest is not None else "it did not move, and nothing says why"
