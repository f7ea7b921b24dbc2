"""Errors of the network service and of the network on a host. Names and texts are Neutron's: clients match both."""

from kilonova.model.errors import BadRequest, Conflict, Forbidden, NotFound, Unavailable


class PortNotWanted(NotFound):
    """The network service has no such port bound to this host."""

    def __init__(self, port_id: str, host: str) -> None:
        super().__init__(f"Port {port_id} is not bound to host {host}.")
        self.port_id = port_id


class NetworkUnavailable(Unavailable):
    """The host's network could not be made as wanted; the message says which command failed and why."""


class HTTPBadRequest(BadRequest):
    """The body, or a query, is not understood."""


class InvalidInput(BadRequest):
    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid input for operation: {reason}.")


class PolicyNotAuthorized(Forbidden):
    def __init__(self, rule: str) -> None:
        super().__init__(f"({rule}) is disallowed by policy")


class OverQuota(Conflict):
    def __init__(self, resource: str) -> None:
        super().__init__(f"Quota exceeded for resources: ['{resource}'].")


class TenantQuotaNotFound(NotFound):
    def __init__(self, project_id: str) -> None:
        super().__init__(f"Quota for tenant {project_id} could not be found.")


class NetworkNotFound(NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Network {id} could not be found.")


class NetworkInUse(Conflict):
    def __init__(self, id: str, ports: list[str]) -> None:
        super().__init__(
            f"Unable to complete operation on network {id}. There are one or more ports still in use on the network, "
            f"id for these ports is: {','.join(ports)}."
        )


class AutoAllocatedTopologyNotFound(NotFound):
    def __init__(self, project_id: str) -> None:
        super().__init__(f"Auto-allocated topology for tenant {project_id} could not be found.")


class SubnetNotFound(NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Subnet {id} could not be found.")


class SubnetInUse(Conflict):
    def __init__(self, id: str) -> None:
        super().__init__(
            f"Unable to complete operation on subnet {id}: One or more ports have an IP allocation from this subnet."
        )


class GatewayConflictWithAllocationPools(Conflict):
    def __init__(self, address: str, pool: str) -> None:
        super().__init__(f"Gateway ip {address} conflicts with allocation pool {pool}.")


class InvalidAllocationPool(BadRequest):
    def __init__(self, pool: str) -> None:
        super().__init__(f"The allocation pool {pool} is not valid.")


class OutOfBoundsAllocationPool(BadRequest):
    def __init__(self, pool: str, cidr: str) -> None:
        super().__init__(f"The allocation pool {pool} spans beyond the subnet cidr {cidr}.")


class OverlappingAllocationPools(Conflict):
    def __init__(self, first: str, second: str, cidr: str) -> None:
        super().__init__(f"Found overlapping allocation pools: {first} {second} for subnet {cidr}.")


class IpAddressGenerationFailure(Conflict):
    def __init__(self, network_id: str) -> None:
        super().__init__(f"No more IP addresses available on network {network_id}.")


class IpAddressAlreadyAllocated(Conflict):
    def __init__(self, address: str, subnet_id: str) -> None:
        super().__init__(f"IP address {address} already allocated in subnet {subnet_id}")


class InvalidIpForSubnet(BadRequest):
    def __init__(self, address: str) -> None:
        super().__init__(f"IP address {address} is not a valid IP for the specified subnet.")


class InvalidIpForNetwork(BadRequest):
    def __init__(self, address: str) -> None:
        super().__init__(f"IP address {address} is not a valid IP for any of the subnets on the specified network.")


class MacAddressInUse(Conflict):
    def __init__(self, network_id: str, mac: str) -> None:
        super().__init__(f"Unable to complete operation for network {network_id}. The mac address {mac} is in use.")


class PortNotFound(NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Port {id} could not be found.")


class PortInUse(Conflict):
    def __init__(self, id: str, network_id: str, device: str) -> None:
        super().__init__(
            f"Unable to complete operation on port {id} for network {network_id}. "
            f"Port already has an attached device {device}."
        )


class ServicePortInUse(Conflict):
    def __init__(self, id: str, reason: str) -> None:
        super().__init__(f"Port {id} cannot be deleted directly via the port API: {reason}.")


class PortSecurityPortHasSecurityGroup(Conflict):
    def __init__(self) -> None:
        super().__init__(
            "Port has security group associated. Cannot disable port security or IP address until security group is "
            "removed."
        )


class AddressPairAndPortSecurityRequired(Conflict):
    def __init__(self) -> None:
        super().__init__("Port Security must be enabled in order to have allowed address pairs on a port.")


class RouterNotFound(NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Router {id} could not be found")


class RouterInUse(Conflict):
    def __init__(self, id: str) -> None:
        super().__init__(f"Router {id} still has ports")


class RouterInterfaceNotFound(NotFound):
    def __init__(self, router_id: str, port_id: str) -> None:
        super().__init__(f"Router {router_id} does not have an interface with id {port_id}")


class RouterInterfaceNotFoundForSubnet(NotFound):
    def __init__(self, router_id: str, subnet_id: str) -> None:
        super().__init__(f"Router {router_id} has no interface on subnet {subnet_id}")


class RouterInterfaceInUseByFloatingIP(Conflict):
    def __init__(self, router_id: str, subnet_id: str) -> None:
        super().__init__(
            f"Router interface for subnet {subnet_id} on router {router_id} cannot be deleted, "
            "as it is required by one or more floating IPs."
        )


class RouterExternalGatewayInUseByFloatingIp(Conflict):
    def __init__(self, router_id: str, network_id: str) -> None:
        super().__init__(
            f"Gateway cannot be updated for router {router_id}, since a gateway to external network {network_id} "
            "is required by one or more floating IPs."
        )


class InvalidRoutes(BadRequest):
    def __init__(self, routes: object, reason: str) -> None:
        super().__init__(f"Invalid format for routes: {routes}, {reason}")


class FloatingIPNotFound(NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Floating IP {id} could not be found")


class FloatingIPPortAlreadyAssociated(Conflict):
    def __init__(self, *, address: str, port_id: str, fixed: str, network_id: str) -> None:
        super().__init__(
            f"Cannot associate floating IP {address} with port {port_id} using fixed IP {fixed}, as that fixed IP "
            f"already has a floating IP on external network {network_id}."
        )


class ExternalGatewayForFloatingIPNotFound(NotFound):
    def __init__(self, *, network_id: str, subnet_id: str, port_id: str) -> None:
        super().__init__(
            f"External network {network_id} is not reachable from subnet {subnet_id}.  Therefore, cannot associate "
            f"Port {port_id} with a Floating IP."
        )


class SecurityGroupNotFound(NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Security group {id} does not exist")


class SecurityGroupInUse(Conflict):
    def __init__(self, id: str) -> None:
        super().__init__(f"Security Group {id} in use.")


class SecurityGroupCannotRemoveDefault(Conflict):
    def __init__(self) -> None:
        super().__init__("Insufficient rights for removing default security group.")


class SecurityGroupCannotUpdateDefault(Conflict):
    def __init__(self) -> None:
        super().__init__("Updating default security group not allowed.")


class SecurityGroupDefaultAlreadyExists(Conflict):
    def __init__(self) -> None:
        super().__init__("Default security group already exists.")


class SecurityGroupRuleNotFound(NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Security group rule {id} does not exist")


class SecurityGroupRuleExists(Conflict):
    def __init__(self, id: str) -> None:
        super().__init__(f"Security group rule already exists. Rule id is {id}.")


class SecurityGroupRuleInvalid(BadRequest):
    """The message says what is wrong."""


class AgentNotFound(NotFound):
    def __init__(self, id: str) -> None:
        super().__init__(f"Agent {id} could not be found.")
