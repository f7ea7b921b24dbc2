"""Anti-spoofing: what a guest may send, as rules of the bridge family. Pure."""

from collections.abc import Iterator
from ipaddress import IPv6Address, ip_network

from kilonova.contract.network_agent import PortState


def guard(port: PortState) -> Iterator[str]:
    """Rules for frames from the guest: its own MAC and addresses (and allowed pairs), no DHCP server, no router."""
    macs = sorted({port.mac, *(pair.mac for pair in port.pairs)})
    yield f"ether saddr != {{ {', '.join(macs)} }} drop"
    yield f"ether type arp arp saddr ether != {{ {', '.join(macs)} }} drop"
    yield from _four(port)
    yield from _six(port)
    yield "ether type != { ip, arp, ip6 } drop"


def _owned(port: PortState, version: int) -> list[str]:
    texts = [*port.addresses, *(pair.address for pair in port.pairs)]
    networks = [ip_network(text, strict=False) for text in texts]
    return sorted({str(network) for network in networks if network.version == version})


def _four(port: PortState) -> Iterator[str]:
    yield "ether type ip udp sport 67 udp dport 68 drop"
    yield "ether type ip ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept"
    # A probe for a double address bears no sender's address.
    yield "ether type arp arp saddr ip 0.0.0.0 accept"
    for address in _owned(port, 4):
        yield f"ether type arp arp saddr ip {address} accept"
        yield f"ether type ip ip saddr {address} accept"
    yield "ether type { ip, arp } drop"


def _six(port: PortState) -> Iterator[str]:
    yield "ether type ip6 udp sport 547 udp dport 546 drop"
    yield "ether type ip6 icmpv6 type { nd-router-advert, nd-redirect } drop"
    yield "ether type ip6 ip6 saddr :: accept"
    yield f"ether type ip6 ip6 saddr {link_local(port.mac)} accept"
    for address in _owned(port, 6):
        yield f"ether type ip6 ip6 saddr {address} accept"
    yield "ether type ip6 drop"


def link_local(mac: str) -> str:
    """The address a guest gives itself (RFC 4291, appendix A)."""
    bytes_ = bytes.fromhex(mac.replace(":", ""))
    tail = bytes([bytes_[0] ^ 2, *bytes_[1:3], 0xFF, 0xFE, *bytes_[3:]])
    return str(IPv6Address(bytes([0xFE, 0x80, 0, 0, 0, 0, 0, 0]) + tail))
