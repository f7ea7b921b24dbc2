"""From Nova's `[database]connection` to an open database."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from kilonova.db.database import Database
from kilonova.db.errors import DatabaseUnavailable
from kilonova.db.pooled import POOL_SIZE
from kilonova.db.sqlite import SqliteDatabase


async def connect(url: str, *, pool_size: int = POOL_SIZE) -> Database:
    """Open `sqlite:///PATH`, `postgresql[+driver]://…` or `mysql[+driver]://…`; the driver named is not the one used.

    `pool_size`: connections at most, for a database behind a socket.
    Errors: DatabaseUnavailable, ValueError for a URL of another kind.
    """
    kind = url.partition(":")[0].partition("+")[0]
    # The drivers weigh some megabytes each: only the one that is used is loaded.
    if kind == "sqlite":
        return SqliteDatabase(sqlite_path(url))
    if kind in ("postgresql", "postgres"):
        from kilonova.db.postgresql import connect_postgresql

        return await connect_postgresql(url, pool_size=pool_size)
    if kind in ("mysql", "mariadb"):
        from kilonova.db.mariadb import connect_mariadb

        return await connect_mariadb(url, pool_size=pool_size)
    raise ValueError(f"Not a database this program knows: {kind}:// (sqlite, postgresql or mysql)")


def sqlite_path(url: str) -> Path:
    """`sqlite:////var/lib/x.db` is absolute, `sqlite:///x.db` is relative to the working directory."""
    path = unquote(urlsplit(url).path)[1:]
    if not path or path == ":memory:":
        raise DatabaseUnavailable("An SQLite database needs a file: sqlite:////path/to/file.db")
    return Path(path)
