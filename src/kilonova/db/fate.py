"""Whether a transaction can still be committed."""

from types import TracebackType

from kilonova.model.errors import InternalError


class Fate:
    """A failed statement dooms its transaction, on every engine alike.

    PostgreSQL takes nothing more then and turns the commit into a silent rollback, MariaDB has rolled back after a
    deadlock and would commit what follows piece by piece, SQLite would go on. Ours says so instead, on all three.
    """

    __slots__ = ("_doomed",)

    def __init__(self) -> None:
        self._doomed = False

    def check(self) -> None:
        """Errors: InternalError after a failed statement that no `attempt` caught."""
        if self._doomed:
            raise InternalError("A statement of this transaction failed; try such statements inside of `attempt`.")

    def mended(self) -> None:
        self._doomed = False

    def __enter__(self) -> None:
        self.check()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._doomed = True
