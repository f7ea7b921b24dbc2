"""How a developer writes down that tables have changed.

python -m kilonova.launch.revise "what has changed"     # a new version in db/versions
python -m kilonova.launch.revise --anew                 # one version instead of all (before the first release)
"""

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import CreateIndexOp, CreateTableOp, ModifyTableOps, UpgradeOps
from alembic.runtime.migration import MigrationContext
from sqlalchemy import String, create_engine
from sqlalchemy.types import TypeEngine

from kilonova.db import schema
from kilonova.db.upgrade import VERSIONS, head, upgrade
from kilonova.launch.schema import all_tables

TEMPLATE = '''"""{message}"""

import sqlalchemy as sa
from alembic import op

from kilonova.db import schema

revision = "{revision}"
down_revision = {before}
branch_labels = None
depends_on = None


def upgrade() -> None:
    {upgrade}
'''

_KINDS = {
    id(kind): f"schema.{name}" for name, kind in vars(schema).items() if name.isupper() and isinstance(kind, TypeEngine)
}


def differences(url: str) -> UpgradeOps:
    """What an SQLite database at `url` lacks. Blocking."""
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        script = produce_migrations(context, all_tables())
    engine.dispose()
    assert script.upgrade_ops is not None
    return script.upgrade_ops


def _kind(sort: str, item: Any, context: Any) -> str | Literal[False]:
    """Our names for our kinds of columns."""
    if sort != "type" or not isinstance(item, TypeEngine):
        return False
    if id(item) in _KINDS:
        return _KINDS[id(item)]
    variant = getattr(item, "_variant_mapping", {}).get("mysql")
    if isinstance(item, String) and getattr(variant, "collation", None) == "utf8mb4_bin" and item.length:
        return f"schema.text({item.length})"
    return False


def _careful(operations: UpgradeOps) -> UpgradeOps:
    """MariaDB cannot undo half an upgrade: what is there already when it is repeated is left alone."""
    for operation in operations.ops:
        for one in operation.ops if isinstance(operation, ModifyTableOps) else [operation]:
            if isinstance(one, CreateTableOp | CreateIndexOp):
                one.if_not_exists = True
    return operations


def write_version(message: str) -> Path | None:
    """A new script in `db/versions`; None when nothing has changed."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/now.db"
        asyncio.run(upgrade(url))
        operations = _careful(differences(url))
        if operations.is_empty():
            return None
        engine = create_engine(url)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            code = render_python_code(operations, migration_context=context, render_item=_kind)
        engine.dispose()
    revision = f"{int(head() or 0) + 1:04}"
    words = "_".join(re.findall(r"[a-z0-9]+", message.lower()))[:40]
    path = VERSIONS / f"{revision}_{words}.py"
    before = f'"{head()}"' if head() else None
    # Alembic's remarks go, and its indentation is the formatter's business.
    body = re.sub(r"\n? *# ### .* ###\n?", "", code).strip()
    path.write_text(TEMPLATE.format(message=message, revision=revision, before=before, upgrade=body))
    for command in ("format --quiet", "check --fix --quiet"):
        subprocess.run([sys.executable, "-m", "ruff", *command.split(), str(path)], check=True)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m kilonova.launch.revise")
    parser.add_argument("message", nargs="?", default="All tables", help="what has changed")
    parser.add_argument("--anew", action="store_true", help="forget all versions first")
    given = parser.parse_args()
    if given.anew:
        for script in VERSIONS.glob("[0-9]*.py"):
            script.unlink()
        head.cache_clear()
    print(write_version(given.message) or "Nothing has changed.")


if __name__ == "__main__":
    main()
