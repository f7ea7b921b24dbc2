"""Errors, by family. The family decides the status a REST service answers; the text is what clients match.

An error crosses the queue as its class's name, its message and its public attributes, and is raised again as the same
class on the other side, so an error class keeps nothing but plain values.
"""

from typing import Any, ClassVar, Self


class KilonovaError(Exception):
    """The root. `message` is shown to users unless the family says otherwise."""

    kinds: ClassVar[dict[str, type["KilonovaError"]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        KilonovaError.kinds[cls.__name__] = cls

    @property
    def message(self) -> str:
        return str(self.args[0]) if self.args else type(self).__name__

    def public(self) -> dict[str, Any]:
        """Attributes that travel with the error."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    @classmethod
    def revive(cls, kind: str, message: str, attributes: dict[str, Any]) -> "KilonovaError":
        """The error that `public` and `message` came from; an unknown kind becomes InternalError."""
        found = cls.kinds.get(kind, InternalError)
        error = found.__new__(found)
        Exception.__init__(error, message)
        vars(error).update(attributes)
        return error

    def because(self, cause: BaseException) -> Self:
        """`raise X().because(e)` where `from` does not reach."""
        self.__cause__ = cause
        return self


class BadRequest(KilonovaError):
    """The request is wrong in itself: 400."""


class Unauthenticated(KilonovaError):
    """No token, or one that is not valid: 401."""


class Forbidden(KilonovaError):
    """Known caller, not allowed; quotas too: 403."""


class NotFound(KilonovaError):
    """404."""


class MethodNotAllowed(KilonovaError):
    """There is such a resource, but not such a method of it: 405."""


class NotAcceptable(KilonovaError):
    """406."""


class Conflict(KilonovaError):
    """The state of something forbids it now: 409."""


class Gone(KilonovaError):
    """410."""


class TooLarge(KilonovaError):
    """413."""


class UnsupportedMedia(KilonovaError):
    """415."""


class NotSupported(KilonovaError):
    """The driver or the cloud has no such ability: 501."""


class Unavailable(KilonovaError):
    """A needed part does not answer now; trying again may help: 503."""


class InternalError(KilonovaError):
    """Something we did not foresee: 500. The message is for the log, never for the user."""


class GuestNotFound(NotFound):
    def __init__(self, guest: str) -> None:
        super().__init__(f"Guest {guest} could not be found.")
        self.guest = guest


class GuestNotRunning(Conflict):
    def __init__(self, guest: str) -> None:
        super().__init__(f"Instance {guest} is not running.")
        self.guest = guest


class ConsoleUnavailable(BadRequest):
    def __init__(self, kind: str) -> None:
        super().__init__(f"Unavailable console type {kind}.")
        self.kind = kind


class DetachRefused(Conflict):
    """The guest did not let a device go in time."""


class HypervisorUnavailable(Unavailable):
    """The hypervisor cannot be reached or started; the message says why."""
