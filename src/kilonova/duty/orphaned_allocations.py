"""No allocation outlives its server, or its server's move."""

from kilonova.contract.placement import Placement
from kilonova.db.database import Reader
from kilonova.duty.dead_servers import dead_moves, dead_servers


async def orphaned_allocations(db: Reader, placement: Placement) -> list[str]:
    """Release them; answers whose they were. What others than us have claimed is theirs."""
    consumers = set(await placement.consumers())
    orphans = sorted(await dead_servers(db, consumers) | await dead_moves(db, consumers))
    for consumer in orphans:
        await placement.release(consumer)
    return orphans
