"""Every operation on a server in every state and task it may be in, locked, without a host, and never launched."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from kilonova.db.statement import insert_into
from kilonova.db.tables.servers import block_devices
from kilonova.model.server import TaskState, VmState
from tests.api.cloud import Cloud
from tests.api.hosts import put_host
from tests.api.neighbours import FREE_PORT, PRIVATE, SECOND, Held, Volume
from tests.api.rows import put_servers
from tests.api.test_server_create import make_image

_STATES = (
    VmState.ACTIVE, VmState.BUILDING, VmState.PAUSED, VmState.SUSPENDED, VmState.STOPPED, VmState.RESCUED,
    VmState.RESIZED, VmState.SOFT_DELETED, VmState.ERROR, VmState.SHELVED, VmState.SHELVED_OFFLOADED,
)  # fmt: skip

# Source: Nova's decorators (surface, part b). Which of `_STATES`, in their order, take the operation (+); the tasks it
# may be in (`any`, `idle`, others); whether a lock keeps its project out (L), and it needs a launched server (S) or
# one with a host (H); and the word for it in refusals.
TABLE = """
os-start               ----+------  idle       LSH  start
os-stop                +-------+--  idle       LSH  stop
reboot SOFT            +----------  idle       LS   reboot
reboot HARD            +-+++---+--  rebooting  LS   reboot
pause                  +----------  idle       LS   pause
unpause                --+--------  idle       LS   unpause
suspend                +----------  idle       LS   suspend
resume                 ---+-------  idle       LS   resume
rebuild                +---+---+--  idle       LS   rebuild
resize                 +---+------  idle       LS   resize
migrate                +---+------  idle       S    migrate
confirmResize          ------+----  idle       LS   confirmResize
revertResize           ------+----  idle       LS   revertResize
shelve                 +-+++------  idle       LS   shelve
shelveOffload          ---------+-  idle       S    shelveOffload
unshelve               ---------++  idle       LS   unshelve
rescue                 +---+---+--  idle       LS   rescue
unrescue               -----+-----  idle       LS   unrescue
createImage            +-+++------  idle       S    createImage
createBackup           +-+++------  idle       S    createBackup
changePassword         +----------  idle       LS   changePassword
trigger_crash_dump     +-+--++-+--  idle       LSH  trigger_crash_dump
os-migrateLive         +-+--------  idle       S    os-migrateLive
force_complete         +----------  migrating  S    force_complete
abort                  +++++++++++  migrating  S    abort live migration
evacuate               +---+---+--  any        SH   evacuate
attach volume          +-+-+-++-++  idle       LS   attach_volume
detach volume          +-+-+-++-++  idle       LS   detach_volume
swap volume            +-+---+----  idle       S    swap_volume
attach interface       +-+-+------  idle       LS   attach_interface
detach interface       +-+-+------  idle       LS   detach_interface
metadata update        +-+++------  any        LS   update metadata
metadata delete        +-+++------  any        LS   delete metadata
tags                   +-+++------  any        .    update tags
delete                 +++++++++++  any        L    delete
forceDelete            +++++++++++  any        L    forceDelete
restore                -------+---  idle       LS   restore
addFixedIp             +++++++++++  any        L    -
removeFixedIp          +++++++++++  any        L    -
injectNetworkInfo      +++++++++++  any        .    -
console                +++++++++++  console    H    get_console
os-getConsoleOutput    +++++++++++  any        H    -
diagnostics            +++++++++++  any        H    -
"""
_TASKS: dict[str, set[str | None]] = {
    "idle": {None},
    "any": {None, *TaskState},
    "migrating": {TaskState.MIGRATING},
    "console": {None, *TaskState} - {TaskState.DELETING, TaskState.MIGRATING},
    "rebooting": {
        None, TaskState.REBOOTING, TaskState.REBOOT_PENDING, TaskState.REBOOT_STARTED, TaskState.RESUMING,
        TaskState.REBOOTING_HARD, TaskState.UNPAUSING, TaskState.PAUSING, TaskState.SUSPENDING,
    },
}  # fmt: skip

_OLD, _NEW, _MAPPING = PRIVATE, SECOND, FREE_PORT
_BODIES: dict[str, Any] = {
    "reboot SOFT": {"type": "SOFT"},
    "reboot HARD": {"type": "HARD"},
    "resize": {"flavorRef": "3"},
    "createImage": {"name": "copy"},
    "createBackup": {"name": "copy", "backup_type": "daily", "rotation": 1},
    "changePassword": {"adminPass": "secret"},
    "os-migrateLive": {"host": None, "block_migration": "auto"},
    "evacuate": {},
    "addFixedIp": {"networkId": PRIVATE},
    "removeFixedIp": {"address": "10.0.0.9"},
    "os-getConsoleOutput": {},
}
_OTHER_WAYS: dict[str, tuple[str, str, Any]] = {
    "force_complete": ("POST", "migrations/1/action", {"force_complete": None}),
    "abort": ("DELETE", "migrations/1", None),
    "attach volume": ("POST", "os-volume_attachments", {"volumeAttachment": {"volumeId": _NEW}}),
    "detach volume": ("DELETE", f"os-volume_attachments/{_OLD}", None),
    "swap volume": ("PUT", f"os-volume_attachments/{_OLD}", {"volumeAttachment": {"volumeId": _NEW}}),
    "attach interface": ("POST", "os-interface", {"interfaceAttachment": {"net_id": PRIVATE}}),
    "detach interface": ("DELETE", f"os-interface/{FREE_PORT}", None),
    "metadata update": ("POST", "metadata", {"metadata": {"a": "b"}}),
    "metadata delete": ("DELETE", "metadata/My%20Server%20Name", None),
    "tags": ("PUT", "tags/blue", None),
    "delete": ("DELETE", "", None),
    "console": ("POST", "remote-consoles", {"remote_console": {"protocol": "vnc", "type": "novnc"}}),
    "diagnostics": ("GET", "diagnostics", None),
}
_ADMINS = {"migrate", "os-migrateLive", "force_complete", "abort", "evacuate", "shelveOffload", "swap volume",
           "injectNetworkInfo", "diagnostics"}  # fmt: skip
_OLDER = {"addFixedIp": "2.43", "removeFixedIp": "2.43"}


def _rows() -> Iterator[Any]:
    for line in TABLE.strip().splitlines():
        operation, rest = line[:23].strip(), line[23:].split(maxsplit=3)
        states, tasks, marks, word = rest
        yield pytest.param(operation, states, _TASKS[tasks], marks, word, id=operation)


class Asker:
    """Asks for one operation of servers made for it."""

    def __init__(self, cloud: Cloud, operation: str, image: str) -> None:
        self._cloud = cloud
        self._operation = operation
        self._image = image

    async def server(self, **columns: Any) -> str:
        (server,) = await put_servers(self._cloud.db, columns)
        if "volume" in self._operation:
            device = {"id": server, "server_id": server, "source_type": "volume", "destination_type": "volume"}
            async with self._cloud.db.begin() as tx:
                await tx.execute(insert_into(block_devices), volume_id=_OLD, created_at="2026", **device)
            held = Held(server)
            self._cloud.volumes.known[_OLD] = Volume(_OLD, "in-use", migration_status="migrating", attachments=(held,))
            self._cloud.volumes.known[_NEW] = Volume(_NEW, migration_status=f"target:{_OLD}")
        return server

    async def ask(self, server: str) -> httpx.Response:
        operation = self._operation
        more = {
            "role": "admin" if operation in _ADMINS else "member",
            "version": _OLDER.get(operation, "2.95"),
        }
        if operation in _OTHER_WAYS:
            method, path, body = _OTHER_WAYS[operation]
            path = f"/servers/{server}/{path}".rstrip("/")
            return await self._cloud.call(method, path, **more, **({} if body is None else {"json": body}))
        body = {"imageRef": self._image} if operation == "rebuild" else _BODIES.get(operation)
        return await self._cloud.post(f"/servers/{server}/action", {operation.split()[0]: body}, **more)


def refusal(answer: httpx.Response) -> str | None:
    """Why the server is not in a state for it; None where it is, whatever else is said."""
    if answer.status_code != 409:
        return None
    message = str(answer.json()["conflictingRequest"]["message"])
    return message if " while it is in " in message or message.endswith((" is locked", " is not ready")) else None


@pytest.fixture
async def image(cloud: Cloud) -> str:
    await put_host(cloud.db, "host1")
    return await make_image(cloud)


@pytest.mark.parametrize(("operation", "states", "tasks", "marks", "word"), list(_rows()))
async def test_it_is_taken_where_the_table_says_so_and_refused_elsewhere(
    cloud: Cloud, image: str, operation: str, states: str, tasks: set[str | None], marks: str, word: str
) -> None:
    asker = Asker(cloud, operation, image)
    taken = [state for state, mark in zip(_STATES, states, strict=True) if mark == "+"]
    task = None if None in tasks else next(iter(tasks))

    async def hears(**columns: Any) -> str | None:
        row = {"vm_state": taken[0].value, "task_state": task} | columns
        server = await asker.server(**row)
        message = refusal(await asker.ask(server))
        return None if message is None else message.replace(server, "SERVER")

    def said(attribute: str, value: object) -> str:
        return f"Cannot '{word}' instance SERVER while it is in {attribute} {value}"

    for state in _STATES:
        expected = None if state in taken else said("vm_state", state.value)
        assert await hears(vm_state=state.value) == expected
    for other in (None, *TaskState):
        expected = None if other in tasks else said("task_state", other)
        assert await hears(task_state=other) == expected
    if operation not in _ADMINS:
        assert await hears(locked_by="owner") == ("Instance SERVER is locked" if "L" in marks else None)
    assert await hears(host=None) == ("Instance SERVER is not ready" if "H" in marks else None)
    assert await hears(launched_at=None) == (said("launched_at", None) if "S" in marks else None)
    gone = await asker.server(vm_state="deleted", deleted=1)
    assert (await asker.ask(gone)).status_code == 404
