"""A server: its record, its states, and the status clients see."""

import hashlib
from enum import StrEnum
from functools import lru_cache

import msgspec

from kilonova.model.errors import NotFound
from kilonova.model.ids import HostName, ServerId
from kilonova.model.time import Timestamp


class VmState(StrEnum):
    """Where a server is; values as OS-EXT-STS:vm_state shows them."""

    ACTIVE = "active"
    BUILDING = "building"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    RESCUED = "rescued"
    RESIZED = "resized"
    SOFT_DELETED = "soft-delete"
    DELETED = "deleted"
    ERROR = "error"
    SHELVED = "shelved"
    SHELVED_OFFLOADED = "shelved_offloaded"


class TaskState(StrEnum):
    """What is being done to a server; values as OS-EXT-STS:task_state shows them."""

    SCHEDULING = "scheduling"
    NETWORKING = "networking"
    BLOCK_DEVICE_MAPPING = "block_device_mapping"
    SPAWNING = "spawning"
    IMAGE_SNAPSHOT_PENDING = "image_snapshot_pending"
    IMAGE_SNAPSHOT = "image_snapshot"
    IMAGE_PENDING_UPLOAD = "image_pending_upload"
    IMAGE_UPLOADING = "image_uploading"
    IMAGE_BACKUP = "image_backup"
    UPDATING_PASSWORD = "updating_password"
    RESIZE_PREP = "resize_prep"
    RESIZE_MIGRATING = "resize_migrating"
    RESIZE_MIGRATED = "resize_migrated"
    RESIZE_FINISH = "resize_finish"
    RESIZE_REVERTING = "resize_reverting"
    REBOOTING = "rebooting"
    REBOOT_PENDING = "reboot_pending"
    REBOOT_STARTED = "reboot_started"
    REBOOTING_HARD = "rebooting_hard"
    REBOOT_PENDING_HARD = "reboot_pending_hard"
    REBOOT_STARTED_HARD = "reboot_started_hard"
    PAUSING = "pausing"
    UNPAUSING = "unpausing"
    SUSPENDING = "suspending"
    RESUMING = "resuming"
    POWERING_OFF = "powering-off"
    POWERING_ON = "powering-on"
    RESCUING = "rescuing"
    UNRESCUING = "unrescuing"
    REBUILDING = "rebuilding"
    REBUILD_BLOCK_DEVICE_MAPPING = "rebuild_block_device_mapping"
    REBUILD_SPAWNING = "rebuild_spawning"
    MIGRATING = "migrating"
    DELETING = "deleting"
    SOFT_DELETING = "soft-deleting"
    RESTORING = "restoring"
    SHELVING = "shelving"
    SHELVING_IMAGE_PENDING_UPLOAD = "shelving_image_pending_upload"
    SHELVING_IMAGE_UPLOADING = "shelving_image_uploading"
    SHELVING_OFFLOADING = "shelving_offloading"
    UNSHELVING = "unshelving"


# Status without a task (source: Nova's surface, "Server states").
_IDLE = {
    VmState.BUILDING: "BUILD",
    VmState.ACTIVE: "ACTIVE",
    VmState.PAUSED: "PAUSED",
    VmState.SUSPENDED: "SUSPENDED",
    VmState.STOPPED: "SHUTOFF",
    VmState.RESCUED: "RESCUE",
    VmState.RESIZED: "VERIFY_RESIZE",
    VmState.SOFT_DELETED: "SOFT_DELETED",
    VmState.DELETED: "DELETED",
    VmState.ERROR: "ERROR",
    VmState.SHELVED: "SHELVED",
    VmState.SHELVED_OFFLOADED: "SHELVED_OFFLOADED",
}

_T = TaskState
_REBUILD = (_T.REBUILDING, _T.REBUILD_BLOCK_DEVICE_MAPPING, _T.REBUILD_SPAWNING)
_RESIZE = (_T.RESIZE_PREP, _T.RESIZE_MIGRATING, _T.RESIZE_MIGRATED, _T.RESIZE_FINISH)

# Pairs that show something else while the task runs.
_BUSY: dict[tuple[str, str | None], str] = {
    **{(VmState.ACTIVE, task): "REBOOT" for task in (_T.REBOOTING, _T.REBOOT_PENDING, _T.REBOOT_STARTED)},
    **{
        (VmState.ACTIVE, task): "HARD_REBOOT"
        for task in (_T.REBOOTING_HARD, _T.REBOOT_PENDING_HARD, _T.REBOOT_STARTED_HARD)
    },
    (VmState.ACTIVE, _T.UPDATING_PASSWORD): "PASSWORD",
    **{(vm, task): "REBUILD" for vm in (VmState.ACTIVE, VmState.STOPPED, VmState.ERROR) for task in _REBUILD},
    **{(vm, _T.MIGRATING): "MIGRATING" for vm in (VmState.ACTIVE, VmState.PAUSED)},
    **{(vm, task): "RESIZE" for vm in (VmState.ACTIVE, VmState.STOPPED) for task in _RESIZE},
    (VmState.RESIZED, _T.RESIZE_REVERTING): "REVERT_RESIZE",
}

STATUSES = frozenset({*_IDLE.values(), *_BUSY.values(), "UNKNOWN"})
SHOWS_PROGRESS = frozenset({"ACTIVE", "BUILD", "REBUILD", "RESIZE", "VERIFY_RESIZE", "MIGRATING"})
SHOWS_FAULT = frozenset({"ERROR", "DELETED"})


def status_of(vm_state: str, task_state: str | None) -> str:
    """The status clients see for a pair of states; a deleted record is DELETED whatever its states."""
    busy = _BUSY.get((vm_state, task_state))
    return busy or _IDLE.get(vm_state, "UNKNOWN")  # type: ignore[call-overload]


def states_of(status: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The vm_states a status filter means, and the task_states with them (empty: any). Unknown status: both empty."""
    status = status.upper()
    pairs = [pair for pair, shown in _BUSY.items() if shown == status]
    idle = [str(vm) for vm, shown in _IDLE.items() if shown == status]
    if pairs:
        return tuple(sorted({vm for vm, _ in pairs})), tuple(sorted({task for _, task in pairs if task}))
    return tuple(idle), ()


@lru_cache(maxsize=4096)
def host_id(project_id: str, host: str | None) -> str:
    """What a project sees of the host: equal for its servers on one host, telling nothing else; '' without a host."""
    return hashlib.sha224((project_id + host).encode()).hexdigest() if host else ""


def instance_name(number: int) -> str:
    """The hypervisor's name of the guest ([DEFAULT]instance_name_template)."""
    return f"instance-{number:08x}"


class ServerNotFound(NotFound):
    def __init__(self, server_id: str) -> None:
        super().__init__(f"Instance {server_id} could not be found.")
        self.server_id = server_id


class Server(msgspec.Struct, frozen=True):
    """A server's record as answers need it; structured members stay JSON text, as they are stored and shown.

    `user_data` and `request_spec` are None where the reader did not ask for them: they can be long.
    """

    id: ServerId
    number: int
    project_id: str
    user_id: str
    name: str
    hostname: str
    description: str | None
    image_id: str | None
    flavor_id: str
    flavor: str
    key_name: str | None
    host: HostName | None
    node: str | None
    availability_zone: str | None
    pinned_zone: str | None
    reservation_id: str
    launch_index: int
    vm_state: str
    task_state: str | None
    power_state: int
    progress: int
    locked_by: str | None
    locked_reason: str | None
    config_drive: int
    disk_config: str
    access_ip_v4: str
    access_ip_v6: str
    metadata: str
    tags: str
    addresses: str
    volumes_attached: str
    security_groups: str
    fault: str | None
    hints: str
    trusted_certs: str | None
    group_id: str | None
    root_device_name: str
    created_at: Timestamp
    updated_at: Timestamp
    launched_at: Timestamp | None
    terminated_at: Timestamp | None
    deleted: int
    user_data: str | None
    request_spec: str | None

    @property
    def status(self) -> str:
        return "DELETED" if self.deleted else status_of(self.vm_state, self.task_state)

    @property
    def locked(self) -> bool:
        return self.locked_by is not None
