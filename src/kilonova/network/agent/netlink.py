"""What the kernel says of a namespace's devices and addresses (rtnetlink), without starting a program. Blocking.

Source: linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h.
"""

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from kilonova.network.errors import NetworkUnavailable

_ROUTE = 0
_GET_LINK, _GET_ADDRESS = 18, 22
_REQUEST_DUMP = 0x301
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_LINK, _ADDRESS = struct.Struct("=BxHiII"), struct.Struct("=BBBBi")
_LINK_MAC, _LINK_NAME, _LINK_MTU, _LINK_MASTER = 1, 3, 4, 10
_ADDRESS_PEER, _ADDRESS_LOCAL = 1, 2
_UP = 1
_SCOPE_LINK = 253
_CHUNK = 1 << 18


@dataclass(frozen=True)
class RawLink:
    """A device; `master` is the number of the one it is on, 0 for none."""

    index: int
    name: str
    mac: str
    mtu: int
    master: int
    up: bool


def links() -> list[RawLink]:
    """All devices of this thread's namespace. Errors: NetworkUnavailable."""
    return [_link(body) for body in _dump(_GET_LINK)]


def addresses() -> Iterator[tuple[int, str]]:
    """The device's number and an address with prefix length; those valid on the link only are the kernel's own."""
    for body in _dump(_GET_ADDRESS):
        _, bits, _, scope, index = _ADDRESS.unpack_from(body)
        found = _attributes(body, _ADDRESS.size)
        packed = found.get(_ADDRESS_LOCAL) or found.get(_ADDRESS_PEER)
        if packed is not None and scope != _SCOPE_LINK:
            yield index, f"{ip_address(packed)}/{bits}"


def _link(body: bytes) -> RawLink:
    _, _, index, flags, _ = _LINK.unpack_from(body)
    found = _attributes(body, _LINK.size)
    return RawLink(
        index=index,
        name=found[_LINK_NAME].rstrip(b"\0").decode(),
        mac=found.get(_LINK_MAC, b"").hex(":"),
        mtu=_number(found.get(_LINK_MTU)),
        master=_number(found.get(_LINK_MASTER)),
        up=bool(flags & _UP),
    )


def _number(value: bytes | None) -> int:
    return int(struct.unpack("=I", value)[0]) if value else 0


def _dump(kind: int) -> Iterator[bytes]:
    """The messages' bodies. Errors: NetworkUnavailable."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _ROUTE) as kernel:
            kernel.send(_HEADER.pack(_HEADER.size + _LINK.size, kind, _REQUEST_DUMP, 1, 0) + bytes(_LINK.size))
            while True:
                data, at = kernel.recv(_CHUNK), 0
                while at < len(data):
                    length, kind_, _, _, _ = _HEADER.unpack_from(data, at)
                    if kind_ == _DONE:
                        return
                    if kind_ == _ERROR:
                        number = -struct.unpack_from("=i", data, at + _HEADER.size)[0]
                        raise OSError(number, "the kernel refused")
                    yield data[at + _HEADER.size : at + length]
                    at += length + 3 & ~3
    except OSError as error:
        raise NetworkUnavailable(f"devices cannot be listed: {error}") from error


def _attributes(body: bytes, at: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while at + 4 <= len(body):
        length, kind = struct.unpack_from("=HH", body, at)
        if length < 4:
            break
        found[kind & 0x3FFF] = body[at + 4 : at + length]
        at += length + 3 & ~3
    return found
