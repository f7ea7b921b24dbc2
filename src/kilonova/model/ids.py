"""Identifiers, each a type of its own so that they cannot be mixed up. All are strings on the wire."""

import re
from typing import NewType

ServerId = NewType("ServerId", str)
FlavorId = NewType("FlavorId", str)
ImageId = NewType("ImageId", str)
NetworkId = NewType("NetworkId", str)
PortId = NewType("PortId", str)
VolumeId = NewType("VolumeId", str)
ProjectId = NewType("ProjectId", str)
UserId = NewType("UserId", str)
HostName = NewType("HostName", str)
SagaId = NewType("SagaId", str)
RequestId = NewType("RequestId", str)

# A guest is the hypervisor's side of a server and bears the server's id.
GuestId = ServerId

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)


def is_uuid_like(text: str) -> bool:
    """True for a uuid with or without dashes, in any case (what Nova's clients may send)."""
    return _UUID.fullmatch(text) is not None
