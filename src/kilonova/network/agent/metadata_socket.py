"""The listening socket of the metadata address, made inside a network's namespace and served from outside. Blocking."""

import socket

from kilonova.network.agent.commands import inside
from kilonova.network.agent.names import METADATA_ADDRESS

_PORT = 80


def listen(namespace: str) -> socket.socket:
    """A socket listening on 169.254.169.254:80 in `namespace`. Errors: NetworkUnavailable, OSError (in use)."""
    with inside(namespace):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((METADATA_ADDRESS, _PORT))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening
