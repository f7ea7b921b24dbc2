"""Which traits a request needs and refuses: asked for outright, or implied by what the flavor or image asks for.

The implied ones are Nova's request filters; the names are those of the os-traits library.
"""

import re

import msgspec

from kilonova.contract.scheduler import RequestSpec
from kilonova.scheduler.settings import SchedulerSettings

_TRAIT = re.compile(r"trait[A-Za-z0-9_-]{0,64}:(?P<name>[A-Z0-9_]+)")
_YES = frozenset({"true", "yes", "1", "on"})


class WantedTraits(msgspec.Struct, frozen=True):
    required: frozenset[str] = frozenset()
    forbidden: frozenset[str] = frozenset()


NOTHING = WantedTraits()


def wanted_traits(spec: RequestSpec, settings: SchedulerSettings) -> WantedTraits:
    if not spec.extra_specs and not spec.image_properties:
        return NOTHING
    required: set[str] = set()
    forbidden: set[str] = set()
    for key, value in (*spec.extra_specs.items(), *spec.image_properties.items()):
        asked = _TRAIT.fullmatch(key)
        if asked is not None:
            (forbidden if value == "forbidden" else required).add(asked["name"])
    required |= _implied(spec)
    if settings.query_placement_for_image_type_support and (kind := spec.image_properties.get("disk_format")):
        required.add(f"COMPUTE_IMAGE_TYPE_{kind.upper()}")
    if settings.image_metadata_prefilter:
        required |= _of_image(spec.image_properties)
    return WantedTraits(frozenset(required), frozenset(forbidden))


def _implied(spec: RequestSpec) -> set[str]:
    found: set[str] = set()
    if "accel:device_profile" in spec.extra_specs:
        found.add("COMPUTE_ACCELERATORS")
    if _asks(spec, "hw:virtio_packed_ring", "hw_virtio_packed_ring"):
        found.add("COMPUTE_NET_VIRTIO_PACKED")
    if _asks(spec, "hw:ephemeral_encryption", "hw_ephemeral_encryption"):
        found.add("COMPUTE_EPHEMERAL_ENCRYPTION")
        kind = _value(spec, "hw:ephemeral_encryption_format", "hw_ephemeral_encryption_format")
        if kind:
            found.add(f"COMPUTE_EPHEMERAL_ENCRYPTION_{kind.upper()}")
    if _value(spec, "hw:sound_model", "hw_sound_model") == "virtio":
        found.add("COMPUTE_SOUND_MODEL_VIRTIO")
    if _value(spec, "hw:tpm_version", "hw_tpm_version"):
        secrecy = spec.extra_specs.get("hw:tpm_secret_security", "user")
        found.add(f"COMPUTE_SECURITY_TPM_SECRET_SECURITY_{secrecy.upper()}")
    return found


def _of_image(properties: dict[str, str]) -> set[str]:
    """Models and buses the image insists on."""
    prefixes = {
        "hw_disk_bus": "COMPUTE_STORAGE_BUS_",
        "hw_cdrom_bus": "COMPUTE_STORAGE_BUS_",
        "hw_video_model": "COMPUTE_GRAPHICS_MODEL_",
        "hw_vif_model": "COMPUTE_NET_VIF_MODEL_",
        "hw_architecture": "HW_ARCH_",
        "hw_viommu_model": "COMPUTE_VIOMMU_MODEL_",
    }
    return {prefix + properties[name].upper() for name, prefix in prefixes.items() if properties.get(name)}


def _value(spec: RequestSpec, extra: str, image: str) -> str:
    return spec.extra_specs.get(extra) or spec.image_properties.get(image) or ""


def _asks(spec: RequestSpec, extra: str, image: str) -> bool:
    return _value(spec, extra, image).lower() in _YES
