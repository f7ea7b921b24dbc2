"""The volume service, ready to be mounted under `/volume`."""

import uuid
from collections.abc import Awaitable, Callable

from kilonova.aio.clock import Clock
from kilonova.bus.bus import Bus
from kilonova.db.database import Database
from kilonova.db.errors import AlreadyThere
from kilonova.model.volume import SnapshotStatus, VolumeStatus
from kilonova.peers.image import ImageClient
from kilonova.volume.faults import render
from kilonova.volume.files import Files
from kilonova.volume.jobs import Jobs
from kilonova.volume.microversion import Microversions
from kilonova.volume.records import VolumeType
from kilonova.volume.routes import routes
from kilonova.volume.store import snapshots, types, volumes
from kilonova.volume.world import VolumeSettings, World
from kilonova.web.application import Application, TokenCheck

__all__ = ["VolumeService", "VolumeSettings"]


class VolumeService:
    """`app` answers once `start` has returned. Speaks to nobody by the queue; `session` gives its own token."""

    def __init__(
        self,
        db: Database,
        bus: Bus | None,
        check_token: TokenCheck,
        clock: Clock,
        settings: VolumeSettings,
        image: ImageClient,
        session: Callable[[], Awaitable[str]],
    ) -> None:
        files = Files(settings.directory)
        self._world = World(db, clock, files, settings, image, session, check_token, lambda: str(uuid.uuid4()))
        self._jobs = Jobs(self._world)
        application = Application("volume", routes(self._jobs), self._world, render=render, check_token=check_token)
        self.app = Microversions(application)

    async def start(self) -> None:
        """Sweep what a killed process left half-written, and take up the work it left undone."""
        world = self._world
        await self._make_default_type()
        volume_ids = [one.id for one in await volumes.in_status(world.db, VolumeStatus)]
        snapshot_ids = [one.id for one in await snapshots.in_status(world.db, SnapshotStatus)]
        await world.files.start(volume_ids, snapshot_ids)
        await self._jobs.resume()

    async def _make_default_type(self) -> None:
        world = self._world
        if await types.every(world.db):
            return
        made = VolumeType(
            id=world.new_id(),
            name=world.settings.default_type,
            description="Sparse files on the volume host",
            is_public=True,
            extra_specs={},
            created_at=world.clock.now(),
        )
        try:
            async with world.db.begin() as tx:
                await types.add(tx, made)
        except AlreadyThere:
            return

    async def close(self) -> None:
        """Work under way is given up and begun anew at the next start."""
        await self._jobs.close()
