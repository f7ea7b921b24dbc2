"""Services: which run where, and whether they are heard of."""

import msgspec

from kilonova.model.errors import NotFound
from kilonova.model.time import Timestamp

COMPUTE = "nova-compute"


class ServiceNotFound(NotFound):
    def __init__(self, service: str) -> None:
        super().__init__(f"Service {service} could not be found.")
        self.service = service


class HostBinaryNotFound(NotFound):
    def __init__(self, binary: str, host: str) -> None:
        super().__init__(f"Could not find binary {binary} on host {host}.")
        self.binary = binary
        self.host = host


class Service(msgspec.Struct, frozen=True):
    """`number` is the id that clients below 2.53 know."""

    number: int
    id: str
    binary: str
    host: str
    disabled: int
    disabled_reason: str | None
    forced_down: int
    last_seen_at: Timestamp | None
    updated_at: Timestamp | None

    def is_up(self, seen_since: Timestamp) -> bool:
        """Heard of at or after `seen_since`, and not forced down."""
        return not self.forced_down and self.last_seen_at is not None and self.last_seen_at >= seen_since

    @property
    def status(self) -> str:
        return "disabled" if self.disabled else "enabled"
