"""Gratuitous ARP: tells a link who has an address now (RFC 5227)."""

import fcntl
import socket
import struct
from ipaddress import IPv4Address

_ETHERNET_ARP = 0x0806
_GET_HARDWARE_ADDRESS = 0x8927
_BROADCAST = b"\xff" * 6


def announce(device: str, address: str) -> None:
    """Say on `device` (of this thread's namespace) that `address` is here."""
    # Protocol 0: it hears nothing, so the kernel need not wait for all its processors when it goes.
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sending:
        sending.sendto(announcement(_mac_of(sending, device), address), (device, _ETHERNET_ARP))


def _mac_of(any_socket: socket.socket, device: str) -> bytes:
    """Source of the layout: netdevice(7), struct ifreq."""
    asked = struct.pack("16s16x8x", device.encode())
    return fcntl.ioctl(any_socket, _GET_HARDWARE_ADDRESS, asked)[18:24]


def announcement(mac: bytes, address: str) -> bytes:
    packed = IPv4Address(address).packed
    head = _BROADCAST + mac + struct.pack("!HHHBBH", _ETHERNET_ARP, 1, 0x0800, 6, 4, 1)
    return head + mac + packed + bytes(6) + packed
