"""Errors of the network on a host."""

from kilonova.model.errors import NotFound, Unavailable


class PortNotWanted(NotFound):
    """The network service has no such port bound to this host."""

    def __init__(self, port_id: str, host: str) -> None:
        super().__init__(f"Port {port_id} is not bound to host {host}.")
        self.port_id = port_id


class NetworkUnavailable(Unavailable):
    """The host's network could not be made as wanted; the message says which command failed and why."""
