"""The network service (Neutron's API v2.0) over REST, as the api and compute hosts need it.

Every call takes the token it is made with. Errors are our families by the peer's status (NotFound, Conflict …), and
Unavailable when it does not answer.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec

from kilonova.model.errors import NotFound
from kilonova.model.fitting.pci import FittedDevice
from kilonova.model.fitting.port_devices import binding_profile
from kilonova.peers.network_types import FloatingIp, Network, Port, SecurityGroup, SecurityGroupRule, Subnet
from kilonova.web.client import RestClient

T = TypeVar("T")

# Its place in the picture of a create: compute asks for ports and gets addresses.
PORTS_STEP = "22-24"

# Who owns a server's port; an availability zone's name follows.
DEVICE_OWNER = "compute:"
# What describes a port that was made for a server to be plugged in, until a host has it.
TO_BE_PLUGGED = "made to be plugged into its server"


def bound(port: Port, host: str, device: FittedDevice | None) -> dict[str, Any]:
    """What changes of the port when it is bound to `host` (none: ''), there to `device` of its PCI devices."""
    profile = binding_profile(port.profile, device)
    changes: dict[str, Any] = {"binding:host_id": host}
    return changes if profile == port.profile else changes | {"binding:profile": profile}


class NetworkClient:
    """`rest` has the endpoint without the version as its base."""

    def __init__(self, rest: RestClient) -> None:
        self._rest = rest

    async def close(self) -> None:
        await self._rest.close()

    async def networks(self, token: str, *, ids: Sequence[str] = (), **filters: str) -> list[Network]:
        """Those the token may see among `ids` (all when empty), further narrowed by Neutron's filters."""
        return await self._list(token, "networks", Network, ids, filters)

    async def available_networks(self, token: str, project_id: str) -> list[Network]:
        """What a project's servers may be put on when none is named: its own and shared ones, in service."""
        found = await self._list(token, "networks", Network, (), {"admin_state_up": "true"})
        return [network for network in found if network.shared or network.project_id == project_id]

    async def network(self, token: str, network_id: str) -> Network:
        return await self._show(token, "networks", network_id, "network", Network)

    async def segments(self, token: str, network_id: str) -> list[str]:
        """The ids of a network's segments; none where the service knows no routed networks."""
        answer = await self._rest.request(
            "GET", f"/v2.0/segments?network_id={network_id}", token=token, ok=frozenset({404})
        )
        return [] if answer.status_code == 404 else [str(one["id"]) for one in answer.json()["segments"]]

    async def subnets(self, token: str, *, ids: Sequence[str] = (), **filters: str) -> list[Subnet]:
        return await self._list(token, "subnets", Subnet, ids, filters)

    async def subnet(self, token: str, subnet_id: str) -> Subnet:
        return await self._show(token, "subnets", subnet_id, "subnet", Subnet)

    async def topology_allowed(self, token: str, project_id: str) -> bool:
        """Whether a network could be made for the project by itself (`networks: auto` with none there)."""
        path = f"/v2.0/auto-allocated-topology/{project_id}?fields=dry-run"
        answer = await self._rest.request("GET", path, token=token, ok=frozenset(range(400, 500)))
        return answer.status_code < 400

    async def allocate_topology(self, token: str, project_id: str) -> str:
        """Make (or find) the project's own network; its id."""
        document = await self._rest.json("GET", f"/v2.0/auto-allocated-topology/{project_id}", token=token)
        return str(document["auto_allocated_topology"]["id"])

    async def ports(self, token: str, *, ids: Sequence[str] = (), **filters: str) -> list[Port]:
        """`device_id="…"` gives a server's ports."""
        return await self._list(token, "ports", Port, ids, filters)

    async def port(self, token: str, port_id: str) -> Port:
        return await self._show(token, "ports", port_id, "port", Port)

    async def create_port(self, token: str, port: Mapping[str, Any]) -> Port:
        """`port` in Neutron's words: network_id, device_id, device_owner, `binding:host_id`, fixed_ips …"""
        document = await self._rest.json("POST", "/v2.0/ports", token=token, json={"port": port}, step=PORTS_STEP)
        return msgspec.convert(document["port"], Port)

    async def update_port(self, token: str, port_id: str, changes: Mapping[str, Any]) -> Port:
        document = await self._rest.json(
            "PUT", f"/v2.0/ports/{port_id}", token=token, json={"port": changes}, step=PORTS_STEP
        )
        return msgspec.convert(document["port"], Port)

    async def bind_port(
        self,
        token: str,
        port_id: str,
        *,
        server_id: str,
        host: str,
        zone: str = "nova",
        marked: bool = False,
        profile: Mapping[str, object] | None = None,
    ) -> Port:
        """Give the port to a server on a host, with another `profile` where it is given; a `marked` one is no longer
        `TO_BE_PLUGGED`.

        Errors: Conflict when another has it.
        """
        changes: dict[str, Any] = {
            "device_id": server_id,
            "device_owner": f"{DEVICE_OWNER}{zone}",
            "binding:host_id": host,
        }
        if profile is not None:
            changes["binding:profile"] = profile
        if marked:
            changes["description"] = ""
        return await self.update_port(token, port_id, changes)

    async def unbind_port(self, token: str, port: Port) -> None:
        """Free a port that is its owner's. Happy to find nothing."""
        changes = {"device_id": "", "device_owner": "", **bound(port, "", None)}
        try:
            await self.update_port(token, port.id, changes)
        except NotFound:
            return

    async def delete_port(self, token: str, port_id: str) -> None:
        """Happy to find nothing."""
        await self._rest.request("DELETE", f"/v2.0/ports/{port_id}", token=token, ok=frozenset({404}))

    async def floating_ips(self, token: str, **filters: str) -> list[FloatingIp]:
        """`port_id="…"`, `floating_ip_address="…"` …"""
        return await self._list(token, "floatingips", FloatingIp, (), filters)

    async def floating_ips_of(self, token: str, port_ids: Sequence[str]) -> list[FloatingIp]:
        if not port_ids:
            return []
        query = urlencode([("port_id", port_id) for port_id in port_ids])
        document = await self._rest.json("GET", f"/v2.0/floatingips?{query}", token=token, step=PORTS_STEP)
        return msgspec.convert(document["floatingips"], list[FloatingIp])

    async def floating_ip(self, token: str, floating_ip_id: str) -> FloatingIp:
        return await self._show(token, "floatingips", floating_ip_id, "floatingip", FloatingIp)

    async def create_floating_ip(self, token: str, network_id: str) -> FloatingIp:
        sent = {"floatingip": {"floating_network_id": network_id}}
        document = await self._rest.json("POST", "/v2.0/floatingips", token=token, json=sent)
        return msgspec.convert(document["floatingip"], FloatingIp)

    async def associate_floating_ip(
        self, token: str, floating_ip_id: str, *, port_id: str | None, fixed_ip: str | None = None
    ) -> None:
        """`port_id` None takes it off."""
        changes: dict[str, Any] = {"port_id": port_id}
        if fixed_ip is not None:
            changes["fixed_ip_address"] = fixed_ip
        await self._rest.request(
            "PUT", f"/v2.0/floatingips/{floating_ip_id}", token=token, json={"floatingip": changes}
        )

    async def delete_floating_ip(self, token: str, floating_ip_id: str) -> None:
        await self._rest.request("DELETE", f"/v2.0/floatingips/{floating_ip_id}", token=token)

    async def security_groups(self, token: str, *, ids: Sequence[str] = (), **filters: str) -> list[SecurityGroup]:
        return await self._list(token, "security-groups", SecurityGroup, ids, filters)

    async def security_group(self, token: str, group_id: str) -> SecurityGroup:
        return await self._show(token, "security-groups", group_id, "security_group", SecurityGroup)

    async def create_security_group(self, token: str, name: str, description: str) -> SecurityGroup:
        sent = {"security_group": {"name": name, "description": description}}
        document = await self._rest.json("POST", "/v2.0/security-groups", token=token, json=sent)
        return msgspec.convert(document["security_group"], SecurityGroup)

    async def update_security_group(self, token: str, group_id: str, name: str, description: str) -> SecurityGroup:
        sent = {"security_group": {"name": name, "description": description}}
        document = await self._rest.json("PUT", f"/v2.0/security-groups/{group_id}", token=token, json=sent)
        return msgspec.convert(document["security_group"], SecurityGroup)

    async def delete_security_group(self, token: str, group_id: str) -> None:
        await self._rest.request("DELETE", f"/v2.0/security-groups/{group_id}", token=token)

    async def create_security_group_rule(self, token: str, rule: Mapping[str, Any]) -> SecurityGroupRule:
        sent = {"security_group_rule": rule}
        document = await self._rest.json("POST", "/v2.0/security-group-rules", token=token, json=sent)
        return msgspec.convert(document["security_group_rule"], SecurityGroupRule)

    async def security_group_rule(self, token: str, rule_id: str) -> SecurityGroupRule:
        return await self._show(token, "security-group-rules", rule_id, "security_group_rule", SecurityGroupRule)

    async def delete_security_group_rule(self, token: str, rule_id: str) -> None:
        await self._rest.request("DELETE", f"/v2.0/security-group-rules/{rule_id}", token=token)

    async def _list(
        self, token: str, collection: str, kind: type[T], ids: Sequence[str], filters: Mapping[str, str]
    ) -> list[T]:
        query = urlencode([("id", one) for one in ids] + list(filters.items()))
        path = f"/v2.0/{collection}" + (f"?{query}" if query else "")
        document = await self._rest.json("GET", path, token=token, step=PORTS_STEP if collection == "ports" else "")
        return msgspec.convert(document[collection.replace("-", "_")], list[kind])  # type: ignore[valid-type]

    async def _show(self, token: str, collection: str, identifier: str, member: str, kind: type[T]) -> T:
        document = await self._rest.json("GET", f"/v2.0/{collection}/{identifier}", token=token)
        return msgspec.convert(document[member], kind)
