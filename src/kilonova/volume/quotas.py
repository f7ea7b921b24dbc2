"""Limits of a project, and whether something more fits."""

from kilonova.db.database import Reader, Transaction
from kilonova.volume.errors import OverQuota
from kilonova.volume.store import projects, snapshots, volumes
from kilonova.volume.world import QUOTAS, World


async def limits_of(world: World, project_id: str, reader: Reader | None = None) -> dict[str, int]:
    own = await projects.limits(reader or world.db, project_id)
    return {name: own.get(name, world.settings.quotas.get(name, default)) for name, default in QUOTAS.items()}


async def usage_of(reader: Reader, project_id: str) -> dict[str, int]:
    """Everything that has a row counts, whatever its status; snapshots count as gigabytes too."""
    volume_count, volume_gib = await volumes.usage(reader, project_id)
    snapshot_count, snapshot_gib = await snapshots.usage(reader, project_id)
    unused = dict.fromkeys(QUOTAS, 0)
    return {**unused, "volumes": volume_count, "snapshots": snapshot_count, "gigabytes": volume_gib + snapshot_gib}


async def claim(
    world: World, tx: Transaction, project_id: str, *, volumes: int = 0, snapshots: int = 0, gigabytes: int
) -> None:
    """Hold the project's lock and see that this much more fits. Call `projects.ensure` before. Errors: OverQuota."""
    await projects.lock(tx, project_id, world.clock.now())
    limits = await limits_of(world, project_id, tx)
    used = await usage_of(tx, project_id)
    if limits["volumes"] >= 0 and volumes and used["volumes"] + volumes > limits["volumes"]:
        raise OverQuota(f"VolumeLimitExceeded: Maximum number of volumes allowed ({limits['volumes']}) exceeded")
    if limits["snapshots"] >= 0 and snapshots and used["snapshots"] + snapshots > limits["snapshots"]:
        raise OverQuota(f"SnapshotLimitExceeded: Maximum number of snapshots allowed ({limits['snapshots']}) exceeded")
    if limits["gigabytes"] >= 0 and used["gigabytes"] + gigabytes > limits["gigabytes"]:
        raise OverQuota(
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
            f"Requested {gigabytes}G, quota is {limits['gigabytes']}G and {used['gigabytes']}G has been consumed."
        )


async def check_size(world: World, project_id: str, size_gib: int) -> None:
    """Errors: OverQuota for a volume larger than any may be."""
    limit = (await limits_of(world, project_id))["per_volume_gigabytes"]
    if 0 <= limit < size_gib:
        raise OverQuota(
            f"VolumeSizeExceedsLimit: Requested volume size {size_gib}G is larger than maximum allowed limit {limit}G."
        )
