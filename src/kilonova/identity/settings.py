"""What an operator may set of identity."""

from pathlib import Path

import msgspec


class IdentitySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Durations in seconds. Argon2's defaults are OWASP's (2 passes, 19 MiB, 1 lane): about 23 ms of CPU a check."""

    keys_dir: Path
    token_lifetime_s: float = 3600.0
    # How long after its end a token may still be looked at by a service that asks with `allow_expired`.
    allow_expired_window_s: float = 172800.0
    max_active_keys: int = 3
    argon2_time_cost: int = 2
    argon2_memory_kib: int = 19456
    argon2_parallelism: int = 1
    # Catalog and roles read by another process's change are at most this old, even when its message was lost.
    cache_s: float = 5.0
