"""Files are copied while nobody writes to them: nobody may begin to before the copy is done."""

from kilonova.db.database import Reader
from kilonova.model.volume import SnapshotStatus
from kilonova.volume.errors import InvalidVolume
from kilonova.volume.store import snapshots, volumes


async def check_not_copied(db: Reader, volume_id: str) -> None:
    """Errors: InvalidVolume while a snapshot or another volume is being made from this one."""
    derived = await snapshots.of_volume(db, volume_id)
    if any(one.status == SnapshotStatus.CREATING for one in derived):
        raise InvalidVolume(f"A snapshot of volume {volume_id} is being created.")
    if await volumes.being_made_from(db, volume_id):
        raise InvalidVolume(f"Volume {volume_id} is being copied.")
