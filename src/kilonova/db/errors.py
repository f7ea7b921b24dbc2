"""What can go wrong between us and a database, the same for every engine."""

from kilonova.model.errors import Conflict, Unavailable


class AlreadyThere(Conflict):
    """A unique constraint says there is such a row already."""


class TryAgain(Unavailable):
    """The engine gave this transaction up in favour of another (deadlock, serialization); repeating it will do."""


class DatabaseUnavailable(Unavailable):
    """The database cannot be reached."""
