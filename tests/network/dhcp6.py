"""A DHCPv6 client (RFC 8415) as short as can be: it solicits, takes what is offered, and tells the address."""

import socket
import struct
from ipaddress import IPv6Address

_SERVERS = "ff02::1:2"
_SOLICIT, _ADVERTISE, _REQUEST, _REPLY = 1, 2, 3, 7
_CLIENT_ID, _SERVER_ID, _NON_TEMPORARY, _ADDRESS = 1, 2, 3, 5
_TRANSACTION = b"\x01\x02\x03"


def asked_of_dhcp6(device: str, mac: str, *, patience_s: float = 10.0) -> str:
    """The address that DHCPv6 gives to `mac` on `device` of this thread's namespace. Errors: TimeoutError."""
    own = bytes.fromhex(mac.replace(":", ""))
    mine = _option(_CLIENT_ID, struct.pack("!HH", 3, 1) + own)
    wish = _option(_NON_TEMPORARY, own[2:] + bytes(8))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asking:
        asking.settimeout(patience_s)
        asking.bind(("::", 546))
        there = (_SERVERS, 547, 0, socket.if_nametoindex(device))
        offered = _exchange(asking, there, _SOLICIT, mine + wish, _ADVERTISE)
        server = _option(_SERVER_ID, offered[_SERVER_ID])
        given = _exchange(asking, there, _REQUEST, mine + server + wish, _REPLY)
    return str(IPv6Address(_options(given[_NON_TEMPORARY][12:])[_ADDRESS][:16]))


def _exchange(
    asking: socket.socket, there: tuple[str, int, int, int], kind: int, body: bytes, answer: int
) -> dict[int, bytes]:
    asking.sendto(bytes([kind]) + _TRANSACTION + body, there)
    while True:
        said = asking.recv(1500)
        if said[0] == answer and said[1:4] == _TRANSACTION:
            return _options(said[4:])


def _option(kind: int, value: bytes) -> bytes:
    return struct.pack("!HH", kind, len(value)) + value


def _options(body: bytes) -> dict[int, bytes]:
    found = {}
    while len(body) >= 4:
        kind, length = struct.unpack_from("!HH", body)
        found[kind], body = body[4 : 4 + length], body[4 + length :]
    return found
