"""What the image handlers work with, and the settings."""

from dataclasses import dataclass
from pathlib import Path

from kilonova.aio.clock import Clock
from kilonova.db.database import Database
from kilonova.image.bits import Bits
from kilonova.image.errors import ImageNotFound
from kilonova.image.rules import is_visible
from kilonova.image.store import images
from kilonova.model.caller import Caller
from kilonova.model.image import Image
from kilonova.web.request import Request


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """`directory` holds the bits. Sizes in bytes; 0 for `project_quota_bytes` means no quota.

    Limits are Glance's own: image_size_cap, image_tag_quota, image_property_quota, image_member_quota.
    """

    directory: Path
    max_size_bytes: int = 1 << 40
    project_quota_bytes: int = 0
    max_tags: int = 128
    max_properties: int = 128
    max_members: int = 128


@dataclass(frozen=True)
class World:
    db: Database
    clock: Clock
    bits: Bits
    settings: ImageSettings

    async def visible(self, caller: Caller, image_id: str) -> Image:
        """The image, if the caller may see it. Errors: ImageNotFound (which another's private image is, too)."""
        image = await images.find(self.db, image_id)
        if image is None:
            raise ImageNotFound(image_id)
        if not is_visible(caller, image, is_member=False):
            member = await images.membership(self.db, image_id, caller.project_id)
            if not is_visible(caller, image, is_member=member is not None):
                raise ImageNotFound(image_id)
        return image


ImageRequest = Request[World]
