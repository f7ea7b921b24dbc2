"""Nova's request filters by name, in Nova's order: what they add to what a request wants of its host's traits.

Four look at aggregates and are asked of hosts (`filters.placement`): require_tenant_aggregate, isolate_aggregates,
map_az_to_placement_aggregate, routed_networks_filter. So is compute_status_filter, as it wants the same of every host
for every request. owner_nova_filter has nothing to do: the scheduler knows no providers but those its own compute
hosts reported. The names of traits are the os-traits library's.
"""

from collections.abc import Callable, Iterable

import msgspec

from kilonova.contract.scheduler import RequestSpec
from kilonova.scheduler.settings import SchedulerSettings

_YES = frozenset({"true", "yes", "1", "on"})

Adds = Callable[[RequestSpec, SchedulerSettings], Iterable[str]]


class RequestFilter(msgspec.Struct, frozen=True):
    """`adds` tells the traits to require; () where it has nothing to ask."""

    name: str
    adds: Adds


def image_type(spec: RequestSpec, settings: SchedulerSettings) -> Iterable[str]:
    kind = spec.image_properties.get("disk_format")
    return [f"COMPUTE_IMAGE_TYPE_{kind.upper()}"] if settings.query_placement_for_image_type_support and kind else []


# Image property → what the trait of its value begins with.
_OF_IMAGE = {
    "hw_disk_bus": "COMPUTE_STORAGE_BUS_",
    "hw_cdrom_bus": "COMPUTE_STORAGE_BUS_",
    "hw_video_model": "COMPUTE_GRAPHICS_MODEL_",
    "hw_vif_model": "COMPUTE_NET_VIF_MODEL_",
    "hw_architecture": "HW_ARCH_",
    "hw_viommu_model": "COMPUTE_VIOMMU_MODEL_",
}


def image_metadata(spec: RequestSpec, settings: SchedulerSettings) -> Iterable[str]:
    """Models and buses the image insists on, and the flavor's virtual IOMMU."""
    if not settings.image_metadata_prefilter:
        return []
    wanted = spec.image_properties
    if iommu := spec.extra_specs.get("hw:viommu_model"):
        wanted = wanted | {"hw_viommu_model": iommu}
    return [prefix + _in_trait(wanted[name]) for name, prefix in _OF_IMAGE.items() if wanted.get(name)]


def _in_trait(value: str) -> str:
    return value.upper().replace("-", "_")


def accelerators(spec: RequestSpec, settings: SchedulerSettings) -> Iterable[str]:
    return ["COMPUTE_ACCELERATORS"] if "accel:device_profile" in spec.extra_specs else []


def packed_virtqueue(spec: RequestSpec, settings: SchedulerSettings) -> Iterable[str]:
    asks = _asks(spec, "hw:virtio_packed_ring", "hw_virtio_packed_ring")
    return ["COMPUTE_NET_VIRTIO_PACKED"] if asks else []


def remote_managed_ports(spec: RequestSpec, settings: SchedulerSettings) -> Iterable[str]:
    return ["COMPUTE_REMOTE_MANAGED_PORTS"] if spec.remote_managed_ports else []


def ephemeral_encryption(spec: RequestSpec, settings: SchedulerSettings) -> Iterable[str]:
    if not _asks(spec, "hw:ephemeral_encryption", "hw_ephemeral_encryption"):
        return []
    kind = _value(spec, "hw:ephemeral_encryption_format", "hw_ephemeral_encryption_format")
    return ["COMPUTE_EPHEMERAL_ENCRYPTION", *([f"COMPUTE_EPHEMERAL_ENCRYPTION_{kind.upper()}"] if kind else [])]


def virtio_sound(spec: RequestSpec, settings: SchedulerSettings) -> Iterable[str]:
    return ["COMPUTE_SOUND_MODEL_VIRTIO"] if _value(spec, "hw:sound_model", "hw_sound_model") == "virtio" else []


def tpm_secret_security(spec: RequestSpec, settings: SchedulerSettings) -> Iterable[str]:
    if not _value(spec, "hw:tpm_version", "hw_tpm_version"):
        return []
    return [f"COMPUTE_SECURITY_TPM_SECRET_SECURITY_{spec.extra_specs.get('hw:tpm_secret_security', 'user').upper()}"]


ADDING = (
    RequestFilter("require_image_type_support", image_type),
    RequestFilter("transform_image_metadata", image_metadata),
    RequestFilter("accelerators_filter", accelerators),
    RequestFilter("packed_virtqueue_filter", packed_virtqueue),
    RequestFilter("remote_managed_ports_filter", remote_managed_ports),
    RequestFilter("ephemeral_encryption_filter", ephemeral_encryption),
    RequestFilter("virtio_sound_filter", virtio_sound),
    RequestFilter("tpm_secret_security_filter", tpm_secret_security),
)

# All fourteen, in Nova's order.
REQUEST_FILTERS = (
    "require_tenant_aggregate",
    "map_az_to_placement_aggregate",
    "require_image_type_support",
    "compute_status_filter",
    "isolate_aggregates",
    "transform_image_metadata",
    "accelerators_filter",
    "packed_virtqueue_filter",
    "routed_networks_filter",
    "remote_managed_ports_filter",
    "ephemeral_encryption_filter",
    "virtio_sound_filter",
    "tpm_secret_security_filter",
    "owner_nova_filter",
)


def _value(spec: RequestSpec, extra: str, image: str) -> str:
    return spec.extra_specs.get(extra) or spec.image_properties.get(image) or ""


def _asks(spec: RequestSpec, extra: str, image: str) -> bool:
    return _value(spec, extra, image).lower() in _YES
