"""What the service tells of itself: versions, zones, services, pools, extensions."""

from typing import Any

from starlette.responses import Response

from kilonova.volume.microversion import HIGHEST, LOWEST
from kilonova.volume.view import service_view
from kilonova.volume.world import VolumeRequest, check_trusted
from kilonova.web.response import json_response

# The extensions whose whole is here: name and alias.
_EXTENSIONS = (
    ("AdminActions", "os-admin-actions"),
    ("AvailabilityZones", "os-availability-zone"),
    ("ExtendedSnapshotAttributes", "os-extended-snapshot-attributes"),
    ("Quotas", "os-quota-sets"),
    ("SchedulerStats", "scheduler-stats"),
    ("Services", "os-services"),
    ("TypesManage", "os-types-manage"),
    ("TypesExtraSpecs", "os-types-extra-specs"),
    ("VolumeActions", "os-volume-actions"),
    ("VolumeHostAttribute", "os-vol-host-attr"),
    ("VolumeImageMetadata", "os-vol-image-meta"),
    ("VolumeTenantAttribute", "os-vol-tenant-attr"),
    ("VolumeTypeAccess", "os-volume-type-access"),
)


def _version(request: VolumeRequest) -> dict[str, Any]:
    return {
        "id": "v3.0",
        "status": "CURRENT",
        "version": f"3.{HIGHEST}",
        "min_version": f"3.{LOWEST}",
        "updated": "2022-03-30T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.base}/v3/"}],
        "media-types": [{"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}],
    }


async def choices(request: VolumeRequest) -> Response:
    return json_response({"versions": [_version(request)]}, 300)


async def version(request: VolumeRequest) -> Response:
    return json_response({"versions": [_version(request)]})


async def zones(request: VolumeRequest) -> Response:
    zone = {"zoneName": request.world.settings.availability_zone, "zoneState": {"available": True}}
    return json_response({"availabilityZoneInfo": [zone]})


async def services(request: VolumeRequest) -> Response:
    check_trusted(request, "volume_extension:services:index")
    return json_response({"services": [service_view(request, request.world.clock.now())]})


async def pools(request: VolumeRequest) -> Response:
    check_trusted(request, "scheduler_extension:scheduler_stats:get_pools")
    world = request.world
    pool: dict[str, Any] = {"name": world.settings.backend}
    if request.query_params.get("detail", "").lower() in ("true", "1"):
        pool["capabilities"] = {
            "volume_backend_name": "file",
            "driver_version": "1.0",
            "storage_protocol": "file",
            "vendor_name": "Open Source",
            "total_capacity_gb": round(world.files.total_gib(), 2),
            "free_capacity_gb": round(world.files.free_gib(), 2),
            "reserved_percentage": 0,
            "thin_provisioning_support": True,
            "multiattach": True,
            "QoS_support": False,
            "timestamp": world.clock.now(),
        }
    return json_response({"pools": [pool]})


async def extensions(request: VolumeRequest) -> Response:
    told = [
        {"name": name, "alias": alias, "description": f"{name}.", "updated": "2022-03-30T00:00:00+00:00", "links": []}
        for name, alias in _EXTENSIONS
    ]
    return json_response({"extensions": told})


async def resource_filters(request: VolumeRequest) -> Response:
    told = {
        "volume": ["name", "status", "metadata", "bootable", "availability_zone", "volume_type", "multiattach"],
        "snapshot": ["name", "status", "volume_id", "metadata"],
        "attachment": ["volume_id", "status", "instance_id"],
    }
    asked = request.query_params.get("resource")
    chosen = {name: filters for name, filters in told.items() if asked in (None, name)}
    filters = [{"resource": name, "filters": filters} for name, filters in chosen.items()]
    return json_response({"resource_filters": filters})


async def no_default_types(request: VolumeRequest) -> Response:
    """Every project has the cloud's default type."""
    check_trusted(request, "volume_extension:default_get_all")
    return json_response({"default_types": []})
