"""A host without a network of ours: no root, no tools, or simulated guests. Guests use QEMU's user-mode network."""

from kilonova.model.ids import NetworkId, PortId


class NoNetworkAgent:
    """NetworkAgent and PortPlugger that touch nothing, and need not be known to the service.

    Ports bound to a host that no wiring agent speaks for are ACTIVE at once.
    """

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def changed(self, *, networks: list[str], routers: list[str], groups: list[str]) -> None:
        pass

    async def plug(self, port_id: PortId, network_id: NetworkId) -> str | None:
        return None

    async def unplug(self, port_id: PortId) -> None:
        pass
