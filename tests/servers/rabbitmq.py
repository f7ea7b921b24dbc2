"""A private RabbitMQ node with a port mapper of its own. About seven seconds on a quiet machine."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.process import Server, answers, free_port, need, server_directory

# Not /usr/sbin/rabbitmq-server, which switches the user.
PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"

CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = nova
default_pass = secret
loopback_users = none
vm_memory_high_watermark.absolute = 400MB
disk_free_limit.absolute = 50MB
"""


@contextmanager
def rabbitmq() -> Iterator[str]:
    """Its transport URL while it runs."""
    program = need(PROGRAM, "rabbitmq-server")
    directory, port = server_directory("rabbitmq"), free_port()
    environment = _environment(directory, port)
    mapper_port = int(environment["ERL_EPMD_PORT"])
    mapper = Server(
        [need("epmd", "erlang-base"), "-address", "127.0.0.1", "-port", str(mapper_port)], log=directory / "epmd.log"
    )
    node = Server([program], log=directory / "node.log", environment=environment)
    try:
        mapper.start(lambda: answers(mapper_port))
        # Ready is what answers the protocol's greeting, not what merely listens.
        node.start(lambda: answers(port, say=b"AMQP\0\0\x09\x01", expect=b"\x01"))
        yield f"rabbit://nova:secret@127.0.0.1:{port}/"
    finally:
        node.stop()
        mapper.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _environment(directory: Path, port: int) -> dict[str, str]:
    (directory / "home").mkdir()
    (directory / "enabled").write_text("[].\n")
    (directory / "rabbit.conf").write_text(CONFIGURATION.format(port=port))
    return {
        "HOME": str(directory / "home"),
        "RABBITMQ_NODENAME": "kilonova@localhost",
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbit.conf"),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled"),
        "RABBITMQ_PID_FILE": str(directory / "pid"),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "ERL_EPMD_PORT": str(free_port()),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none",
    }
