"""Giving a lease back in a guest's name, for guests that are gone (RFC 2131, DHCPRELEASE)."""

import socket
import struct
from ipaddress import IPv4Address

_SERVER_PORT = 67
_MAGIC = bytes([99, 130, 83, 99])
_MESSAGE_TYPE, _SERVER_ID, _END = 53, 54, 255
_RELEASE = 7


def release(*, device: str, server: str, address: str, mac: str) -> None:
    """Tell the DHCP server at `server` (an address of `device` in this thread's namespace) that `address` is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        # So that the server sees it come in by the device it listens on, not by loopback.
        sending.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        sending.sendto(release_message(server=server, address=address, mac=mac), (server, _SERVER_PORT))


def release_message(*, server: str, address: str, mac: str) -> bytes:
    hardware = bytes.fromhex(mac.replace(":", ""))
    head = struct.pack("!BBBBIHH", 1, 1, len(hardware), 0, 0, 0, 0)
    addresses = IPv4Address(address).packed + bytes(12)
    options = bytes([_MESSAGE_TYPE, 1, _RELEASE, _SERVER_ID, 4]) + IPv4Address(server).packed + bytes([_END])
    return head + addresses + hardware.ljust(16, b"\0") + bytes(192) + _MAGIC + options
