"""The sagas by name: what the api puts into the database when it has accepted something.

Each is the parameters of one workflow; the conductor has the definition of the same name.
"""

from typing import ClassVar

import msgspec

from kilonova.model.ids import ServerId


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """`saga` names the definition, `action` the instance action it shows as ('' for none)."""

    saga: ClassVar[str]
    action: ClassVar[str] = ""

    server_id: ServerId


class CreateServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_create"
    action: ClassVar[str] = "create"


class DeleteServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_delete"
    action: ClassVar[str] = "delete"


class StartServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_start"
    action: ClassVar[str] = "start"


class StopServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_stop"
    action: ClassVar[str] = "stop"


class RebootServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_reboot"
    action: ClassVar[str] = "reboot"

    hard: bool


class PauseServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_pause"
    action: ClassVar[str] = "pause"


class UnpauseServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_unpause"
    action: ClassVar[str] = "unpause"


class SuspendServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_suspend"
    action: ClassVar[str] = "suspend"


class ResumeServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_resume"
    action: ClassVar[str] = "resume"


class RebuildServer(Work, frozen=True, kw_only=True):
    """The record already shows the new image and names; `old_image_id` and `old_spec` (JSON) are for the undo.

    `reimage`: the volume it boots from gets this image's content.
    """

    saga: ClassVar[str] = "server_rebuild"
    action: ClassVar[str] = "rebuild"

    old_image_id: str | None
    old_spec: str | None = None
    reimage: str | None = None


class SnapshotServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_snapshot"
    action: ClassVar[str] = "createImage"

    image_id: str


class ResizeServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_resize"
    action: ClassVar[str] = "resize"

    flavor_id: str
    migration_id: str


class MigrateServer(Work, frozen=True, kw_only=True):
    """To another host, the one named or any; the flavor stays."""

    saga: ClassVar[str] = "server_migrate"
    action: ClassVar[str] = "migrate"

    migration_id: str
    host: str | None = None


class ConfirmResize(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_resize_confirm"
    action: ClassVar[str] = "confirmResize"

    migration_id: str


class RevertResize(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_resize_revert"
    action: ClassVar[str] = "revertResize"

    migration_id: str


class AttachVolumeWork(Work, frozen=True, kw_only=True):
    """The mapping `mapping_id` is in the record already."""

    saga: ClassVar[str] = "volume_attach"
    action: ClassVar[str] = "attach_volume"

    volume_id: str
    mapping_id: str


class DetachVolumeWork(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "volume_detach"
    action: ClassVar[str] = "detach_volume"

    volume_id: str
    mapping_id: str


class SwapVolumeWork(Work, frozen=True, kw_only=True):
    """The volume of mapping `mapping_id` is being migrated to `new_volume_id`."""

    saga: ClassVar[str] = "volume_swap"
    action: ClassVar[str] = "swap_volume"

    volume_id: str
    new_volume_id: str
    mapping_id: str


class AttachInterfaceWork(Work, frozen=True, kw_only=True):
    """One of network and port; `fixed_ip` with a network only. A port that was `made` for the server goes with it."""

    saga: ClassVar[str] = "interface_attach"
    action: ClassVar[str] = "attach_interface"

    network_id: str | None = None
    port_id: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None
    made: bool = False


class DetachInterfaceWork(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "interface_detach"
    action: ClassVar[str] = "detach_interface"

    port_id: str


class RescueServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_rescue"
    action: ClassVar[str] = "rescue"

    image_id: str | None
    password: str


class UnrescueServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_unrescue"
    action: ClassVar[str] = "unrescue"


class SetServerPassword(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_set_password"
    action: ClassVar[str] = "changePassword"

    password: str


class DumpServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_crash_dump"
    action: ClassVar[str] = "trigger_crash_dump"


class ShelveServer(Work, frozen=True, kw_only=True):
    """Snapshot into `image_id` (queued already), then free the host."""

    saga: ClassVar[str] = "server_shelve"
    action: ClassVar[str] = "shelve"

    image_id: str | None


class OffloadServer(Work, frozen=True, kw_only=True):
    """Free the host of a shelved server."""

    saga: ClassVar[str] = "server_shelve_offload"
    action: ClassVar[str] = "shelveOffload"


class UnshelveServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_unshelve"
    action: ClassVar[str] = "unshelve"

    host: str | None = None


class LiveMigrateServer(Work, frozen=True, kw_only=True):
    """While it runs, to the host named or any; `force` asks no scheduler whether it fits there."""

    saga: ClassVar[str] = "server_live_migrate"
    action: ClassVar[str] = "live-migration"

    migration_id: str
    host: str | None = None
    force: bool = False


class AbortLiveMigration(Work, frozen=True, kw_only=True):
    """Begins when the live migration has made way for it."""

    saga: ClassVar[str] = "server_live_migrate_abort"
    action: ClassVar[str] = "live_migration_cancel"

    migration_id: str


class EvacuateServer(Work, frozen=True, kw_only=True):
    """From a host that is down to the one named or any; `start` it there."""

    saga: ClassVar[str] = "server_evacuate"
    action: ClassVar[str] = "evacuate"

    migration_id: str
    host: str | None = None
    force: bool = False
    start: bool = True


class SoftDeleteServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_soft_delete"
    action: ClassVar[str] = "delete"


class RestoreServer(Work, frozen=True, kw_only=True):
    saga: ClassVar[str] = "server_restore"
    action: ClassVar[str] = "restore"


class BackupServer(Work, frozen=True, kw_only=True):
    """Into `image_id` (queued already), then all but the newest `rotation` of the `backup_type` go."""

    saga: ClassVar[str] = "server_backup"
    action: ClassVar[str] = "createBackup"

    image_id: str
    backup_type: str
    rotation: int


class SnapshotVolumes(Work, frozen=True, kw_only=True):
    """Snapshots of all volumes, and the image `image_id` (queued already) that says how to boot from them."""

    saga: ClassVar[str] = "server_snapshot_volumes"
    action: ClassVar[str] = "createImage"

    image_id: str
