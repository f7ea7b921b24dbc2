"""Routers, floating addresses, security groups and quotas over REST."""

import asyncio
from typing import Any

import pytest

from .cloud import NetworkCloud
from .test_network_api import fault


async def test_a_router_takes_the_subnets_gateway_and_an_outer_address(cloud: NetworkCloud) -> None:
    network, subnet, router, public = await cloud.routed()

    info = (await cloud.show("routers", router["id"]))["external_gateway_info"]
    assert info["network_id"] == public["id"]
    (leg,) = await cloud.list("ports", f"?device_id={router['id']}&device_owner=network:router_interface")
    assert leg["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": subnet["gateway_ip"]}]
    assert leg["network_id"] == network["id"]
    assert fault(await cloud.call("DELETE", f"/ports/{leg['id']}")) == (409, "ServicePortInUse")


async def test_a_router_in_use_stays_and_an_idle_one_leaves_nothing(cloud: NetworkCloud) -> None:
    network, subnet, router, public = await cloud.routed()
    path = f"/routers/{router['id']}"

    assert fault(await cloud.call("DELETE", path)) == (409, "RouterInUse")
    again = await cloud.call("PUT", f"{path}/add_router_interface", json={"subnet_id": subnet["id"]})
    assert again.status_code == 400

    removed = await cloud.call("PUT", f"{path}/remove_router_interface", json={"subnet_id": subnet["id"]})
    assert removed.json()["subnet_id"] == subnet["id"]
    assert await cloud.delete("routers", router["id"]) == 204
    assert await cloud.list("ports", f"?network_id={public['id']}", "admin") == []
    assert await cloud.delete("networks", network["id"]) == 204


async def test_a_router_is_joined_by_port_as_well(cloud: NetworkCloud) -> None:
    network, _ = await cloud.network("10.1.0.0/24")
    router = await cloud.make("routers", name="r")
    port = await cloud.make("ports", network_id=network["id"])
    path = f"/routers/{router['id']}"

    joined = await cloud.call("PUT", f"{path}/add_router_interface", json={"port_id": port["id"]})

    assert joined.json()["port_id"] == port["id"]
    assert (await cloud.show("ports", port["id"]))["device_owner"] == "network:router_interface"
    taken = await cloud.call("PUT", f"{path}/add_router_interface", json={"port_id": port["id"]})
    assert fault(taken) == (409, "PortInUse")
    none = await cloud.call("PUT", f"{path}/remove_router_interface", json={"port_id": network["id"]})
    assert fault(none) == (404, "RouterInterfaceNotFound")


async def test_overlapping_subnets_do_not_meet_on_a_router(cloud: NetworkCloud) -> None:
    _, subnet, router, _ = await cloud.routed()
    _, same = await cloud.network(subnet["cidr"])

    answer = await cloud.call("PUT", f"/routers/{router['id']}/add_router_interface", json={"subnet_id": same["id"]})

    assert answer.status_code == 400


async def test_routes_lead_over_connected_networks_only(cloud: NetworkCloud) -> None:
    _, _, router, _ = await cloud.routed()
    route = {"destination": "10.99.0.0/24", "nexthop": "10.211.7.9"}

    assert (await cloud.change("routers", router["id"], routes=[route]))["routes"] == [route]
    lost = [{**route, "nexthop": "10.5.5.5"}]
    assert fault(await cloud.try_change("routers", router["id"], routes=lost)) == (400, "InvalidRoutes")


async def test_a_floating_address_comes_goes_and_moves(cloud: NetworkCloud) -> None:
    network, _, router, public = await cloud.routed()
    one, two = [await cloud.make("ports", network_id=network["id"]) for _ in range(2)]

    made = await cloud.make("floatingips", floating_network_id=public["id"])
    assert (made["status"], made["port_id"], made["router_id"]) == ("DOWN", None, None)
    led = await cloud.change("floatingips", made["id"], port_id=one["id"])
    assert (led["status"], led["router_id"]) == ("ACTIVE", router["id"])
    assert led["fixed_ip_address"] == one["fixed_ips"][0]["ip_address"]
    assert [f["id"] for f in await cloud.list("floatingips", f"?port_id={one['id']}")] == [made["id"]]
    moved = await cloud.change("floatingips", made["id"], port_id=two["id"])
    assert moved["fixed_ip_address"] == two["fixed_ips"][0]["ip_address"]
    second = await cloud.make("floatingips", floating_network_id=public["id"])
    taken = await cloud.try_change("floatingips", second["id"], port_id=two["id"])
    assert fault(taken) == (409, "FloatingIPPortAlreadyAssociated")

    # It lets go when its port goes, and the way back is free again.
    assert await cloud.delete("ports", two["id"]) == 204
    assert (await cloud.show("floatingips", made["id"]))["status"] == "DOWN"
    assert await cloud.delete("floatingips", made["id"]) == 204
    assert await cloud.delete("floatingips", second["id"]) == 204
    left = await cloud.list("ports", f"?network_id={public['id']}", "admin")
    assert [port["device_owner"] for port in left] == ["network:router_gateway"]


async def test_floating_addresses_that_lead_nowhere_go_with_their_network_others_hold_it(cloud: NetworkCloud) -> None:
    public, _ = await cloud.external()
    await cloud.make("floatingips", floating_network_id=public["id"])
    assert await cloud.delete("networks", public["id"], "admin") == 204
    assert await cloud.list("floatingips") == []
    assert await cloud.list("ports", who="admin") == []

    network, _, router, public = await cloud.routed()
    port = await cloud.make("ports", network_id=network["id"])
    led = await cloud.make("floatingips", floating_network_id=public["id"], port_id=port["id"])
    assert fault(await cloud.call("DELETE", f"/networks/{public['id']}", "admin")) == (409, "NetworkInUse")
    assert (await cloud.show("floatingips", led["id"]))["router_id"] == router["id"]


async def test_a_floating_address_needs_a_router_between(cloud: NetworkCloud) -> None:
    public, _ = await cloud.external()
    network, _ = await cloud.network("10.1.0.0/24")
    port = await cloud.make("ports", network_id=network["id"])

    answer = await cloud.try_make("floatingips", floating_network_id=public["id"], port_id=port["id"])

    assert fault(answer) == (404, "ExternalGatewayForFloatingIPNotFound")
    inner = await cloud.try_make("floatingips", floating_network_id=network["id"])
    assert fault(inner) == (400, "HTTPBadRequest")
    assert await cloud.list("floatingips") == []


async def test_what_a_floating_address_needs_cannot_be_taken_away(cloud: NetworkCloud) -> None:
    network, subnet, router, public = await cloud.routed()
    port = await cloud.make("ports", network_id=network["id"])
    await cloud.make("floatingips", floating_network_id=public["id"], port_id=port["id"])

    path = f"/routers/{router['id']}/remove_router_interface"
    leg = await cloud.call("PUT", path, json={"subnet_id": subnet["id"]})
    assert fault(leg) == (409, "RouterInterfaceInUseByFloatingIP")
    gateway = await cloud.try_change("routers", router["id"], external_gateway_info=None)
    assert fault(gateway) == (409, "RouterExternalGatewayInUseByFloatingIp")


async def test_every_project_has_a_default_group_that_stays(cloud: NetworkCloud) -> None:
    (group,) = await cloud.list("security-groups")

    assert group["name"] == "default"
    shape = sorted((r["direction"], r["ethertype"], r["remote_group_id"]) for r in group["security_group_rules"])
    assert shape == [
        ("egress", "IPv4", None),
        ("egress", "IPv6", None),
        ("ingress", "IPv4", group["id"]),
        ("ingress", "IPv6", group["id"]),
    ]
    assert fault(await cloud.call("DELETE", f"/security-groups/{group['id']}")) == (
        409,
        "SecurityGroupCannotRemoveDefault",
    )
    assert fault(await cloud.try_make("security-groups", name="default")) == (409, "SecurityGroupDefaultAlreadyExists")


async def test_a_group_in_use_stays(cloud: NetworkCloud) -> None:
    network, _ = await cloud.network("10.1.0.0/24")
    group = await cloud.make("security-groups", name="web")
    port = await cloud.make("ports", network_id=network["id"], security_groups=[group["id"]])

    assert fault(await cloud.call("DELETE", f"/security-groups/{group['id']}")) == (409, "SecurityGroupInUse")
    await cloud.delete("ports", port["id"])
    assert await cloud.delete("security-groups", group["id"]) == 204
    assert await cloud.list("security-group-rules", f"?security_group_id={group['id']}") == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"protocol": "tcp", "port_range_min": 90, "port_range_max": 80}, (400, "SecurityGroupRuleInvalid")),
        ({"port_range_min": 80, "port_range_max": 80}, (400, "SecurityGroupRuleInvalid")),
        ({"protocol": "icmp", "port_range_min": 300}, (400, "SecurityGroupRuleInvalid")),
        ({"ethertype": "IPv6", "remote_ip_prefix": "10.0.0.0/8"}, (400, "SecurityGroupRuleInvalid")),
        ({"protocol": "carrier-pigeon"}, (400, "HTTPBadRequest")),
        ({"direction": "sideways"}, (400, "HTTPBadRequest")),
        ({"protocol": "tcp", "port_range_min": 22, "port_range_max": 22}, (409, "SecurityGroupRuleExists")),
        ({"remote_group_id": "11111111-1111-4111-8111-111111111111"}, (404, "SecurityGroupNotFound")),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(
    cloud: NetworkCloud, rule: dict[str, Any], expected: tuple[int, str]
) -> None:
    group = await cloud.make("security-groups", name="web")
    given = {"security_group_id": group["id"], "direction": "ingress"}
    await cloud.make("security-group-rules", **given, protocol="tcp", port_range_min=22, port_range_max=22)

    answer = await cloud.try_make("security-group-rules", **{**given, **rule})

    assert fault(answer) == expected


async def test_quotas_hold_and_are_given_back(cloud: NetworkCloud) -> None:
    set_ = await cloud.call("PUT", "/quotas/red", "admin", json={"quota": {"network": 1}})
    assert set_.json()["quota"]["network"] == 1
    first = await cloud.make("networks", name="a")

    assert fault(await cloud.try_make("networks", name="b")) == (409, "OverQuota")

    details = (await cloud.call("GET", "/quotas/red/details")).json()["quota"]["network"]
    assert details == {"limit": 1, "used": 1, "reserved": 0}
    await cloud.delete("networks", first["id"])
    await cloud.make("networks", name="b")
    assert (await cloud.call("PUT", "/quotas/red", json={"quota": {"network": 9}})).status_code == 403
    assert (await cloud.call("GET", "/quotas/blue")).status_code == 403
    assert (await cloud.call("DELETE", "/quotas/red", "admin")).status_code == 204
    assert (await cloud.call("GET", "/quotas/red")).json()["quota"]["network"] == 100


async def test_a_project_without_a_network_gets_one_by_itself(cloud: NetworkCloud) -> None:
    assert (await cloud.call("GET", "/auto-allocated-topology/red")).status_code == 400
    await cloud.external()

    first = (await cloud.call("GET", "/auto-allocated-topology/red")).json()["auto_allocated_topology"]["id"]
    second = (await cloud.call("GET", "/auto-allocated-topology/red")).json()["auto_allocated_topology"]["id"]

    assert first == second
    assert len((await cloud.show("networks", first))["subnets"]) == 1
    (router,) = await cloud.list("routers")
    assert router["external_gateway_info"] is not None


async def test_servers_that_begin_at_once_share_the_network_made_for_their_project(cloud: NetworkCloud) -> None:
    await cloud.external()
    path = "/auto-allocated-topology/red"
    answers = await asyncio.gather(*(cloud.call("GET", path) for _ in range(5)))
    assert len({answer.json()["auto_allocated_topology"]["id"] for answer in answers}) == 1
    assert len(await cloud.list("routers")) == 1


async def test_what_was_made_for_a_project_goes_as_one(cloud: NetworkCloud) -> None:
    await cloud.external()
    path = "/auto-allocated-topology/red"
    assert (await cloud.call("DELETE", path)).status_code == 404
    made = (await cloud.call("GET", path)).json()["auto_allocated_topology"]["id"]
    assert (await cloud.call("DELETE", path)).status_code == 204
    assert await cloud.list("routers") == []
    assert made not in [one["id"] for one in await cloud.list("networks")]


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless"])
async def test_a_network_may_begin_with_a_subnet_that_makes_its_own_addresses(cloud: NetworkCloud, mode: str) -> None:
    network = await cloud.make("networks", name="six")
    modes = {"ipv6_address_mode": mode, "ipv6_ra_mode": mode}
    subnet = await cloud.make("subnets", network_id=network["id"], cidr="fd00:1::/64", ip_version=6, **modes)
    assert subnet["ipv6_address_mode"] == mode
    port = await cloud.make("ports", network_id=network["id"])
    assert port["fixed_ips"][0]["ip_address"].startswith("fd00:1::")


@pytest.mark.parametrize("mode", ["slaac", "dhcpv6-stateless"])
async def test_a_subnet_that_makes_its_own_addresses_goes_from_under_its_ports(cloud: NetworkCloud, mode: str) -> None:
    network, four = await cloud.network("10.1.0.0/24")
    modes = {"ipv6_address_mode": mode, "ipv6_ra_mode": mode}
    six = await cloud.make("subnets", network_id=network["id"], cidr="fd00:1::/64", ip_version=6, **modes)
    port = await cloud.make("ports", network_id=network["id"])
    assert {one["subnet_id"] for one in port["fixed_ips"]} == {four["id"], six["id"]}

    assert await cloud.delete("subnets", six["id"]) == 204

    left = (await cloud.show("ports", port["id"]))["fixed_ips"]
    assert left == [one for one in port["fixed_ips"] if one["subnet_id"] == four["id"]]
    assert fault(await cloud.call("DELETE", f"/networks/{network['id']}")) == (409, "NetworkInUse")


async def test_a_subnet_with_a_routers_leg_stays_though_guests_make_their_addresses(cloud: NetworkCloud) -> None:
    network = await cloud.make("networks", name="six")
    modes = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    subnet = await cloud.make("subnets", network_id=network["id"], cidr="fd00:1::/64", ip_version=6, **modes)
    router = await cloud.make("routers", name="router")
    await cloud.call("PUT", f"/routers/{router['id']}/add_router_interface", json={"subnet_id": subnet["id"]})

    assert fault(await cloud.call("DELETE", f"/subnets/{subnet['id']}")) == (409, "SubnetInUse")
