"""Names of what the agent makes on a host: two clouds on one machine never meet, and each finds its own again."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

# Linux allows 15 characters for a device: a prefix of 5, a letter for the kind, 9 hex digits of the id.
_DIGITS = 9

METADATA_ADDRESS = "169.254.169.254"


def prefix_for(state_dir: Path) -> str:
    """`kn` and three hex digits of the state directory's path."""
    return "kn" + hashlib.sha256(str(state_dir.resolve()).encode()).hexdigest()[:3]


@dataclass(frozen=True)
class Names:
    """`prefix` is five characters, `kn` and three hex digits."""

    prefix: str

    @property
    def cloud(self) -> int:
        """Twelve bits that tell this cloud's packet marks from another's."""
        return int(self.prefix[2:], 16)

    def _device(self, kind: str, id: str) -> str:
        return f"{self.prefix}{kind}{id.replace('-', '')[:_DIGITS]}"

    def bridge(self, network_id: str) -> str:
        return self._device("b", network_id)

    def tap(self, port_id: str) -> str:
        return self._device("t", port_id)

    def dhcp_port(self, network_id: str) -> str:
        """The bridge's end of the DHCP namespace's cable."""
        return self._device("d", network_id)

    def router_port(self, port_id: str) -> str:
        """The bridge's end of a router's cable."""
        return self._device("r", port_id)

    def router_inner(self, port_id: str, *, gateway: bool) -> str:
        """The router's end, named as Neutron's users know it."""
        return f"{'qg' if gateway else 'qr'}-{port_id.replace('-', '')[:11]}"

    def host_end(self, network_id: str) -> str:
        """The host's own device on an external network."""
        return self._device("h", network_id)

    def host_port(self, network_id: str) -> str:
        """The bridge's end of `host_end`."""
        return self._device("p", network_id)

    def dhcp_namespace(self, network_id: str) -> str:
        return f"{self.prefix}-dhcp-{network_id}"

    def router_namespace(self, router_id: str) -> str:
        return f"{self.prefix}-router-{router_id}"

    def owns_namespace(self, name: str) -> bool:
        return name.startswith(f"{self.prefix}-")

    def owns_device(self, name: str) -> bool:
        return name.startswith(self.prefix)
