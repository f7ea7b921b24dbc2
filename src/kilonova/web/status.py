"""Families of errors and the HTTP status each is shown as. The only such table; services render the body their way."""

from kilonova.model import errors

_FAMILIES: tuple[tuple[type[errors.KilonovaError], int], ...] = (
    (errors.BadRequest, 400),
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.MethodNotAllowed, 405),
    (errors.NotAcceptable, 406),
    (errors.Conflict, 409),
    (errors.Gone, 410),
    (errors.TooLarge, 413),
    (errors.UnsupportedMedia, 415),
    (errors.NotSupported, 501),
    (errors.Unavailable, 503),
)


def status_of(error: BaseException) -> int:
    """500 for what belongs to no family."""
    for family, status in _FAMILIES:
        if isinstance(error, family):
            return status
    return 500


def family_of(status: int) -> type[errors.KilonovaError]:
    """The family a peer's status stands for; other 4xx count as bad requests, 5xx as unavailable."""
    for family, code in _FAMILIES:
        if code == status:
            return family
    return errors.BadRequest if 400 <= status < 500 else errors.Unavailable
