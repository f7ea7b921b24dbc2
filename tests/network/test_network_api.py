"""Networks, subnets and ports over REST."""

from typing import Any

import httpx
import pytest

from .cloud import NetworkCloud


def fault(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["NeutronError"]["type"]


async def addresses(cloud: NetworkCloud, **port: Any) -> list[str]:
    made = await cloud.make("ports", **port)
    return [one["ip_address"] for one in made["fixed_ips"]]


async def test_a_subnet_gets_a_gateway_a_pool_and_a_dhcp_port(cloud: NetworkCloud) -> None:
    network, subnet = await cloud.network("10.1.0.0/24")

    assert subnet["gateway_ip"] == "10.1.0.1"
    assert subnet["allocation_pools"] == [{"start": "10.1.0.2", "end": "10.1.0.254"}]
    assert (await cloud.show("networks", network["id"]))["subnets"] == [subnet["id"]]
    (dhcp,) = await cloud.list("ports", "?device_owner=network:dhcp")
    assert dhcp["fixed_ips"] == [{"subnet_id": subnet["id"], "ip_address": "10.1.0.2"}]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"cidr": "10.1.0.128/25"}, (400, "InvalidInput")),
        ({"cidr": "nonsense"}, (400, "HTTPBadRequest")),
        ({"cidr": "10.2.0.0/24", "ip_version": 6}, (400, "InvalidInput")),
        (
            {"cidr": "10.2.0.0/24", "allocation_pools": [{"start": "10.2.0.1", "end": "10.2.0.9"}]},
            (409, "GatewayConflictWithAllocationPools"),
        ),
        (
            {"cidr": "10.2.0.0/24", "allocation_pools": [{"start": "10.3.0.2", "end": "10.3.0.9"}]},
            (400, "OutOfBoundsAllocationPool"),
        ),
        (
            {"cidr": "10.2.0.0/24", "allocation_pools": [{"start": "10.2.0.9", "end": "10.2.0.2"}]},
            (400, "InvalidAllocationPool"),
        ),
        ({"cidr": "10.2.0.0/24", "gateway_ip": "10.2.0.255"}, (400, "InvalidInput")),
        ({"cidr": "10.2.0.0/31"}, (400, "InvalidInput")),
        ({"cidr": "10.2.0.0/24", "unheard": 1}, (400, "HTTPBadRequest")),
    ],
)
async def test_a_subnet_that_cannot_be_is_refused(
    cloud: NetworkCloud, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    network, _ = await cloud.network("10.1.0.0/24")

    answer = await cloud.try_make("subnets", network_id=network["id"], **body)

    assert fault(answer) == expected
    assert len((await cloud.show("networks", network["id"]))["subnets"]) == 1


async def test_a_port_has_an_address_per_ip_version_and_the_default_group(cloud: NetworkCloud) -> None:
    network, _ = await cloud.network("10.1.0.0/24")
    slaac = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    await cloud.make("subnets", network_id=network["id"], cidr="fd00:1::/64", ip_version=6, **slaac)

    port = await cloud.make("ports", network_id=network["id"], mac_address="fa:16:3e:01:02:03")

    found = {one["ip_address"] for one in port["fixed_ips"]}
    assert found == {"10.1.0.3", "fd00:1::f816:3eff:fe01:203"}
    (default,) = await cloud.list("security-groups", "?name=default")
    assert port["security_groups"] == [default["id"]]
    assert port["status"] == "DOWN"


async def test_addresses_are_given_as_asked_and_only_once(cloud: NetworkCloud) -> None:
    network, subnet = await cloud.network("10.1.0.0/24")
    wanted = [{"subnet_id": subnet["id"], "ip_address": "10.1.0.77"}]

    assert await addresses(cloud, network_id=network["id"], fixed_ips=wanted) == ["10.1.0.77"]

    again = await cloud.try_make("ports", network_id=network["id"], fixed_ips=wanted)
    assert fault(again) == (409, "IpAddressAlreadyAllocated")
    outside = await cloud.try_make("ports", network_id=network["id"], fixed_ips=[{"ip_address": "10.9.0.1"}])
    assert fault(outside) == (400, "InvalidIpForNetwork")
    broadcast = await cloud.try_make("ports", network_id=network["id"], fixed_ips=[{"ip_address": "10.1.0.255"}])
    assert fault(broadcast) == (400, "InvalidIpForSubnet")


async def test_a_pool_runs_dry_and_an_address_given_back_is_used_again(cloud: NetworkCloud) -> None:
    network = await cloud.make("networks", name="small")
    pools = [{"start": "10.1.0.10", "end": "10.1.0.12"}]
    await cloud.make("subnets", network_id=network["id"], cidr="10.1.0.0/24", allocation_pools=pools)
    first = await cloud.make("ports", network_id=network["id"])
    await cloud.make("ports", network_id=network["id"])

    assert fault(await cloud.try_make("ports", network_id=network["id"])) == (409, "IpAddressGenerationFailure")

    assert await cloud.delete("ports", first["id"]) == 204
    again = await cloud.make("ports", network_id=network["id"])
    assert again["fixed_ips"] == first["fixed_ips"]


async def test_a_mac_is_there_once_on_a_network(cloud: NetworkCloud) -> None:
    network, _ = await cloud.network("10.1.0.0/24")
    await cloud.make("ports", network_id=network["id"], mac_address="fa:16:3e:aa:bb:cc")

    answer = await cloud.try_make("ports", network_id=network["id"], mac_address="FA:16:3E:AA:BB:CC")

    assert fault(answer) == (409, "MacAddressInUse")


async def test_a_port_can_be_changed_in_all_that_users_may(cloud: NetworkCloud) -> None:
    network, subnet = await cloud.network("10.1.0.0/24")
    port = await cloud.make("ports", network_id=network["id"], name="one")
    group = await cloud.make("security-groups", name="web")

    changed = await cloud.change(
        "ports",
        port["id"],
        name="two",
        security_groups=[group["id"]],
        fixed_ips=[*port["fixed_ips"], {"subnet_id": subnet["id"], "ip_address": "10.1.0.50"}],
        allowed_address_pairs=[{"ip_address": "10.1.0.60"}],
        extra_dhcp_opts=[{"opt_name": "domain-name", "opt_value": "example.org"}],
        admin_state_up=False,
    )

    assert changed["name"] == "two"
    assert changed["security_groups"] == [group["id"]]
    assert [one["ip_address"] for one in changed["fixed_ips"]] == ["10.1.0.3", "10.1.0.50"]
    assert changed["allowed_address_pairs"] == [{"ip_address": "10.1.0.60", "mac_address": port["mac_address"]}]
    assert changed["revision_number"] > port["revision_number"]
    assert await cloud.show("ports", port["id"]) == changed
    less = await cloud.change("ports", port["id"], fixed_ips=changed["fixed_ips"][1:])
    assert [one["ip_address"] for one in less["fixed_ips"]] == ["10.1.0.50"]
    assert await addresses(cloud, network_id=network["id"], fixed_ips=[{"ip_address": "10.1.0.3"}]) == ["10.1.0.3"]


async def test_options_for_dhcp_cannot_smuggle_lines_in(cloud: NetworkCloud) -> None:
    network, _ = await cloud.network("10.1.0.0/24")
    evil = [{"opt_name": "domain-name", "opt_value": "x\ntag:other,option:router,10.1.0.66"}]

    answer = await cloud.try_make("ports", network_id=network["id"], extra_dhcp_opts=evil)

    assert answer.status_code == 400


async def test_port_security_off_and_groups_or_pairs_exclude_each_other(cloud: NetworkCloud) -> None:
    network, _ = await cloud.network("10.1.0.0/24")
    port = await cloud.make("ports", network_id=network["id"])

    assert (await cloud.try_change("ports", port["id"], port_security_enabled=False)).status_code == 409
    bare = await cloud.change("ports", port["id"], port_security_enabled=False, security_groups=[])
    assert (bare["port_security_enabled"], bare["security_groups"]) == (False, [])
    pairs = await cloud.try_change("ports", port["id"], allowed_address_pairs=[{"ip_address": "10.1.0.9"}])
    assert fault(pairs) == (409, "AddressPairAndPortSecurityRequired")


async def test_networks_and_subnets_in_use_stay(cloud: NetworkCloud) -> None:
    network, subnet = await cloud.network("10.1.0.0/24")
    port = await cloud.make("ports", network_id=network["id"])

    assert fault(await cloud.call("DELETE", f"/networks/{network['id']}")) == (409, "NetworkInUse")
    assert fault(await cloud.call("DELETE", f"/subnets/{subnet['id']}")) == (409, "SubnetInUse")

    assert await cloud.delete("ports", port["id"]) == 204
    assert await cloud.delete("subnets", subnet["id"]) == 204
    assert await cloud.list("ports") == []
    assert await cloud.delete("networks", network["id"]) == 204
    assert fault(await cloud.call("GET", f"/networks/{network['id']}")) == (404, "NetworkNotFound")


async def test_another_project_sees_and_touches_nothing_but_what_is_shared(cloud: NetworkCloud) -> None:
    network, subnet = await cloud.network("10.1.0.0/24")
    port = await cloud.make("ports", network_id=network["id"])
    shared = await cloud.make("networks", "admin", name="shared", shared=True)
    await cloud.make("subnets", "admin", network_id=shared["id"], cidr="10.2.0.0/24")

    for collection, id in (("networks", network["id"]), ("subnets", subnet["id"]), ("ports", port["id"])):
        assert (await cloud.call("GET", f"/{collection}/{id}", "bert")).status_code == 404
        assert await cloud.delete(collection, id, "bert") == 404
    assert [one["id"] for one in await cloud.list("networks", who="bert")] == [shared["id"]]
    assert (await cloud.try_make("ports", "bert", network_id=network["id"])).status_code == 404
    own = await cloud.make("ports", "bert", network_id=shared["id"])
    assert own["project_id"] == "blue"
    assert await cloud.delete("networks", shared["id"], "bert") == 403
    forged = await cloud.try_make("ports", "bert", network_id=shared["id"], mac_address="fa:16:3e:00:00:01")
    assert fault(forged) == (403, "PolicyNotAuthorized")


async def test_readers_read_only(cloud: NetworkCloud) -> None:
    network, _ = await cloud.network("10.1.0.0/24")

    assert (await cloud.show("networks", network["id"], "rita"))["id"] == network["id"]
    assert (await cloud.try_make("networks", "rita", name="mine")).status_code == 403
    assert (await cloud.try_change("networks", network["id"], "rita", name="mine")).status_code == 403
    assert await cloud.delete("networks", network["id"], "rita") == 403


@pytest.mark.parametrize(
    "body",
    [
        {"shared": True},
        {"router:external": True},
        {"provider:network_type": "vxlan"},
        {"project_id": "blue"},
    ],
)
async def test_what_is_for_administrators_is_refused_to_others(cloud: NetworkCloud, body: dict[str, Any]) -> None:
    answer = await cloud.call("POST", "/networks", json={"network": {"name": "mine", **body}})

    assert fault(answer) == (403, "PolicyNotAuthorized")


async def test_bindings_are_shown_to_the_cloud_only(cloud: NetworkCloud) -> None:
    network, _ = await cloud.network("10.1.0.0/24")
    port = await cloud.make("ports", "nova", network_id=network["id"], project_id="red", binding__host_id="h1")

    assert (port["binding:host_id"], port["binding:vif_type"]) == ("h1", "bridge")
    # No agent wires ports on h1, so there is nothing to wait for.
    assert port["status"] == "ACTIVE"
    assert "binding:host_id" not in await cloud.show("ports", port["id"])
    freed = await cloud.change("ports", port["id"], "nova", device_id="", device_owner="", binding__host_id="")
    assert (freed["status"], freed["binding:vif_type"]) == ("DOWN", "unbound")


async def test_lists_are_filtered_by_any_attribute(cloud: NetworkCloud) -> None:
    network, subnet = await cloud.network("10.1.0.0/24")
    other, _ = await cloud.network("10.2.0.0/24")
    first = await cloud.make("ports", network_id=network["id"], name="a", device_id="d1")
    second = await cloud.make("ports", network_id=network["id"], name="b", device_id="d2")
    group = first["security_groups"][0]

    async def names(query: str) -> list[str]:
        return [port["name"] for port in await cloud.list("ports", query)]

    assert await names("?name=a&name=b") == ["a", "b"]
    assert await names("?device_id=d2") == ["b"]
    assert await names(f"?fixed_ips=ip_address%3D{first['fixed_ips'][0]['ip_address']}") == ["a"]
    assert await names("?fixed_ips=ip_address_substr%3D10.1.0.4") == ["b"]
    assert await names(f"?fixed_ips=subnet_id%3D{subnet['id']}&device_owner=") == ["a", "b"]
    assert await names(f"?security_groups={group}&id={second['id']}") == ["b"]
    assert await names("?tenant_id=blue") == []
    assert [n["id"] for n in await cloud.list("networks", "?router:external=False&shared=0")] == [
        network["id"],
        other["id"],
    ]
    assert await cloud.list("networks", "?status=ERROR") == []
    assert (await cloud.call("GET", "/ports?colour=red")).status_code == 400


async def test_pages_follow_each_other_without_gaps_both_ways(cloud: NetworkCloud) -> None:
    for name in "dbaec":
        await cloud.make("networks", name=name)

    async def page(path: str) -> tuple[str, dict[str, str]]:
        document = (await cloud.call("GET", path)).json()
        links = {link["rel"]: link["href"].split("/v2.0")[1] for link in document.get("networks_links", [])}
        return "".join(network["name"] for network in document["networks"]), links

    first, links = await page("/networks?sort_key=name&sort_dir=desc&limit=2")
    assert (first, sorted(links)) == ("ed", ["next"])
    second, links = await page(links["next"])
    assert (second, sorted(links)) == ("cb", ["next", "previous"])
    third, more = await page(links["next"])
    assert (third, "next" in more) == ("a", False)
    assert (await page(links["previous"]))[0] == "ed"


async def test_fields_choose_what_is_shown(cloud: NetworkCloud) -> None:
    network, _ = await cloud.network("10.1.0.0/24")

    (shown,) = await cloud.list("networks", "?fields=id&fields=name")

    assert shown == {"id": network["id"], "name": "net"}


async def test_many_are_made_at_once_or_none(cloud: NetworkCloud) -> None:
    network, _ = await cloud.network("10.1.0.0/24")
    good = [{"network_id": network["id"], "name": name} for name in ("a", "b")]

    made = await cloud.call("POST", "/ports", json={"ports": good})
    assert [port["name"] for port in made.json()["ports"]] == ["a", "b"]

    bad = [*good, {"network_id": network["id"], "fixed_ips": [{"ip_address": "10.9.9.9"}]}]
    assert (await cloud.call("POST", "/ports", json={"ports": bad})).status_code == 400
    assert len(await cloud.list("ports", "?name=a&name=b")) == 2


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", "/networks", b"{"),
        ("POST", "/networks", b"[]"),
        ("POST", "/networks", b'{"network": 7}'),
        ("POST", "/networks", b'{"network": {"name": 7}}'),
        ("POST", "/networks", b'{"network": {"name": "' + b"x" * 300 + b'"}}'),
        ("POST", "/networks", b'{"network": {"mtu": "big"}}'),
        ("POST", "/ports", b'{"port": {}}'),
        ("POST", "/ports", b'{"port": {"network_id": "x"}}'),
        ("POST", "/floatingips", b'{"floatingip": {"floating_network_id": null}}'),
        ("GET", "/networks?limit=-1", b""),
        ("GET", "/networks?sort_key=colour", b""),
        ("GET", "/networks?admin_state_up=perhaps", b""),
    ],
)
async def test_bad_requests_are_refused_as_such(cloud: NetworkCloud, method: str, path: str, content: bytes) -> None:
    answer = await cloud.call(method, path, content=content)

    assert answer.status_code == 400, answer.text
    assert set(answer.json()["NeutronError"]) == {"type", "message", "detail"}


async def test_without_a_token_there_are_versions_only(cloud: NetworkCloud) -> None:
    assert (await cloud.http.get("/network/")).json()["versions"][0]["id"] == "v2.0"
    assert (await cloud.http.get("/network/v2.0/networks")).status_code == 401
