"""A private MariaDB."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.servers.process import Server, free_port, need, run, server_directory, succeeds

USER = "mysql"


@contextmanager
def mariadb() -> Iterator[Callable[[], str]]:
    """While it runs: a function that makes an empty database and gives its URL."""
    program, install = need("mariadbd", "mariadb-server"), need("mariadb-install-db", "mariadb-server")
    client = need("mariadb", "mariadb-client")
    directory, port = server_directory("mariadb"), free_port()
    directory.chmod(0o777)
    data, socket = directory / "data", directory / "socket"
    try:
        run(
            [
                install,
                "--no-defaults",
                f"--datadir={data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            user=USER,
        )
        server = Server(
            [
                program,
                "--no-defaults",
                f"--datadir={data}",
                f"--socket={socket}",
                f"--port={port}",
                "--bind-address=127.0.0.1",
                f"--pid-file={directory / 'pid'}",
                "--innodb-buffer-pool-size=64M",
                "--performance-schema=off",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-flush-method=nosync",
                "--innodb-log-file-size=16M",
                "--sync-frm=0",
                "--max-connections=200",
            ],
            log=directory / "server.log",
            user=USER,
        )
        command = [client, "--no-defaults", f"--socket={socket}", "-uroot", "-e"]
        server.start(lambda: succeeds([*command, "SELECT 1"]))
        run([*command, "CREATE USER nova@'127.0.0.1' IDENTIFIED BY 's3cret@1'; GRANT ALL ON *.* TO nova@'127.0.0.1'"])
        numbers = itertools.count(1)

        def fresh() -> str:
            name = f"test_{next(numbers)}"
            run([*command, f"CREATE DATABASE {name} CHARACTER SET utf8mb4"])
            return f"mysql+pymysql://nova:s3cret%401@127.0.0.1:{port}/{name}?charset=utf8"

        try:
            yield fresh
        finally:
            server.stop()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
