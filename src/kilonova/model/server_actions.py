"""Which action a server takes in which state, and what is said when it does not. Source: Nova's surface, part b."""

from dataclasses import dataclass
from typing import Protocol

from kilonova.model.errors import Conflict
from kilonova.model.server import TaskState, VmState

_V = VmState
_T = TaskState

ANY_STATE = frozenset(_V) - {_V.DELETED}
ANY_TASK: frozenset[str | None] | None = None
IDLE: frozenset[str | None] = frozenset({None})


@dataclass(frozen=True, slots=True)
class Rule:
    """`tasks` None allows any; `locks`: a lock keeps non-admins out; `launched`: it ran once; `host`: it has one."""

    action: str
    states: frozenset[VmState]
    tasks: frozenset[str | None] | None = IDLE
    locks: bool = True
    launched: bool = True
    host: bool = False


def _rule(action: str, *states: VmState, **more: object) -> tuple[str, Rule]:
    return action, Rule(action, frozenset(states), **more)  # type: ignore[arg-type]


_HARD_REBOOT_TASKS = frozenset(
    {
        None,
        _T.REBOOTING,
        _T.REBOOT_PENDING,
        _T.REBOOT_STARTED,
        _T.RESUMING,
        _T.REBOOTING_HARD,
        _T.UNPAUSING,
        _T.PAUSING,
        _T.SUSPENDING,
    }
)
_RUNS_OR_RESTS = (_V.ACTIVE, _V.PAUSED, _V.SUSPENDED, _V.STOPPED)
_TAKES_VOLUMES = (_V.ACTIVE, _V.PAUSED, _V.STOPPED, _V.RESIZED, _V.SOFT_DELETED, _V.SHELVED, _V.SHELVED_OFFLOADED)

RULES: dict[str, Rule] = dict(
    (
        _rule("start", _V.STOPPED, host=True),
        _rule("stop", _V.ACTIVE, _V.ERROR, host=True),
        _rule("reboot", _V.ACTIVE),
        _rule("reboot_hard", _V.ACTIVE, _V.PAUSED, _V.SUSPENDED, _V.STOPPED, _V.ERROR, tasks=_HARD_REBOOT_TASKS),
        _rule("pause", _V.ACTIVE),
        _rule("unpause", _V.PAUSED),
        _rule("suspend", _V.ACTIVE),
        _rule("resume", _V.SUSPENDED),
        _rule("rebuild", _V.ACTIVE, _V.STOPPED, _V.ERROR),
        _rule("resize", _V.ACTIVE, _V.STOPPED),
        _rule("migrate", _V.ACTIVE, _V.STOPPED),
        _rule("confirmResize", _V.RESIZED),
        _rule("revertResize", _V.RESIZED),
        _rule("shelve", *_RUNS_OR_RESTS),
        _rule("shelveOffload", _V.SHELVED),
        _rule("unshelve", _V.SHELVED, _V.SHELVED_OFFLOADED),
        _rule("rescue", _V.ACTIVE, _V.STOPPED, _V.ERROR),
        _rule("unrescue", _V.RESCUED),
        _rule("createImage", *_RUNS_OR_RESTS, locks=False),
        _rule("createBackup", *_RUNS_OR_RESTS, locks=False),
        _rule("changePassword", _V.ACTIVE),
        _rule("trigger_crash_dump", _V.ACTIVE, _V.PAUSED, _V.RESCUED, _V.RESIZED, _V.ERROR, host=True),
        _rule("os-migrateLive", _V.ACTIVE, _V.PAUSED),
        _rule("force_complete", _V.ACTIVE, tasks=frozenset({_T.MIGRATING})),
        _rule("abort live migration", *ANY_STATE, tasks=frozenset({_T.MIGRATING})),
        _rule("evacuate", _V.ACTIVE, _V.STOPPED, _V.ERROR, tasks=ANY_TASK, locks=False),
        _rule("attach_volume", *_TAKES_VOLUMES),
        _rule("detach_volume", *_TAKES_VOLUMES),
        _rule("swap_volume", _V.ACTIVE, _V.PAUSED, _V.RESIZED),
        _rule("attach_interface", _V.ACTIVE, _V.PAUSED, _V.STOPPED),
        _rule("detach_interface", _V.ACTIVE, _V.PAUSED, _V.STOPPED),
        _rule("update metadata", *_RUNS_OR_RESTS, tasks=ANY_TASK),
        _rule("delete metadata", *_RUNS_OR_RESTS, tasks=ANY_TASK),
        _rule("delete", *ANY_STATE, tasks=ANY_TASK, launched=False),
        _rule("forceDelete", *ANY_STATE, tasks=ANY_TASK, launched=False),
        _rule("restore", _V.SOFT_DELETED),
        _rule("injectNetworkInfo", *ANY_STATE, tasks=ANY_TASK, launched=False),
        _rule("update tags", *_RUNS_OR_RESTS, tasks=ANY_TASK, locks=False, launched=False),
        _rule("console", *ANY_STATE, tasks=frozenset({None, *_T} - {_T.DELETING, _T.MIGRATING}), locks=False,
              launched=False, host=True),
        _rule("os-getConsoleOutput", *ANY_STATE, tasks=ANY_TASK, locks=False, launched=False, host=True),
        _rule("diagnostics", *ANY_STATE, tasks=ANY_TASK, locks=False, launched=False, host=True),
    )
)  # fmt: skip


class Stateful(Protocol):
    """What a check looks at."""

    @property
    def id(self) -> str: ...
    @property
    def vm_state(self) -> str: ...
    @property
    def task_state(self) -> str | None: ...
    @property
    def launched_at(self) -> str | None: ...
    @property
    def host(self) -> str | None: ...
    @property
    def locked_by(self) -> str | None: ...


class WrongState(Conflict):
    """`attribute` is vm_state, task_state or launched_at."""

    def __init__(self, server_id: str, action: str, attribute: str, value: str | None) -> None:
        super().__init__(f"Cannot '{action}' instance {server_id} while it is in {attribute} {value}")
        self.server_id = server_id


class Locked(Conflict):
    def __init__(self, server_id: str) -> None:
        super().__init__(f"Instance {server_id} is locked")
        self.server_id = server_id


class NotReady(Conflict):
    """It has no host (yet, or any more)."""

    def __init__(self, server_id: str) -> None:
        super().__init__(f"Instance {server_id} is not ready")
        self.server_id = server_id


def check(action: str, server: Stateful, *, admin: bool, shown_as: str | None = None) -> None:
    """Whether `server` takes `action` (a key of RULES) now; the message names it `shown_as`.

    Errors: Locked, WrongState, NotReady.
    """
    rule = RULES[action]
    name = shown_as or rule.action
    if rule.locks and server.locked_by is not None and not admin:
        raise Locked(server.id)
    if rule.host and not server.host:
        raise NotReady(server.id)
    if server.vm_state not in rule.states:
        raise WrongState(server.id, name, "vm_state", server.vm_state)
    if rule.tasks is not None and server.task_state not in rule.tasks:
        raise WrongState(server.id, name, "task_state", server.task_state)
    if rule.launched and server.launched_at is None:
        raise WrongState(server.id, name, "launched_at", None)
