"""Gratuitous ARP: tells a link who has an address now (RFC 5227)."""

import socket
import struct
from ipaddress import IPv4Address

_ETHERNET_ARP = 0x0806
_BROADCAST = b"\xff" * 6


def announce(device: str, address: str) -> None:
    """Say on `device` (of this thread's namespace) that `address` is here."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERNET_ARP)) as sending:
        sending.bind((device, _ETHERNET_ARP))
        own: bytes = sending.getsockname()[4]
        sending.send(announcement(own, address))


def announcement(mac: bytes, address: str) -> bytes:
    packed = IPv4Address(address).packed
    head = _BROADCAST + mac + struct.pack("!HHHBBH", _ETHERNET_ARP, 1, 0x0800, 6, 4, 1)
    return head + mac + packed + bytes(6) + packed
