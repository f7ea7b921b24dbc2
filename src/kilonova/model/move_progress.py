"""How far a guest that moves as it runs has come."""

import msgspec


class MoveProgress(msgspec.Struct, frozen=True, kw_only=True):
    """In bytes. What is written meanwhile is sent again: more may be processed than there is in all."""

    memory_total: int
    memory_processed: int
    memory_remaining: int
    disk_total: int = 0
    disk_processed: int = 0
    disk_remaining: int = 0
