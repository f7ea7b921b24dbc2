"""What sagas do at the neighbours: ports and volumes made and given back, images dropped. All safe to repeat."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import msgspec

from kilonova.contract.compute import BlockDevice, ServerRecord
from kilonova.contract.work import AttachInterfaceWork
from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.model.ids import ServerId
from kilonova.model.volume import VolumeStatus
from kilonova.peers.image import ImageClient
from kilonova.peers.network import NetworkClient
from kilonova.peers.volume import VolumeClient

# Volumes made for a server bear its id and the mapping's, so that a second try, and an undo, find them.
SERVER_KEY = "kilonova_server"
MAPPING_KEY = "kilonova_mapping"


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
                await self._network.unbind_port(token, port.id)
            else:
                await self._network.delete_port(token, port.id)

    async def let_host_go(self, server_id: ServerId) -> None:
        """The server keeps its ports; they are on no host any more."""
        await self.bind_ports(server_id, "")

    async def bind_ports(self, server_id: ServerId, host: str) -> None:
        """The server's ports are on `host` from now on, as the record of the network service has it."""
        token = await self._token()
        for port in await self._network.ports(token, device_id=server_id):
            await self._network.update_port(token, port.id, {"binding:host_id": host})

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
                await self._drop_volume(device.volume_id, token)

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

    async def release_attachment(self, server_id: ServerId, volume_id: str) -> None:
        token = await self._token()
        for attachment in await self._volume.attachments(token, server_id=server_id, volume_id=volume_id):
            await self._volume.attachment_delete(attachment.id, token)

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

    # -- images ----------------------------------------------------------------------------------------------------

    async def drop_image(self, image_id: str) -> None:
        try:
            await self._image.delete(image_id, await self._token())
        except NotFound:
            return


def _to_be_made(device: BlockDevice) -> bool:
    return device.destination_type == "volume" and device.volume_id is None
