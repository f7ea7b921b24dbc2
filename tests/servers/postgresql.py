"""A private PostgreSQL."""

import itertools
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import Server, free_port, need, run, server_directory, succeeds

PROGRAMS = Path("/usr/lib/postgresql")
USER = "postgres"
LOCALE = ("-E", "UTF8", "--locale=C.UTF-8")
SETTINGS = (
    *("-c", "listen_addresses=127.0.0.1"),
    *("-c", "shared_buffers=32MB"),
    *("-c", "max_connections=200"),
    *("-c", "fsync=off"),
)


@contextmanager
def postgresql() -> Iterator[Callable[[], str]]:
    """While it runs: a function that makes an empty database and gives its URL."""
    version = max((int(found.name) for found in PROGRAMS.glob("[0-9]*")), default=15)
    programs = PROGRAMS / str(version) / "bin"
    need(programs / "initdb", "postgresql")
    directory, port = server_directory("postgresql"), free_port()
    directory.chmod(0o777)
    data = directory / "data"
    try:
        run(
            [str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", "nova", "--no-sync", *LOCALE],
            user=USER,
        )
        server = Server(
            [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-k", str(directory), *SETTINGS],
            log=directory / "server.log",
            user=USER,
        )
        where = ["-h", "127.0.0.1", "-p", str(port), "-U", "nova"]
        server.start(lambda: succeeds([str(programs / "pg_isready"), *where]))
        numbers = itertools.count(1)

        def fresh() -> str:
            name = f"test_{next(numbers)}"
            run([str(programs / "createdb"), *where, name])
            return f"postgresql://nova:secret@127.0.0.1:{port}/{name}"

        try:
            yield fresh
        finally:
            # A fast shutdown: connections that tests left open are cut.
            server.stop(ask_with=signal.SIGINT)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
