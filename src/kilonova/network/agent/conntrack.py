"""The kernel's table of connections: reading it and ending single ones, by netlink (ctnetlink). Blocking."""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

_NETFILTER = 12
_GET, _DELETE = 1 << 8 | 1, 1 << 8 | 2
_REQUEST, _ACK, _DUMP = 1, 4, 0x300
_ERROR, _DONE = 2, 3
_NESTED, _TYPE = 0x8000, 0x3FFF
_ORIGINAL, _ZONE = 1, 18
_IP, _PROTOCOL = 1, 2
_SOURCES, _DESTINATIONS = (1, 3), (2, 4)
_NUMBER, _PORT, _ICMP_TYPES, _ICMP_CODES = 1, 3, (5, 8), (6, 9)
_CHUNK = 1 << 16
_ZONE_HEAD = struct.pack("=HH", 6, _ZONE)


@dataclass(frozen=True)
class Flow:
    """A connection as it began. `port` is the destination's, or the ICMP type (then `code` is set too)."""

    zone: int
    protocol: int
    source: str
    destination: str
    port: int | None
    code: int | None
    tuple_: bytes


def flows(zones: frozenset[int]) -> Iterator[Flow]:
    """All connections in `zones`. Errors: OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER) as link:
        for family in (socket.AF_INET, socket.AF_INET6):
            link.send(_message(_GET, _REQUEST | _DUMP, family, b""))
            yield from _answers(link, zones)


def end(flow: Flow) -> None:
    """Forget the connection: its next packet is judged as a new one's. Happy to find nothing."""
    family = socket.AF_INET6 if ":" in flow.source else socket.AF_INET
    body = _attribute(_ORIGINAL | _NESTED, flow.tuple_) + _attribute(_ZONE, struct.pack("!H", flow.zone))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER) as link:
        link.send(_message(_DELETE, _REQUEST | _ACK, family, body))
        link.recv(_CHUNK)


def _message(kind: int, flags: int, family: int, body: bytes) -> bytes:
    content = struct.pack("!BBH", family, 0, 0) + body
    return struct.pack("=IHHII", 16 + len(content), kind, flags, 1, 0) + content


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _answers(link: socket.socket, zones: frozenset[int]) -> Iterator[Flow]:
    while True:
        data = link.recv(_CHUNK)
        at = 0
        while at < len(data):
            length, kind = struct.unpack_from("=IH", data, at)
            if kind in (_DONE, _ERROR):
                return
            # After the netlink header (16 bytes) and netfilter's own (4).
            body = data[at + 20 : at + length]
            if _may_be_in(zones, body) and (found := _flow(body, zones)) is not None:
                yield found
            at += length + 3 & ~3


def _may_be_in(zones: frozenset[int], body: bytes) -> bool:
    """Told by a look for the attribute anywhere: of a machine's many connections few are ours and worth reading."""
    at = body.find(_ZONE_HEAD)
    while at >= 0:
        if int.from_bytes(body[at + 4 : at + 6], "big") in zones:
            return True
        at = body.find(_ZONE_HEAD, at + 1)
    return False


def _flow(body: bytes, zones: frozenset[int]) -> Flow | None:
    attributes = _attributes(body)
    zone = struct.unpack("!H", attributes[_ZONE])[0] if _ZONE in attributes else 0
    if zone not in zones or _ORIGINAL not in attributes:
        return None
    original = _attributes(attributes[_ORIGINAL])
    ip, protocol = _attributes(original.get(_IP, b"")), _attributes(original.get(_PROTOCOL, b""))
    source, destination = _first(ip, _SOURCES), _first(ip, _DESTINATIONS)
    if source is None or destination is None or _NUMBER not in protocol:
        return None
    kind, code = _first(protocol, _ICMP_TYPES), _first(protocol, _ICMP_CODES)
    port = protocol.get(_PORT)
    return Flow(
        zone=zone,
        protocol=protocol[_NUMBER][0],
        source=str(ip_address(source)),
        destination=str(ip_address(destination)),
        port=struct.unpack("!H", port)[0] if port else kind[0] if kind else None,
        code=code[0] if code else None,
        tuple_=attributes[_ORIGINAL],
    )


def _attributes(body: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        if length < 4:
            break
        found[kind & _TYPE] = body[at + 4 : at + length]
        at += length + 3 & ~3
    return found


def _first(attributes: dict[int, bytes], kinds: tuple[int, ...]) -> bytes | None:
    return next((attributes[kind] for kind in kinds if kind in attributes), None)
