"""What the network service tells of its things: the members we use of Neutron's documents, unknown ones ignored."""

import msgspec


class FixedIp(msgspec.Struct, frozen=True, kw_only=True):
    ip_address: str
    subnet_id: str = ""


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """`mtu` in bytes, 0 unknown."""

    id: str
    name: str = ""
    project_id: str = ""
    admin_state_up: bool = True
    shared: bool = False
    external: bool = msgspec.field(default=False, name="router:external")
    subnets: tuple[str, ...] = ()
    mtu: int = 0
    status: str = ""
    # Told to administrators only.
    physical_network: str | None = msgspec.field(default=None, name="provider:physical_network")


class HostRoute(msgspec.Struct, frozen=True, kw_only=True):
    destination: str
    nexthop: str


class Subnet(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str = ""
    network_id: str
    cidr: str
    ip_version: int = 4
    gateway_ip: str | None = None
    enable_dhcp: bool = True
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[HostRoute, ...] = ()
    ipv6_address_mode: str | None = None
    ipv6_ra_mode: str | None = None


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """`device_id` '' means free; `binding_host` '' unbound."""

    id: str
    name: str = ""
    network_id: str
    mac_address: str = ""
    project_id: str = ""
    device_id: str = ""
    device_owner: str = ""
    status: str = ""
    admin_state_up: bool = True
    fixed_ips: tuple[FixedIp, ...] = ()
    security_groups: tuple[str, ...] = ()
    binding_host: str = msgspec.field(default="", name="binding:host_id")
    vif_type: str = msgspec.field(default="", name="binding:vif_type")
    vif_details: dict[str, object] = msgspec.field(default={}, name="binding:vif_details")
    profile: dict[str, object] = msgspec.field(default={}, name="binding:profile")
    vnic_type: str = msgspec.field(default="normal", name="binding:vnic_type")
    resource_request: dict[str, object] | None = None


class FloatingIp(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    floating_ip_address: str
    floating_network_id: str = ""
    fixed_ip_address: str | None = None
    port_id: str | None = None
    project_id: str = ""
    status: str = ""


class SecurityGroupRule(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    security_group_id: str = ""
    direction: str = "ingress"
    ethertype: str = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None


class SecurityGroup(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str = ""
    description: str = ""
    project_id: str = ""
    security_group_rules: tuple[SecurityGroupRule, ...] = ()
