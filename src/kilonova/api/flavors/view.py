"""A flavor as clients see it, by version. Source of members and types: the API samples of flavors."""

from typing import Any

import msgspec

from kilonova.api.links import links
from kilonova.api.request import Request
from kilonova.model.flavor import Flavor


def brief(request: Request, flavor: Flavor) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": flavor.id,
        "name": flavor.name,
        "links": links(request, "flavors", flavor.id),
    }
    if request.version >= 55:
        shown["description"] = flavor.description
    return shown


def full(request: Request, flavor: Flavor) -> dict[str, Any]:
    version = request.version
    shown = brief(request, flavor)
    shown |= {
        "ram": flavor.memory_mib,
        "disk": flavor.root_gib,
        "vcpus": flavor.vcpus,
        "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral_gib,
        # No swap was an empty text until the clean-up of 2.75.
        "swap": flavor.swap_mib or (0 if version >= 75 else ""),
        "os-flavor-access:is_public": bool(flavor.is_public),
    }
    if version < 102:
        shown["OS-FLV-DISABLED:disabled"] = bool(flavor.disabled)
        shown["rxtx_factor"] = flavor.rxtx_factor
    if version >= 61 and request.permits("os_compute_api:os-flavor-extra-specs:index"):
        shown["extra_specs"] = msgspec.Raw(flavor.extra_specs)
    return shown
