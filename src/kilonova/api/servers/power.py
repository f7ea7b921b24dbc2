"""Actions that are one order to the server's host: power, pause, suspend, password, crash dump."""

from collections.abc import Awaitable, Callable

from kilonova.api.request import Request
from kilonova.api.servers.acting import acting
from kilonova.contract import work
from kilonova.model.ids import ServerId
from kilonova.model.server import TaskState

Handler = Callable[[Request], Awaitable[None]]


def _ordered(action: str, task: TaskState, make: Callable[[ServerId], work.Work]) -> Handler:
    async def handle(request: Request) -> None:
        async with acting(request, action) as it:
            await it.begin(make(it.server.id), task)

    return handle


start = _ordered("start", TaskState.POWERING_ON, lambda server_id: work.StartServer(server_id=server_id))
stop = _ordered("stop", TaskState.POWERING_OFF, lambda server_id: work.StopServer(server_id=server_id))
pause = _ordered("pause", TaskState.PAUSING, lambda server_id: work.PauseServer(server_id=server_id))
unpause = _ordered("unpause", TaskState.UNPAUSING, lambda server_id: work.UnpauseServer(server_id=server_id))
suspend = _ordered("suspend", TaskState.SUSPENDING, lambda server_id: work.SuspendServer(server_id=server_id))
resume = _ordered("resume", TaskState.RESUMING, lambda server_id: work.ResumeServer(server_id=server_id))
unrescue = _ordered("unrescue", TaskState.UNRESCUING, lambda server_id: work.UnrescueServer(server_id=server_id))


async def reboot(request: Request) -> None:
    hard = request.body["reboot"]["type"].upper() == "HARD"
    async with acting(request, "reboot_hard" if hard else "reboot", shown_as="reboot") as it:
        task = TaskState.REBOOTING_HARD if hard else TaskState.REBOOTING
        # A hard reboot is what helps against a soft one (or a pause …) that does not come to an end.
        stuck = hard and it.server.task_state is not None
        await it.begin(work.RebootServer(server_id=it.server.id, hard=hard), task, preempt=stuck)


async def change_password(request: Request) -> None:
    password = request.body["changePassword"]["adminPass"]
    async with acting(request, "changePassword") as it:
        await it.begin(work.SetServerPassword(server_id=it.server.id, password=password), TaskState.UPDATING_PASSWORD)


async def trigger_crash_dump(request: Request) -> None:
    async with acting(request, "trigger_crash_dump") as it:
        await it.begin(work.DumpServer(server_id=it.server.id))
