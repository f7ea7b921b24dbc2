"""Errors only hypervisors raise."""

from kilonova.model.errors import Conflict, InternalError, NotSupported


class GuestOperationFailed(InternalError):
    """The hypervisor tried and failed; the message holds its own words, for the log and the operator."""

    def __init__(self, operation: str, guest: str, reason: str) -> None:
        super().__init__(f"{operation} of guest {guest} failed: {reason}")
        self.operation = operation
        self.guest = guest
        self.reason = reason


class GuestAgentMissing(NotSupported):
    """The operation needs the agent inside the guest, and none answers."""

    def __init__(self, guest: str) -> None:
        super().__init__(f"QEMU guest agent is not available in guest {guest}.")
        self.guest = guest


class GuestMustBeOff(Conflict):
    """Disks are swapped only under a guest that does not run."""

    def __init__(self, guest: str, operation: str) -> None:
        super().__init__(f"Cannot {operation} of guest {guest} while it runs.")
        self.guest = guest
        self.operation = operation
