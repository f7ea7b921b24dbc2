"""What an api made for an operation that it did not live to accept: a port to plug, an image to fill.

Both must be there before the answer, so they are made before the operation is stored; an api that dies in between
leaves them. Two looks tell: what is there at both, while nothing is being done to its server, is nobody's.
"""

from collections.abc import Mapping
from typing import Protocol

from kilonova.db.database import Reader
from kilonova.duty.dead_servers import idle_servers


class Makers(Protocol):
    """The network and the image service."""

    async def unplugged_ports(self) -> Mapping[str, str]:
        """Ports made by an api that no host has plugged in: id → server."""

    async def unfilled_images(self) -> Mapping[str, str]:
        """Images made by an api that have no bits: id → server."""

    async def drop_unplugged_port(self, port_id: str) -> None: ...

    async def drop_image(self, image_id: str) -> None: ...


class Unaccepted:
    """`look` is the duty."""

    def __init__(self, db: Reader, makers: Makers) -> None:
        self._db = db
        self._makers = makers
        self._seen: set[str] = set()

    async def look(self) -> list[str]:
        """Answers what was there at the last look too, and is gone now."""
        ports, images = await self._makers.unplugged_ports(), await self._makers.unfilled_images()
        made = {**ports, **images}
        idle = await idle_servers(self._db, set(made.values()))
        lonely = {one for one, server in made.items() if server in idle}
        gone = sorted(lonely & self._seen)
        for one in gone:
            await (self._makers.drop_unplugged_port(one) if one in ports else self._makers.drop_image(one))
        self._seen = lonely.difference(gone)
        return gone
