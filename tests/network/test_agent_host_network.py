"""The network on a host, with real bridges, dnsmasq, nftables and packets; guests are namespaces."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from msgspec import structs

from kilonova.contract.network_agent import (
    AddressPair,
    DhcpEntry,
    FloatingState,
    GroupRule,
    GroupState,
    HostState,
    NetworkState,
    PortState,
    Prefix,
    RouterGateway,
    RouterInterface,
    RouterState,
    SubnetState,
)
from kilonova.model.ids import NetworkId, PortId
from kilonova.network.agent.commands import inside
from kilonova.network.agent.host_network import HostNetwork
from kilonova.network.agent.metadata_socket import listen

from .cloud import OUTER
from .conftest import ADVERTISED_S, StandIn, leftovers, shell, wait_for
from .dhcp6 import asked_of_dhcp6

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]

Guests = Callable[[PortId, str], StandIn]

SIX = "eeeeeeee-0000-4000-8000-000000000006"
NET = NetworkId("aaaaaaaa-0000-4000-8000-000000000001")
PUBLIC = NetworkId("bbbbbbbb-0000-4000-8000-000000000002")
ONE, TWO = PortId("11111111-0000-4000-8000-000000000001"), PortId("22222222-0000-4000-8000-000000000002")
MAC_ONE, MAC_TWO = "fa:16:3e:00:00:01", "fa:16:3e:00:00:02"
WEB, BARE = "cccccccc-0000-4000-8000-00000000000a", "dddddddd-0000-4000-8000-00000000000b"

OUT = GroupRule(direction="egress", version=4)
SSH = GroupRule(direction="ingress", version=4, protocol="tcp", low=22, high=22)
PING = GroupRule(direction="ingress", version=4, protocol="icmp")
GROUPS = (GroupState(id=WEB, rules=(OUT, SSH, PING)), GroupState(id=BARE, rules=(OUT,)))


def port(id: PortId, mac: str, address: str, *groups: str) -> PortState:
    return PortState(id=id, mac=mac, addresses=(address,), groups=groups)


def entry(of: PortState) -> DhcpEntry:
    return DhcpEntry(port_id=of.id, mac=of.mac, addresses=of.addresses, hostname=f"host-{of.addresses[0][-2:]}")


def private(*ports: PortState) -> NetworkState:
    subnet = SubnetState(
        id="eeeeeeee-0000-4000-8000-000000000001",
        cidr="10.211.7.0/24",
        gateway="10.211.7.1",
        dhcp_address="10.211.7.2",
    )
    return NetworkState(id=NET, segment=7, mtu=1450, subnets=(subnet,), ports=ports, leases=tuple(map(entry, ports)))


def public() -> NetworkState:
    subnet = SubnetState(id="ffffffff-0000-4000-8000-000000000001", cidr=f"{OUTER}.0/24", gateway=f"{OUTER}.1")
    return NetworkState(id=PUBLIC, segment=8, external=True, subnets=(subnet,))


def one(*groups: str) -> PortState:
    return port(ONE, MAC_ONE, "10.211.7.11", *(groups or (WEB,)))


def two(*groups: str) -> PortState:
    return port(TWO, MAC_TWO, "10.211.7.12", *(groups or (WEB,)))


def router(*floating: FloatingState) -> RouterState:
    return RouterState(
        id="99999999-0000-4000-8000-000000000001",
        interfaces=(
            RouterInterface(
                port_id=PortId("33333333-0000-4000-8000-000000000001"),
                network_id=NET,
                mac="fa:16:3e:00:00:03",
                addresses=("10.211.7.1/24",),
            ),
        ),
        gateway=RouterGateway(
            port_id=PortId("44444444-0000-4000-8000-000000000001"),
            network_id=PUBLIC,
            mac="fa:16:3e:00:00:04",
            addresses=(f"{OUTER}.20/24",),
            nexthops=(f"{OUTER}.1",),
        ),
        floating=floating,
    )


FLOATING = FloatingState("77777777-0000-4000-8000-000000000001", f"{OUTER}.101", "10.211.7.11")


def test_a_guest_gets_its_lease_mtu_and_the_way_to_the_metadata_address(
    host_network: HostNetwork, stand_in: Guests
) -> None:
    guest = stand_in(ONE, MAC_ONE)
    host_network.converge(HostState(networks=(private(one()),), groups=GROUPS))

    assert guest.lease() == "10.211.7.11"

    routes = guest.run("ip", "route").stdout
    assert "169.254.169.254 via 10.211.7.2" in routes
    assert "default via 10.211.7.1" in routes
    assert "mtu 1450" in guest.run("ip", "link", "show", "eth0").stdout


def test_the_metadata_socket_sees_the_guest_by_its_own_address(host_network: HostNetwork, stand_in: Guests) -> None:
    guest = stand_in(ONE, MAC_ONE)
    host_network.converge(HostState(networks=(private(one()),), groups=GROUPS))
    guest.lease()

    with listen(host_network.names.dhcp_namespace(NET)) as listening:
        listening.settimeout(2)
        with guest.connect("169.254.169.254", 80):
            _, (address, _) = listening.accept()

    assert address == "10.211.7.11"


def test_a_security_group_lets_in_what_it_names_and_answers_only(host_network: HostNetwork, stand_in: Guests) -> None:
    first, second = stand_in(ONE, MAC_ONE), stand_in(TWO, MAC_TWO)
    host_network.converge(HostState(networks=(private(one(WEB), two(BARE)),), groups=GROUPS))
    first.lease(), second.lease()

    with first.listen(22), first.listen(23), second.listen(22):
        second.connect("10.211.7.11", 22).close()
        with pytest.raises(TimeoutError):
            second.connect("10.211.7.11", 23)
        with pytest.raises(TimeoutError):
            first.connect("10.211.7.12", 22)
    assert second.pings("10.211.7.11")
    assert not first.pings("10.211.7.12")


def test_a_changed_rule_holds_for_a_running_guest(host_network: HostNetwork, stand_in: Guests) -> None:
    first, second = stand_in(ONE, MAC_ONE), stand_in(TWO, MAC_TWO)
    network = private(one(WEB), two(BARE))
    host_network.converge(HostState(networks=(network,), groups=GROUPS))
    first.lease(), second.lease()

    telnet = structs.replace(SSH, low=20, high=23)
    host_network.converge(HostState(networks=(network,), groups=(GroupState(id=WEB, rules=(OUT, telnet)), GROUPS[1])))

    with first.listen(23):
        second.connect("10.211.7.11", 23).close()
    assert not second.pings("10.211.7.11")


def test_a_rule_taken_away_ends_what_began_under_it_and_nothing_else(
    host_network: HostNetwork, stand_in: Guests
) -> None:
    first, second = stand_in(ONE, MAC_ONE), stand_in(TWO, MAC_TWO)
    network = private(one(WEB), two(BARE))
    telnet = structs.replace(SSH, low=23, high=23)
    host_network.converge(
        HostState(networks=(network,), groups=(GroupState(id=WEB, rules=(OUT, SSH, telnet)), GROUPS[1]))
    )
    first.lease(), second.lease()

    with first.listen(22) as ssh, first.listen(23) as other:
        allowed, forbidden = second.connect("10.211.7.11", 22), second.connect("10.211.7.11", 23)
        inside, dark = ssh.accept()[0], other.accept()[0]
        host_network.converge(HostState(networks=(network,), groups=GROUPS))

        # The answering side speaks first: without its old state the packet would be a stranger's.
        inside.sendall(b"still here")
        assert allowed.recv(16) == b"still here"
        forbidden.sendall(b"hello?")
        dark.settimeout(1)
        with pytest.raises(TimeoutError):
            dark.recv(16)
        for one_ in (allowed, forbidden, inside, dark):
            one_.close()


def test_members_of_a_remote_group_are_let_in_and_others_not(host_network: HostNetwork, stand_in: Guests) -> None:
    first, second = stand_in(ONE, MAC_ONE), stand_in(TWO, MAC_TWO)
    network = private(one(WEB), two(BARE))
    friends = GroupRule(direction="ingress", version=4, remote_group=BARE)
    web = GroupState(id=WEB, rules=(OUT, friends))

    host_network.converge(HostState(networks=(network,), groups=(web, structs.replace(GROUPS[1], members=()))))
    first.lease(), second.lease()
    assert not second.pings("10.211.7.11")

    members = ("10.211.7.12", "10.211.7.13")
    host_network.converge(HostState(networks=(network,), groups=(web, structs.replace(GROUPS[1], members=members))))
    assert second.pings("10.211.7.11")

    host_network.converge(HostState(networks=(network,), groups=(web, structs.replace(GROUPS[1], members=members[1:]))))
    assert not second.pings("10.211.7.11")


def test_a_forged_address_gets_no_answer_unless_allowed(host_network: HostNetwork, stand_in: Guests) -> None:
    first, second = stand_in(ONE, MAC_ONE), stand_in(TWO, MAC_TWO)
    open_port = structs.replace(one(), secured=False)
    host_network.converge(HostState(networks=(private(open_port, two()),), groups=GROUPS))
    first.lease(), second.lease()
    assert second.pings("10.211.7.11")

    second.run("ip", "addr", "add", "10.211.7.99/24", "dev", "eth0")
    forged = ("busybox", "ping", "-c", "1", "-W", "1", "-I", "10.211.7.99", "10.211.7.11")
    assert second.run(*forged, check=False).returncode != 0

    allowed = structs.replace(two(), pairs=(AddressPair("10.211.7.99", MAC_TWO),))
    host_network.converge(HostState(networks=(private(open_port, allowed),), groups=GROUPS))
    assert second.run(*forged, check=False).returncode == 0


def test_a_guest_reaches_nothing_of_the_host_through_the_bridge(host_network: HostNetwork, stand_in: Guests) -> None:
    guest = stand_in(ONE, MAC_ONE)
    host_network.converge(HostState(networks=(private(one()), public()), groups=GROUPS))
    guest.lease()
    bridge = Path(f"/sys/class/net/{host_network.names.bridge(NET)}/address").read_text().strip()
    guest.run("ip", "neigh", "replace", "10.211.7.77", "lladdr", bridge, "dev", "eth0")
    guest.run("ip", "route", "add", f"{OUTER}.1/32", "via", "10.211.7.77")

    assert not guest.pings(f"{OUTER}.1")


def test_a_floating_address_is_reached_from_the_host_and_guests_leave_by_the_router(
    host_network: HostNetwork, stand_in: Guests
) -> None:
    first, second = stand_in(ONE, MAC_ONE), stand_in(TWO, MAC_TWO)
    networks = (private(one(), two()), public())
    host_network.converge(HostState(networks=networks, routers=(router(FLOATING),), groups=GROUPS))
    first.lease(), second.lease()

    with first.listen(22) as listening:
        socket.create_connection((f"{OUTER}.101", 22), timeout=2).close()
        assert listening.accept()[1][0] == f"{OUTER}.1"
        # A neighbour by way of the floating address: both directions pass the router.
        second.connect(f"{OUTER}.101", 22).close()
        assert listening.accept()[1][0] == f"{OUTER}.20"
    with socket.create_server((f"{OUTER}.1", 0)) as outside:
        outside.settimeout(2)
        second.connect(*outside.getsockname()).close()
        assert outside.accept()[1][0] == f"{OUTER}.20"
        first.connect(*outside.getsockname()).close()
        assert outside.accept()[1][0] == f"{OUTER}.101"


def test_a_moved_floating_address_reaches_its_new_guest_only(host_network: HostNetwork, stand_in: Guests) -> None:
    first, second = stand_in(ONE, MAC_ONE), stand_in(TWO, MAC_TWO)
    networks = (private(one(), two()), public())
    host_network.converge(HostState(networks=networks, routers=(router(FLOATING),), groups=GROUPS))
    first.lease(), second.lease()

    moved = structs.replace(FLOATING, fixed="10.211.7.12")
    host_network.converge(HostState(networks=networks, routers=(router(moved),), groups=GROUPS))

    with first.listen(22), second.listen(22) as listening:
        socket.create_connection((f"{OUTER}.101", 22), timeout=2).close()
        assert listening.accept()[1][0] == f"{OUTER}.1"


def test_addresses_of_both_versions_are_served_and_guarded(host_network: HostNetwork, stand_in: Guests) -> None:
    first, second = stand_in(ONE, MAC_ONE), stand_in(TWO, MAC_TWO)
    six = SubnetState(
        id="eeeeeeee-0000-4000-8000-000000000006", cidr="fd00:211:7::/64", dhcp_address="fd00:211:7::2", slaac=True
    )
    ends = ("f816:3eff:fe00:1", "f816:3eff:fe00:2")
    ports = [
        structs.replace(port, addresses=(*port.addresses, f"fd00:211:7::{end}"))
        for port, end in zip((one(), two()), ends, strict=True)
    ]
    network = private(*ports)
    ping = GroupRule(direction="ingress", version=6, protocol="ipv6-icmp")
    groups = (GroupState(id=WEB, rules=(OUT, structs.replace(OUT, version=6), ping)),)

    host_network.converge(
        HostState(networks=(structs.replace(network, subnets=(*network.subnets, six)),), groups=groups)
    )

    assert wait_for(lambda: "fd00:211:7:0:" in second.run("ip", "-6", "addr", "show", "eth0").stdout)
    assert wait_for(lambda: first.pings6("fd00:211:7::f816:3eff:fe00:2"))
    first.run("ip", "addr", "add", "fd00:211:7::99/64", "dev", "eth0", "nodad")
    forged = ("ping", "-6", "-c", "1", "-W", "1", "-I", "fd00:211:7::99", "fd00:211:7::f816:3eff:fe00:2")
    assert first.run("busybox", *forged, check=False).returncode != 0


def six_through(router_: RouterState, *ports: PortState, mode: Literal["slaac", "dhcpv6-stateful"]) -> HostState:
    """One network with an IPv6 subnet beside the other, and a router that has its first address."""
    own = mode == "slaac"
    six = SubnetState(id=SIX, cidr="fd00:211:7::/64", gateway="fd00:211:7::1", dhcp_address="fd00:211:7::2", slaac=own)
    network = private(*ports)
    (leg,) = router_.interfaces
    leg = structs.replace(
        leg, addresses=(*leg.addresses, "fd00:211:7::1/64"), prefixes=(Prefix(cidr=six.cidr, mode=mode),), mtu=1450
    )
    return HostState(
        networks=(structs.replace(network, subnets=(*network.subnets, six)), public()),
        routers=(structs.replace(router_, interfaces=(leg,)),),
        groups=(GroupState(id=WEB, rules=(OUT, structs.replace(OUT, version=6))),),
    )


def test_a_guest_learns_its_address_and_its_way_out_from_the_routers_advertisements(
    host_network: HostNetwork, stand_in: Guests, tmp_path: Path
) -> None:
    own = "fd00:211:7:0:f816:3eff:fe00:1"
    guest = stand_in(ONE, MAC_ONE)
    wanted = six_through(router(), structs.replace(one(), addresses=("10.211.7.11", own)), mode="slaac")

    host_network.converge(wanted)

    assert wait_for(lambda: f"{own}/64" in guest.run("ip", "-6", "addr", "show", "dev", "eth0", "-tentative").stdout)
    assert wait_for(lambda: "default via fe80:" in guest.run("ip", "-6", "route").stdout, ADVERTISED_S)
    # Not the route's own: the kernel sets that only when an advertisement changes the interface's.
    assert guest.run("cat", "/proc/sys/net/ipv6/conf/eth0/mtu").stdout == "1450\n"
    assert wait_for(lambda: guest.pings6("fd00:211:7::1"))
    served = leftovers(host_network.names.prefix, tmp_path)
    host_network.converge(wanted)
    assert leftovers(host_network.names.prefix, tmp_path) == served

    host_network.converge(structs.replace(wanted, routers=()))
    assert not (tmp_path / "advertised" / router().id).exists()


def test_a_guest_is_told_to_ask_for_its_address_where_dhcp_gives_all(
    host_network: HostNetwork, stand_in: Guests
) -> None:
    guest = stand_in(ONE, MAC_ONE)
    mine = structs.replace(one(), addresses=("10.211.7.11", "fd00:211:7::b"))

    host_network.converge(six_through(router(), mine, mode="dhcpv6-stateful"))

    assert wait_for(lambda: "default via fe80:" in guest.run("ip", "-6", "route").stdout, ADVERTISED_S)
    assert "fd00:211:7" not in guest.run("ip", "-6", "addr", "show", "dev", "eth0").stdout
    with inside(guest.name):
        assert asked_of_dhcp6("eth0", MAC_ONE) == "fd00:211:7::b"


def test_an_address_goes_to_its_next_owner_at_once(host_network: HostNetwork, stand_in: Guests) -> None:
    first = stand_in(ONE, MAC_ONE)
    host_network.converge(HostState(networks=(private(one()),), groups=GROUPS))
    assert first.lease() == "10.211.7.11"

    second = stand_in(TWO, MAC_TWO)
    heir = port(TWO, MAC_TWO, "10.211.7.11", WEB)
    host_network.converge(HostState(networks=(private(heir),), groups=GROUPS))

    assert second.lease() == "10.211.7.11"


def test_converging_again_changes_nothing_and_a_new_process_takes_over(
    host_network: HostNetwork, stand_in: Guests, prefix: str, tmp_path: Path
) -> None:
    guest = stand_in(ONE, MAC_ONE)
    wanted = HostState(networks=(private(one()), public()), routers=(router(FLOATING),), groups=GROUPS)
    host_network.converge(wanted)
    guest.lease()
    made = leftovers(prefix, tmp_path)
    rules = shell("nft", "list", "table", "inet", prefix).stdout

    host_network.converge(wanted)
    HostNetwork(prefix=prefix, state_dir=tmp_path).converge(wanted)

    assert leftovers(prefix, tmp_path) == made
    assert shell("nft", "list", "table", "inet", prefix).stdout == rules
    assert guest.pings("10.211.7.2")
    with guest.listen(22):
        socket.create_connection((f"{OUTER}.101", 22), timeout=2).close()


def test_what_is_wanted_no_more_goes_even_if_another_process_made_it(
    host_network: HostNetwork, prefix: str, tmp_path: Path
) -> None:
    host_network.converge(HostState(networks=(public(),)))
    less = set(leftovers(prefix, tmp_path))
    host_network.converge(HostState(networks=(private(one()), public()), routers=(router(FLOATING),), groups=GROUPS))
    assert set(leftovers(prefix, tmp_path)) > less

    HostNetwork(prefix=prefix, state_dir=tmp_path).converge(HostState(networks=(public(),)))

    assert set(leftovers(prefix, tmp_path)) == less


def test_remove_all_leaves_nothing(host_network: HostNetwork, prefix: str, tmp_path: Path) -> None:
    host_network.converge(HostState(networks=(private(one()), public()), routers=(router(FLOATING),), groups=GROUPS))
    assert leftovers(prefix, tmp_path)

    HostNetwork(prefix=prefix, state_dir=tmp_path).remove_all()

    assert leftovers(prefix, tmp_path) == []


def test_a_tap_is_made_for_a_guest_on_its_bridge(host_network: HostNetwork) -> None:
    host_network.converge(HostState(networks=(private(one()),), groups=GROUPS))

    tap = Path("/sys/class/net") / host_network.names.tap(ONE)
    assert (tap / "tun_flags").exists()
    assert (tap / "master").readlink().name == host_network.names.bridge(NET)

    host_network.remove_port(ONE)
    host_network.remove_port(ONE)
    assert not tap.exists()
