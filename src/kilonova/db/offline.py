"""What Alembic would do, as SQL text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory


class _Statements:
    """Looks like a file; Alembic writes one statement at a time."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def write(self, text: str) -> None:
        statement = text.strip().removesuffix(";")
        if not statement.startswith("--"):
            self.found.append(statement)

    def flush(self) -> None:
        """Nothing is held back."""


def scripts(versions: Path) -> ScriptDirectory:
    return ScriptDirectory(str(versions), version_locations=[str(versions)])


def sql_to_head(versions: Path, dialect: str, reached: str | None) -> list[str]:
    """The statements that lead from the version `reached` (None: an empty database) to the newest."""
    directory, statements = scripts(versions), _Statements()

    def steps(revision: Any, context: Any) -> Any:
        return directory._upgrade_revs("head", revision)

    migrate: Callable[..., Any] = steps
    with EnvironmentContext(
        Config(), directory, fn=migrate, as_sql=True, starting_rev=reached, destination_rev="head"
    ) as environment:
        environment.configure(
            dialect_name=dialect,
            dialect_opts={"paramstyle": "named"},
            output_buffer=statements,  # type: ignore[arg-type]
        )
        environment.run_migrations()
    return statements.found
