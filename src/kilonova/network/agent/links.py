"""Devices of a network namespace as they are, and the commands that bring them to what is wanted."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from kilonova.network.agent.commands import run


@dataclass(frozen=True)
class Link:
    """A device. `addresses` with prefix length; link-local IPv6 ones are the kernel's own and left out."""

    name: str
    index: int
    mac: str
    mtu: int
    master: str | None
    up: bool
    addresses: frozenset[str]


def read_links(namespace: str | None = None) -> dict[str, Link]:
    """All devices by name. Errors: NetworkUnavailable."""
    where = ("-n", namespace) if namespace else ()
    told = msgspec.json.decode(run("ip", *where, "-j", "addr", "show") or "[]", type=list[_Told])
    return {one.ifname: one.link() for one in told}


class _ToldAddress(msgspec.Struct):
    local: str
    prefixlen: int
    scope: str = ""


class _Told(msgspec.Struct):
    """A device as `ip -j addr` tells of it."""

    ifname: str
    ifindex: int
    flags: frozenset[str]
    mtu: int
    address: str = ""
    master: str | None = None
    addr_info: list[_ToldAddress] = []

    def link(self) -> Link:
        return Link(
            name=self.ifname,
            index=self.ifindex,
            mac=self.address,
            mtu=self.mtu,
            master=self.master,
            up="UP" in self.flags,
            addresses=frozenset(f"{one.local}/{one.prefixlen}" for one in self.addr_info if one.scope != "link"),
        )


@dataclass(frozen=True)
class Bridge:
    """A wanted bridge."""

    name: str
    mtu: int

    def missing(self, present: dict[str, Link]) -> Iterator[str]:
        if self.name not in present:
            # No address of the host's own on it, and no waiting before it forwards.
            yield f"link add name {self.name} mtu {self.mtu} type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
            yield f"link set dev {self.name} addrgenmode none up"
        elif present[self.name].mtu != self.mtu:
            yield f"link set dev {self.name} mtu {self.mtu}"


@dataclass(frozen=True)
class Tap:
    """A wanted tap for a guest; made down and off the bridge: it goes on when its guards stand."""

    name: str
    mtu: int

    def missing(self, present: dict[str, Link]) -> Iterator[str]:
        if self.name not in present:
            yield f"tuntap add dev {self.name} mode tap"
            yield f"link set dev {self.name} mtu {self.mtu} addrgenmode none"
        elif present[self.name].mtu != self.mtu:
            yield f"link set dev {self.name} mtu {self.mtu}"


@dataclass(frozen=True)
class Cable:
    """A wanted veth pair: `name` on the host (for the bridge), `inner` in `namespace` (None: on the host as well)."""

    name: str
    inner: str
    namespace: str | None
    mtu: int
    mac: str | None = None

    def missing(self, present: dict[str, Link]) -> Iterator[str]:
        if self.name not in present:
            mac = f" address {self.mac}" if self.mac else ""
            there = f" netns {self.namespace}" if self.namespace else ""
            peer = f"peer name {self.inner}{there} mtu {self.mtu}{mac}"
            yield f"link add name {self.name} mtu {self.mtu} type veth {peer}"
            yield f"link set dev {self.name} addrgenmode none"
        elif present[self.name].mtu != self.mtu:
            yield f"link set dev {self.name} mtu {self.mtu}"


def enslaved(name: str, bridge: str, present: dict[str, Link], *, up: bool = True) -> Iterator[str]:
    """Commands that put `name` on `bridge` and set it up or down."""
    link = present.get(name)
    if link is None or link.master != bridge or link.up != up:
        yield f"link set dev {name} master {bridge} {'up' if up else 'down'}"


def addressed(link: Link, wanted: Iterable[str]) -> Iterator[str]:
    """Commands that give `link` exactly the `wanted` addresses (with prefix length) and bring it up."""
    target = set(wanted)
    for gone in sorted(link.addresses - target):
        yield f"addr del {gone} dev {link.name}"
    for new in sorted(target - link.addresses):
        # nodad: IPv6 addresses serve at once; ours are unique by the service's word.
        yield f"addr add {new} dev {link.name}{' nodad' if ':' in new else ''}"
    if not link.up:
        yield f"link set dev {link.name} up"
