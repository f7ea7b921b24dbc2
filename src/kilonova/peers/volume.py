"""The volume service as its users see it: Cinder v3 by REST, ours or a real one.

Paths have no project: it is the token's, save where a service creates for somebody else. Volumes are asked about at
Cinder's 3.67; 3.68 makes them anew from images.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from kilonova.aio.clock import Clock
from kilonova.model.errors import Conflict, NotFound, Unavailable
from kilonova.model.time import Timestamp, moment_of, stamp
from kilonova.model.volume import AttachStatus, SnapshotStatus, VolumeStatus
from kilonova.web.client import RestClient

# The number of these requests in the picture of a create.
STEP = "25-27"
_VERSION = {"OpenStack-API-Version": "volume 3.68"}
_PAGE = 500
# Seconds between two looks at a volume that is being made: few at first, since a blank one takes milliseconds.
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Who has a volume, as the volume tells it."""

    attachment_id: str
    server_id: str | None
    device: str | None


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """`size` in GiB; `image_metadata` is what is known of the image it was made from."""

    id: str
    name: str | None
    description: str | None = None
    status: VolumeStatus
    size: int
    project_id: str | None
    availability_zone: str | None
    volume_type: str | None
    bootable: bool
    multiattach: bool
    encrypted: bool
    snapshot_id: str | None
    source_volid: str | None
    metadata: dict[str, str]
    image_metadata: dict[str, str]
    attachments: tuple[Held, ...]
    migration_status: str | None = None
    created_at: Timestamp


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """`size` in GiB."""

    id: str
    volume_id: str
    name: str | None
    description: str | None = None
    status: SnapshotStatus
    size: int
    metadata: dict[str, str]
    created_at: Timestamp


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """`connection_info` is `{"driver_volume_type": …, "data": {…}}`, or empty before there is a connector."""

    id: str
    volume_id: str
    server_id: str | None
    status: AttachStatus
    mode: str
    connection_info: dict[str, Any]


class VolumeFailed(Conflict):
    """The volume ended in an error instead of becoming available."""

    def __init__(self, volume_id: str, status: str) -> None:
        super().__init__(f"Volume {volume_id} did not finish being created: its status is {status}.")
        self.volume_id = volume_id
        self.status = status


class VolumeLate(Unavailable):
    def __init__(self, volume_id: str, seconds: float) -> None:
        super().__init__(f"Volume {volume_id} did not become available within {seconds:g} s.")
        self.volume_id = volume_id
        self.seconds = seconds


class VolumeClient:
    """`rest` ends before `/v3`. Every call takes the token of whom it is made for; errors are families by status."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def _call(self, method: str, path: str, token: str, json: Any = None, **params: str) -> Any:
        return await self._rest.json(
            method, f"/v3{path}", token=token, json=json, params=params or None, headers=_VERSION, step=STEP
        )

    async def show(self, volume_id: str, token: str) -> Volume:
        """Errors: NotFound."""
        return volume_of((await self._call("GET", f"/volumes/{volume_id}", token))["volume"])

    async def list(
        self, token: str, *, metadata: Mapping[str, str] | None = None, all_projects: bool = True, **filters: str
    ) -> Sequence[Volume]:
        """All pages; of all projects where the token's holder may see them."""
        if all_projects:
            filters["all_tenants"] = "1"
        if metadata:
            filters["metadata"] = repr(dict(metadata))
        return [volume_of(one) for one in await self._pages("/volumes/detail", "volumes", token, filters)]

    async def _pages(self, path: str, key: str, token: str, filters: Mapping[str, str]) -> Sequence[Any]:
        found: list[Any] = []
        params = {**filters, "limit": str(_PAGE)}
        while True:
            page = await self._call("GET", path, token, **params)
            found += page[key]
            if f"{key}_links" not in page:
                return found
            params["marker"] = found[-1]["id"]

    async def create(
        self,
        token: str,
        *,
        size: int | None,
        project_id: str | None = None,
        name: str | None = None,
        description: str | None = None,
        image_id: str | None = None,
        snapshot_id: str | None = None,
        source_volid: str | None = None,
        volume_type: str | None = None,
        availability_zone: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Volume:
        """A volume being made, `size` in GiB; then see `ready`. Errors: TooLarge (quota), BadRequest, NotFound."""
        wanted = {
            "size": size,
            "name": name,
            "description": description,
            "imageRef": image_id,
            "snapshot_id": snapshot_id,
            "source_volid": source_volid,
            "volume_type": volume_type,
            "availability_zone": availability_zone,
            "metadata": dict(metadata) if metadata else None,
        }
        body = {"volume": {key: value for key, value in wanted.items() if value is not None}}
        path = f"/{project_id}/volumes" if project_id else "/volumes"
        return volume_of((await self._call("POST", path, token, body))["volume"])

    async def ready(self, volume_id: str, token: str, clock: Clock, *, timeout_s: float = 600.0) -> Volume:
        """Wait until it is available. Errors: VolumeFailed, VolumeLate, NotFound."""
        deadline = clock.time() + timeout_s
        pause_s = _FIRST_PAUSE_S
        while (volume := await self.show(volume_id, token)).status in (VolumeStatus.CREATING, VolumeStatus.DOWNLOADING):
            if clock.time() + pause_s > deadline:
                raise VolumeLate(volume_id, timeout_s)
            await clock.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)
        if volume.status.startswith("error"):
            raise VolumeFailed(volume_id, volume.status)
        return volume

    async def delete(self, volume_id: str, token: str, *, cascade: bool = False) -> None:
        """Begin to. Errors: NotFound, BadRequest while it is attached or has snapshots."""
        await self._call("DELETE", f"/volumes/{volume_id}", token, **({"cascade": "true"} if cascade else {}))

    async def act(self, volume_id: str, token: str, name: str, body: Mapping[str, Any] | None = None) -> Any:
        """One of the actions of `POST /volumes/{id}/action`, such as `os-extend`."""
        return await self._call("POST", f"/volumes/{volume_id}/action", token, {name: dict(body or {})})

    async def reimage(self, volume_id: str, token: str, image_id: str) -> None:
        """New content from the image, also while the volume is reserved for a server; `downloading` meanwhile."""
        await self.act(volume_id, token, "os-reimage", {"image_id": image_id, "reimage_reserved": True})

    async def begin_detaching(self, volume_id: str, token: str) -> None:
        """in-use → detaching, so that two detaches cannot run at once. Errors: BadRequest."""
        await self.act(volume_id, token, "os-begin_detaching")

    async def roll_detaching(self, volume_id: str, token: str) -> None:
        await self.act(volume_id, token, "os-roll_detaching")

    async def complete_migration(self, volume_id: str, token: str, *, target: str, error: bool = False) -> str:
        """What was copied to `target` is the content of the volume with the id answered; on `error` the target goes.

        Errors: NotFound, BadRequest when they are not migrating.
        """
        body = {"new_volume": target, "error": error}
        answer = await self.act(volume_id, token, "os-migrate_volume_completion", body)
        return str(answer["save_volume_id"])

    # -- attachments -----------------------------------------------------------------------------------------------

    async def attachments(
        self, token: str, *, server_id: str | None = None, volume_id: str | None = None
    ) -> Sequence[Attachment]:
        """Those of a server, of a volume, or of both at once; with connection info, for services."""
        filters = {"all_tenants": "1"}
        if server_id is not None:
            filters["instance_id"] = server_id
        if volume_id is not None:
            filters["volume_id"] = volume_id
        found = await self._pages("/attachments/detail", "attachments", token, filters)
        return [attachment_of(one) for one in found]

    async def attachment(self, attachment_id: str, token: str) -> Attachment:
        """Errors: NotFound."""
        return attachment_of((await self._call("GET", f"/attachments/{attachment_id}", token))["attachment"])

    async def attachment_create(
        self,
        volume_id: str,
        server_id: str,
        token: str,
        *,
        connector: Mapping[str, Any] | None = None,
        mode: str | None = None,
    ) -> Attachment:
        """Reserve the volume for the server. Errors: NotFound, BadRequest when somebody else has it."""
        wanted: dict[str, Any] = {"volume_uuid": volume_id, "instance_uuid": server_id}
        if connector is not None:
            wanted["connector"] = dict(connector)
        if mode is not None:
            wanted["mode"] = mode
        return attachment_of((await self._call("POST", "/attachments", token, {"attachment": wanted}))["attachment"])

    async def attachment_update(self, attachment_id: str, connector: Mapping[str, Any], token: str) -> Attachment:
        """Connect: `connector` names the `host`, and the `mountpoint` (device) if known."""
        body = {"attachment": {"connector": dict(connector)}}
        return attachment_of((await self._call("PUT", f"/attachments/{attachment_id}", token, body))["attachment"])

    async def attachment_complete(self, attachment_id: str, token: str) -> None:
        """The guest has it: in-use."""
        await self._call("POST", f"/attachments/{attachment_id}/action", token, {"os-complete": {}})

    async def attachment_delete(self, attachment_id: str, token: str) -> None:
        """Happy to find nothing. Errors: Conflict unless the token is a service's."""
        try:
            await self._call("DELETE", f"/attachments/{attachment_id}", token)
        except NotFound:
            return

    # -- snapshots -------------------------------------------------------------------------------------------------

    async def snapshot(self, snapshot_id: str, token: str) -> Snapshot:
        """Errors: NotFound."""
        return snapshot_of((await self._call("GET", f"/snapshots/{snapshot_id}", token))["snapshot"])

    async def snapshots(self, token: str, *, all_projects: bool = True, **filters: str) -> Sequence[Snapshot]:
        """`volume_id`, `name`, `status`; all pages, of all projects where the token's holder may see them."""
        if all_projects:
            filters["all_tenants"] = "1"
        found = await self._pages("/snapshots/detail", "snapshots", token, filters)
        return [snapshot_of(one) for one in found]

    async def snapshot_create(
        self,
        volume_id: str,
        token: str,
        *,
        name: str | None,
        description: str | None = None,
        metadata: Mapping[str, str] = {},
        force: bool = True,
    ) -> Snapshot:
        """Of a volume at rest; of one in use only for a service, which has paused the guest. Errors: TooLarge."""
        wanted = {"volume_id": volume_id, "name": name, "metadata": dict(metadata), "force": force}
        if description is not None:
            wanted["description"] = description
        return snapshot_of((await self._call("POST", "/snapshots", token, {"snapshot": wanted}))["snapshot"])

    async def snapshot_status(self, snapshot_id: str, token: str, status: str) -> None:
        """What a host made of a snapshot it was to take, or drop, in the volume service's place."""
        body = {"os-update_snapshot_status": {"status": status, "progress": "0%"}}
        await self._call("POST", f"/snapshots/{quote(snapshot_id, safe='')}/action", token, body)

    async def snapshot_delete(self, snapshot_id: str, token: str) -> None:
        """Begin to. Errors: NotFound, BadRequest."""
        await self._call("DELETE", f"/snapshots/{snapshot_id}", token)


def volume_of(shown: Mapping[str, Any]) -> Volume:
    return Volume(
        id=shown["id"],
        name=shown["name"],
        description=shown.get("description"),
        status=VolumeStatus(shown["status"]),
        size=shown["size"],
        project_id=shown.get("os-vol-tenant-attr:tenant_id"),
        availability_zone=shown.get("availability_zone"),
        volume_type=shown.get("volume_type"),
        bootable=shown.get("bootable") == "true",
        multiattach=bool(shown.get("multiattach", False)),
        encrypted=bool(shown.get("encrypted", False)),
        snapshot_id=shown.get("snapshot_id"),
        source_volid=shown.get("source_volid"),
        metadata=shown.get("metadata", {}),
        image_metadata=shown.get("volume_image_metadata", {}),
        attachments=tuple(
            Held(attachment_id=one["attachment_id"], server_id=one.get("server_id"), device=one.get("device"))
            for one in shown.get("attachments", ())
        ),
        migration_status=shown.get("migration_status"),
        created_at=stamp(moment_of(shown["created_at"])),
    )


def snapshot_of(shown: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        id=shown["id"],
        volume_id=shown["volume_id"],
        name=shown["name"],
        description=shown.get("description"),
        status=SnapshotStatus(shown["status"]),
        size=shown["size"],
        metadata=shown.get("metadata", {}),
        created_at=stamp(moment_of(shown["created_at"])),
    )


def attachment_of(shown: Mapping[str, Any]) -> Attachment:
    """The API has the connection info flat, its kind among the rest."""
    flat = dict(shown.get("connection_info") or {})
    kind = flat.pop("driver_volume_type", None)
    return Attachment(
        id=shown["id"],
        volume_id=shown["volume_id"],
        server_id=shown.get("instance"),
        status=AttachStatus(shown["status"]),
        mode=shown.get("attach_mode") or "rw",
        connection_info={"driver_volume_type": kind, "data": flat} if kind is not None else {},
    )
