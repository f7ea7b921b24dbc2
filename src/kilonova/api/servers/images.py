"""Images a server is made from: that they are there and fit the flavor. Texts: Nova's."""

from collections.abc import Mapping
from typing import Protocol

from kilonova.api.request import Request
from kilonova.model.errors import BadRequest, Forbidden, NotFound
from kilonova.model.image import Image, ImageStatus

_GIB = 1 << 30
# What a volume knows of its image beside the properties.
_FACTS = frozenset(
    ("image_id", "image_name", "checksum", "container_format", "disk_format", "min_disk", "min_ram", "size")
)


class Sized(Protocol):
    """What of a flavor an image has to fit. MiB and GiB."""

    @property
    def memory_mib(self) -> int: ...
    @property
    def root_gib(self) -> int: ...


class ImageUnfit(BadRequest):
    pass


async def usable_image(request: Request, image_id: str) -> Image:
    """Errors: BadRequest (a wrong image makes a wrong body, not a 404)."""
    try:
        image = await request.world.image.show(image_id, request.caller.token)
    except NotFound as error:
        raise BadRequest("Can not find requested image") from error
    if image.status != ImageStatus.ACTIVE:
        raise ImageUnfit(f"Image {image_id} is not active.")
    return image


def properties_of(known: Mapping[str, str], flavor: Sized) -> dict[str, str]:
    """Of an image, from what the volume service keeps of the one a volume was made of. Errors: ImageUnfit."""
    least = known.get("min_ram", "")
    _check_memory(int(least) if least.isdecimal() else 0, flavor)
    return {name: value for name, value in known.items() if name not in _FACTS}


def _check_memory(least_mib: int, flavor: Sized) -> None:
    if least_mib > flavor.memory_mib:
        raise ImageUnfit("Flavor's memory is too small for requested image.")


def check_fit(request: Request, image: Image, flavor: Sized, *, local_root: bool) -> None:
    """`local_root`: the root disk is on the host, made from the image. Errors: ImageUnfit, Forbidden."""
    _check_memory(image.min_ram, flavor)
    if not local_root:
        return
    if flavor.root_gib == 0:
        if not request.permits("os_compute_api:servers:create:zero_disk_flavor"):
            raise Forbidden("Only volume-backed servers are allowed for flavors with zero disk.")
        return
    have = flavor.root_gib * _GIB
    if image.size is not None and image.size > have:
        raise ImageUnfit(
            f"Flavor's disk is too small for requested image. Flavor disk is {have} bytes, image is {image.size} bytes."
        )
    if image.min_disk > flavor.root_gib:
        raise ImageUnfit(
            "Flavor's disk is smaller than the minimum size specified in image metadata. "
            f"Flavor disk is {have} bytes, minimum size is {image.min_disk * _GIB} bytes."
        )
