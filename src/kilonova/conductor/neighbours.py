"""What sagas do at the neighbours: ports and volumes made and given back, images dropped. All safe to repeat."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from kilonova.contract.compute import BlockDevice, ServerRecord
from kilonova.contract.work import AttachInterfaceWork
from kilonova.model.errors import BadRequest, Conflict, NotFound, Unavailable
from kilonova.model.fitting.host import Fit
from kilonova.model.fitting.port_devices import by_port
from kilonova.model.ids import ServerId
from kilonova.model.image import ImageStatus
from kilonova.model.volume import SnapshotStatus, VolumeStatus
from kilonova.peers.image import ImageClient
from kilonova.peers.network import DEVICE_OWNER, TO_BE_PLUGGED, NetworkClient, bound
from kilonova.peers.volume import Snapshot as VolumeSnapshot
from kilonova.peers.volume import VolumeClient

log = logging.getLogger(__name__)

# Volumes made for a server bear its id and the mapping's, so that a second try, and an undo, find them.
SERVER_KEY = "kilonova_server"
MAPPING_KEY = "kilonova_mapping"
# Snapshots taken for an image bear its id.
IMAGE_KEY = "kilonova_image"


class VolumeFailed(BadRequest):
    """The volume service could not make a volume a server was to have."""


class Neighbours:
    """`token` gives a token of the compute service's own user."""

    def __init__(
        self,
        *,
        image: ImageClient,
        network: NetworkClient,
        volume: VolumeClient,
        token: Callable[[], Awaitable[str]],
    ) -> None:
        self._image = image
        self._network = network
        self._volume = volume
        self._token = token

    # -- ports -----------------------------------------------------------------------------------------------------

    async def release_ports(self, server_id: ServerId, *, given: Collection[str], only: str | None = None) -> None:
        """Delete the ports made for the server, set free those it was `given`."""
        token = await self._token()
        for port in await self._network.ports(token, device_id=server_id):
            if only is not None and port.id != only:
                continue
            if port.id in given:
                await self._network.unbind_port(token, port)
            else:
                await self._network.delete_port(token, port.id)

    async def port_holders(self) -> set[str]:
        """The servers that ports are said to belong to."""
        ports = await self._network.ports(await self._token())
        return {port.device_id for port in ports if port.device_owner.startswith(DEVICE_OWNER)}

    async def let_host_go(self, server_id: ServerId) -> None:
        """The server keeps its ports; they are on no host any more."""
        await self.bind_ports(server_id, "")

    async def bind_ports(self, server_id: ServerId, host: str, fit: Fit | None = None) -> None:
        """The server's ports are on `host` from now on, as the record of the network service has it.

        `fit`: what the server has of the host; some ports are on its PCI devices.
        """
        token = await self._token()
        devices = by_port(fit)
        for port in await self._network.ports(token, device_id=server_id):
            await self._network.update_port(token, port.id, bound(port, host, devices.get(port.id)))

    async def have_port(self, server_id: ServerId, key: str, work: AttachInterfaceWork) -> str:
        """The port to attach: the one given, or one made on the network under the name `key`."""
        token = await self._token()
        if work.port_id is not None:
            port = await self._network.port(token, work.port_id)
            if port.device_id and port.device_id != server_id:
                raise Conflict(f"Port {port.id} is still in use.")
            return port.id
        there = await self._network.ports(token, device_id=server_id, name=key)
        if there:
            return there[0].id
        wanted: dict[str, Any] = {"network_id": work.network_id, "name": key, "device_id": server_id}
        wanted["device_owner"] = "compute:nova"
        if work.fixed_ip is not None:
            wanted["fixed_ips"] = [{"ip_address": work.fixed_ip}]
        network = await self._network.network(token, str(work.network_id))
        made = await self._network.create_port(token, wanted | {"project_id": network.project_id})
        return made.id

    async def drop_port(self, server_id: ServerId, key: str, work: AttachInterfaceWork) -> None:
        token = await self._token()
        if work.port_id is not None:
            given = set() if work.made else {work.port_id}
            await self.release_ports(server_id, given=given, only=work.port_id)
            return
        for port in await self._network.ports(token, device_id=server_id, name=key):
            await self._network.delete_port(token, port.id)

    async def unplugged_ports(self) -> dict[str, str]:
        """Ports made to be plugged in that no host has: id → server."""
        ports = await self._network.ports(await self._token(), description=TO_BE_PLUGGED)
        return {port.id: port.device_id for port in ports if port.device_id}

    async def drop_unplugged_port(self, port_id: str) -> None:
        await self._network.delete_port(await self._token(), port_id)

    # -- volumes ---------------------------------------------------------------------------------------------------

    async def make_volumes(self, server: ServerRecord) -> list[dict[str, Any]]:
        """Ask for each volume a mapping wants made; all mappings back, with ids. Nothing when there are none."""
        wanted = [device for device in server.block_devices if _to_be_made(device)]
        if not wanted:
            return []
        token = await self._token()
        there = {
            volume.metadata.get(MAPPING_KEY): volume.id
            for volume in await self._volume.list(token, metadata={SERVER_KEY: server.id})
        }
        made: dict[str, str] = {}
        for device in wanted:
            made[device.id] = there.get(device.id) or (await self._make_volume(server, device, token))
        return [
            msgspec.to_builtins(msgspec.structs.replace(device, volume_id=made.get(device.id, device.volume_id)))
            for device in server.block_devices
        ]

    async def _make_volume(self, server: ServerRecord, device: BlockDevice, token: str) -> str:
        volume = await self._volume.create(
            token,
            size=device.volume_size,
            project_id=server.project_id,
            image_id=device.image_id if device.source_type == "image" else None,
            snapshot_id=device.snapshot_id if device.source_type == "snapshot" else None,
            volume_type=device.volume_type,
            availability_zone=None,
            metadata={SERVER_KEY: server.id, MAPPING_KEY: device.id},
        )
        return volume.id

    async def volume_ready(self, volume_id: str) -> bool:
        """Errors: VolumeFailed."""
        volume = await self._volume.show(volume_id, await self._token())
        if volume.status.startswith("error"):
            raise VolumeFailed(f"Volume {volume_id} did not finish being created: its status is {volume.status}.")
        return volume.status not in ("creating", "downloading")

    async def drop_made_volumes(self, server_id: ServerId) -> None:
        token = await self._token()
        for volume in await self._volume.list(token, metadata={SERVER_KEY: server_id}):
            await self._drop_volume(volume.id, token)

    async def release_attachments(self, server_id: ServerId) -> None:
        """Every volume the server holds is its owner's again."""
        token = await self._token()
        for attachment in await self._volume.attachments(token, server_id=server_id):
            await self._volume.attachment_delete(attachment.id, token)

    async def release_volumes(self, server_id: ServerId, devices: Sequence[BlockDevice]) -> None:
        """As a server goes: detach all, delete those that go with it."""
        await self.release_attachments(server_id)
        token = await self._token()
        for device in devices:
            if device.volume_id is not None and device.delete_on_termination:
                try:
                    await self._drop_volume(device.volume_id, token)
                except BadRequest as error:
                    # Somebody has snapshots of it: a server goes all the same.
                    log.warning("volume %s of server %s stays: %s", device.volume_id, server_id, error.message)

    async def _drop_volume(self, volume_id: str, token: str) -> None:
        try:
            await self._volume.delete(volume_id, token)
        except NotFound:
            return

    async def reserve_volume(self, server_id: ServerId, volume_id: str) -> str:
        """The id of the server's attachment of the volume. Errors: the volume service's."""
        token = await self._token()
        there = await self._volume.attachments(token, server_id=server_id, volume_id=volume_id)
        return there[0].id if there else (await self._volume.attachment_create(volume_id, server_id, token)).id

    async def complete_attachment(self, attachment_id: str) -> None:
        """The volume is in use from now on."""
        await self._volume.attachment_complete(attachment_id, await self._token())

    async def release_attachment(self, server_id: ServerId, volume_id: str) -> None:
        token = await self._token()
        for attachment in await self._volume.attachments(token, server_id=server_id, volume_id=volume_id):
            await self._volume.attachment_delete(attachment.id, token)

    async def drop_attachment(self, attachment_id: str) -> None:
        await self._volume.attachment_delete(attachment_id, await self._token())

    async def end_migration(self, volume_id: str, target: str, *, error: bool = False) -> str:
        """The id the volume has afterwards. Safe to repeat: a migration that is over has no target any more."""
        token = await self._token()
        try:
            return await self._volume.complete_migration(volume_id, token, target=target, error=error)
        except NotFound:
            return volume_id
        except BadRequest:
            # It may have been given up by somebody else before.
            if not error:
                raise
            return volume_id

    async def begin_detaching(self, volume_id: str) -> None:
        """Errors: Conflict or BadRequest when it is not attached."""
        token = await self._token()
        if (await self._volume.show(volume_id, token)).status != VolumeStatus.DETACHING:
            await self._volume.begin_detaching(volume_id, token)

    async def roll_detaching(self, volume_id: str) -> None:
        """The volume stays attached after all."""
        token = await self._token()
        if (await self._volume.show(volume_id, token)).status == VolumeStatus.DETACHING:
            await self._volume.roll_detaching(volume_id, token)

    # -- snapshots -------------------------------------------------------------------------------------------------

    async def snapshot_volumes(self, image_id: str, *, name: str, volume_ids: Sequence[str]) -> dict[str, Any]:
        """A snapshot of each volume, for the image that will name them: volume id → its `id` and `size` in GiB."""
        token = await self._token()
        made = {one.volume_id: one for one in await self._snapshots_for(image_id, volume_ids, token)}
        for volume_id in volume_ids:
            if volume_id not in made:
                made[volume_id] = await self._volume.snapshot_create(
                    volume_id, token, name=f"snapshot for {name}", metadata={IMAGE_KEY: image_id}
                )
        return {volume_id: {"id": one.id, "size": one.size} for volume_id, one in made.items()}

    async def snapshots_ready(self, snapshot_ids: Iterable[str]) -> bool:
        """Errors: VolumeFailed."""
        token = await self._token()
        states = [(await self._volume.snapshot(one, token)).status for one in snapshot_ids]
        if any(state.startswith("error") for state in states):
            raise VolumeFailed("A volume snapshot did not finish being created.")
        return all(state == SnapshotStatus.AVAILABLE for state in states)

    async def drop_snapshots(self, image_id: str, volume_ids: Sequence[str]) -> None:
        """Errors: Unavailable while one of them is still being made."""
        token = await self._token()
        for one in await self._snapshots_for(image_id, volume_ids, token):
            if one.status == SnapshotStatus.CREATING:
                raise Unavailable(f"Snapshot {one.id} is being created.")
            if one.status != SnapshotStatus.DELETING:
                await self._volume.snapshot_delete(one.id, token)

    async def _snapshots_for(self, image_id: str, volume_ids: Sequence[str], token: str) -> list[VolumeSnapshot]:
        found = [one for id_ in volume_ids for one in await self._volume.snapshots(token, volume_id=id_)]
        return [one for one in found if one.metadata.get(IMAGE_KEY) == image_id]

    # -- images ----------------------------------------------------------------------------------------------------

    async def drop_image(self, image_id: str) -> None:
        try:
            await self._image.delete(image_id, await self._token())
        except NotFound:
            return

    async def unfilled_images(self) -> dict[str, str]:
        """Images made for snapshots, backups and shelved servers that have no bits yet: id → server."""
        found = await self._image.list(await self._token(), status=ImageStatus.QUEUED.value)
        taken = [image for image in found if image.properties.get("image_type") in ("snapshot", "backup")]
        return {image.id: image.properties.get("instance_uuid", "") for image in taken}

    async def write_boot_mapping(self, image_id: str, properties: Mapping[str, str]) -> None:
        """An image without bits of its own: `properties` say from what it boots."""
        token = await self._token()
        image = await self._image.show(image_id, token)
        await self._image.change_properties(image_id, token, properties)
        if image.status == ImageStatus.QUEUED:
            await self._image.upload(image_id, _nothing(), token)

    async def rotate_backups(self, server_id: ServerId, backup_type: str, *, keep: int) -> None:
        """Only the newest `keep` backups of the server of that type stay."""
        token = await self._token()
        wanted = {"image_type": "backup", "backup_type": backup_type, "instance_uuid": server_id}
        found = await self._image.list(token, **wanted)
        # They come newest first, more finely than the seconds they tell.
        for image in found[keep:]:
            await self.drop_image(image.id)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


def _to_be_made(device: BlockDevice) -> bool:
    return device.destination_type == "volume" and device.volume_id is None
