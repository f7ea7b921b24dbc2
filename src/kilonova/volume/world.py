"""What the volume handlers work with: settings, neighbours, and who may see what."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from kilonova.aio.clock import Clock
from kilonova.db.database import Database
from kilonova.model.caller import Caller
from kilonova.model.errors import BadRequest, Forbidden, Unauthenticated
from kilonova.peers.image import ImageClient
from kilonova.volume.errors import (
    AttachmentNotFound,
    NotAllowed,
    SnapshotNotFound,
    VolumeNotFound,
    VolumeTypeNotFound,
)
from kilonova.volume.files import Files
from kilonova.volume.records import Attachment, Snapshot, Volume, VolumeType
from kilonova.volume.store import attachments, snapshots, types, volumes
from kilonova.web.application import TokenCheck
from kilonova.web.request import Request

# Cinder's own defaults; -1 is no limit.
QUOTAS = {
    "volumes": 10,
    "snapshots": 10,
    "gigabytes": 1000,
    "per_volume_gigabytes": -1,
    "backups": 10,
    "backup_gigabytes": 1000,
    "groups": 10,
}
_WRITERS = frozenset({"member", "manager", "admin", "service"})


@dataclass(frozen=True, kw_only=True)
class VolumeSettings:
    """`directory` holds the files; `host` is the machine's name as in other services; `quotas` in counts and GiB."""

    directory: Path
    host: str = "kilonova"
    availability_zone: str = "nova"
    default_type: str = "kilonova"
    quotas: dict[str, int] = field(default_factory=lambda: dict(QUOTAS))

    @property
    def backend(self) -> str:
        """Host, back end and pool, as Cinder writes them."""
        return f"{self.host}@file#file"


@dataclass(frozen=True)
class World:
    """`session` gives a token of this service's own, for work that outlives a request."""

    db: Database
    clock: Clock
    files: Files
    settings: VolumeSettings
    image: ImageClient
    session: Callable[[], Awaitable[str]]
    check_token: TokenCheck
    new_id: Callable[[], str]

    async def volume(self, request: "VolumeRequest", volume_id: str) -> Volume:
        """Errors: VolumeNotFound, also for what belongs to others."""
        found = await volumes.find(self.db, volume_id)
        if found is None or not may_see(request, found.project_id):
            raise VolumeNotFound(volume_id)
        return found

    async def snapshot(self, request: "VolumeRequest", snapshot_id: str) -> Snapshot:
        found = await snapshots.find(self.db, snapshot_id)
        if found is None or not may_see(request, found.project_id):
            raise SnapshotNotFound(snapshot_id)
        return found

    async def attachment(self, request: "VolumeRequest", attachment_id: str) -> Attachment:
        found = await attachments.find(self.db, attachment_id)
        if found is None or not may_see(request, found.project_id):
            raise AttachmentNotFound(attachment_id)
        return found

    async def type(self, request: "VolumeRequest", key: str) -> VolumeType:
        """By id or name; private ones only for those they are granted to. Errors: VolumeTypeNotFound."""
        found = await types.find(self.db, key)
        if found is None:
            raise VolumeTypeNotFound(key)
        if not found.is_public and not trusted(request.caller):
            granted = await types.granted_to(self.db, request.caller.project_id)
            if found.id not in granted:
                raise VolumeTypeNotFound(key)
        return found


VolumeRequest = Request[World]


def trusted(caller: Caller) -> bool:
    """Admins, and the other services acting for their users."""
    return caller.is_admin or caller.is_service


def project_of(request: VolumeRequest) -> str:
    """The token's project, or the one in the URL if the caller is trusted. Errors: BadRequest, Forbidden."""
    named, own = request.params.get("project_id"), request.caller.project_id
    if named is not None and named != own:
        if not trusted(request.caller):
            raise BadRequest("Malformed request url")
        return named
    if own is None:
        raise Forbidden("A token for a project is needed.")
    return own


def may_see(request: VolumeRequest, project_id: str) -> bool:
    return trusted(request.caller) or project_of(request) == project_id


def check_writer(request: VolumeRequest, what: str) -> None:
    """Readers read. Errors: NotAllowed."""
    project_of(request)
    if not request.caller.roles & _WRITERS:
        raise NotAllowed(what)


def check_trusted(request: VolumeRequest, what: str) -> None:
    if not trusted(request.caller):
        raise NotAllowed(what)


async def is_service(request: VolumeRequest) -> bool:
    """Whether a service asks, by its own token or by a second one beside its user's (keystonemiddleware's header)."""
    if request.caller.is_service:
        return True
    second = request.headers.get("x-service-token")
    if not second:
        return False
    try:
        return (await request.world.check_token(second)).is_service
    except Unauthenticated:
        return False
