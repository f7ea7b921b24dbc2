"""The image service, ready to be mounted under `/image`."""

from kilonova.aio.clock import Clock
from kilonova.bus.bus import Bus
from kilonova.db.database import Database
from kilonova.image.bits import Bits
from kilonova.image.faults import render
from kilonova.image.routes import routes
from kilonova.image.store import images
from kilonova.image.world import ImageSettings, World
from kilonova.model.image import ImageStatus
from kilonova.web.application import Application, TokenCheck

__all__ = ["ImageService", "ImageSettings"]


class ImageService:
    """`app` answers once `start` has returned. Speaks to nobody by the queue."""

    def __init__(
        self, db: Database, bus: Bus | None, check_token: TokenCheck, clock: Clock, settings: ImageSettings
    ) -> None:
        self._world = World(db, clock, Bits(settings.directory), settings)
        self.app = Application("image", routes(), self._world, render=render, check_token=check_token)

    async def start(self) -> None:
        """Put right what a killed process left: uploads under way are queued again, their bits removed."""
        world = self._world
        async with world.db.begin() as tx:
            for image_id in await images.in_status(tx, ImageStatus.SAVING):
                await images.turn(tx, image_id, ImageStatus.SAVING, ImageStatus.QUEUED, world.clock.now())
        whole = (ImageStatus.ACTIVE, ImageStatus.DEACTIVATED)
        keep = {image_id for status in whole for image_id in await images.in_status(world.db, status)}
        await world.bits.start(keep)

    async def close(self) -> None:
        """Nothing runs in the background."""
