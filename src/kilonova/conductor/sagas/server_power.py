"""Sagas of one order: start, stop, reboot, pause, unpause, suspend, resume, password, crash dump.

Each changes nothing but the guest. What turns a guest's state is undone by what turns it back, so that record and guest
agree whatever happened: the host may have done it and failed to say so.
"""

from typing import Any

from kilonova.conductor.world import World
from kilonova.contract import compute, work
from kilonova.contract.compute import Facts, Order
from kilonova.db.database import Transaction
from kilonova.db.repository import server_state
from kilonova.model.errors import KilonovaError
from kilonova.saga.saga import HostOrder, Make, Run, Saga


async def on_its_host(run: Run[Any, World], kind: type[Order], **more: Any) -> HostOrder:
    """An order for the host the server is on. Errors: ServerNotFound."""
    server = await server_state.state_of(run.world.db, run.params.server_id)
    assert server.host is not None, "the api lets nothing through for a server without a host"
    return HostOrder(server.host, run.order(kind, **more))


async def leave_as_it_was(tx: Transaction, run: Run[Any, World], error: KilonovaError) -> None:
    """The task is over and nothing changed; the action's event says why."""
    await server_state.change(tx, run.params.server_id, run.world.clock.now(), task_state=None)


def _one_order(
    params: type[work.Work],
    kind: type[Order],
    *,
    shows: str,
    event: str,
    vm_state: str | None,
    back: type[Order] | None = None,
) -> Saga[Any, World]:
    """`back` is the order that turns it back: one that is happy with a guest that never left its state."""
    saga: Saga[Any, World] = Saga(params)

    @saga.order(shows=shows, event=event)
    async def order(run: Run[Any, World]) -> HostOrder:
        return await on_its_host(run, kind, **_arguments(run))

    @order.record
    async def record(tx: Transaction, run: Run[Any, World], facts: Facts) -> None:
        changes: dict[str, Any] = {"task_state": None}
        if facts.power_state is not None:
            changes["power_state"] = facts.power_state
        if vm_state is not None:
            changes["vm_state"] = vm_state
        await server_state.change(tx, run.params.server_id, run.world.clock.now(), **changes)

    if back is not None:
        order.undo_order(_turning_back(back))
    saga.fail(leave_as_it_was)
    return saga


def _turning_back(back: type[Order]) -> Make[Any, World]:
    async def turn_back(run: Run[Any, World]) -> HostOrder | None:
        # Before a delete the guest may be as it likes.
        return None if run.cancelled else await on_its_host(run, back)

    return turn_back


def _arguments(run: Run[Any, World]) -> dict[str, Any]:
    match run.params:
        case work.StopServer():
            return {"grace_s": run.world.shutdown_timeout_s}
        case work.RebootServer(hard=hard):
            return {"hard": hard, "grace_s": run.world.shutdown_timeout_s}
        case work.SetServerPassword(password=password):
            return {"password": password}
        case _:
            return {}


server_start = _one_order(
    work.StartServer,
    compute.PowerOn,
    shows="powering-on",
    event="compute_start_instance",
    vm_state="active",
    back=compute.PowerOff,
)
server_stop = _one_order(
    work.StopServer,
    compute.PowerOff,
    shows="powering-off",
    event="compute_stop_instance",
    vm_state="stopped",
    back=compute.PowerOn,
)
server_pause = _one_order(
    work.PauseServer,
    compute.Pause,
    shows="pausing",
    event="compute_pause_instance",
    vm_state="paused",
    back=compute.Unpause,
)
server_unpause = _one_order(
    work.UnpauseServer,
    compute.Unpause,
    shows="unpausing",
    event="compute_unpause_instance",
    vm_state="active",
    back=compute.Pause,
)
server_suspend = _one_order(
    work.SuspendServer,
    compute.Suspend,
    shows="suspending",
    event="compute_suspend_instance",
    vm_state="suspended",
    back=compute.Resume,
)
server_resume = _one_order(
    work.ResumeServer,
    compute.Resume,
    shows="resuming",
    event="compute_resume_instance",
    vm_state="active",
    back=compute.Suspend,
)
server_set_password = _one_order(
    work.SetServerPassword,
    compute.SetPassword,
    shows="updating_password",
    event="compute_set_admin_password",
    vm_state=None,
)

server_crash_dump: Saga[work.DumpServer, World] = Saga(work.DumpServer)


@server_crash_dump.order(event="compute_trigger_crash_dump")
async def dump(run: Run[work.DumpServer, World]) -> HostOrder:
    """Shows no task_state, as in Nova."""
    return await on_its_host(run, compute.CrashDump)


server_reboot: Saga[work.RebootServer, World] = Saga(work.RebootServer)


@server_reboot.order(event="compute_reboot_instance")
async def reboot(run: Run[work.RebootServer, World]) -> HostOrder:
    """The api has set `rebooting` or `rebooting_hard`; a guest that does not react is rebooted hard by its host."""
    return await on_its_host(run, compute.Reboot, **_arguments(run))


@reboot.record
async def running_again(tx: Transaction, run: Run[work.RebootServer, World], facts: Facts) -> None:
    now = run.world.clock.now()
    if facts.vifs is not None:
        await server_state.record_vifs(tx, run.params.server_id, now, facts.vifs)
    await server_state.change(tx, run.params.server_id, now, vm_state="active", task_state=None, power_state=1)


server_reboot.fail(leave_as_it_was)
