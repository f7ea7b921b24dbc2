"""Networks, subnets, ports, routers, floating addresses, security groups, quotas, agents.

What is unique by constraint is so under concurrency: an address in its subnet, a MAC on its network, a project's
default security group. Names of columns are the API's where those are plain words.
"""

from typing import Any

from sqlalchemy import Column, Index, Table, UniqueConstraint

from kilonova.db.schema import BIG, FLAG, ID, INTEGER, JSON_TEXT, WHEN, id_column, metadata, text


def _common() -> "list[Column[Any]]":
    return [
        id_column(),
        Column("project_id", text(64), nullable=False, default=""),
        Column("name", text(), nullable=False, default=""),
        Column("description", text(), nullable=False, default=""),
        Column("revision_number", INTEGER, nullable=False, default=0),
        Column("created_at", WHEN, nullable=False),
        Column("updated_at", WHEN, nullable=False),
    ]


networks = Table(
    "network_networks",
    metadata,
    *_common(),
    Column("admin_state_up", FLAG, nullable=False, default=1),
    Column("shared", FLAG, nullable=False, default=0),
    Column("external", FLAG, nullable=False, default=0),
    Column("is_default", FLAG, nullable=False, default=0),
    Column("mtu", INTEGER, nullable=False),
    Column("network_type", text(32), nullable=False),
    Column("physical_network", text(64), nullable=False, default=""),
    Column("segment", INTEGER, nullable=False),
    Column("port_security_enabled", FLAG, nullable=False, default=1),
    Column("zone_hints", JSON_TEXT, nullable=False, default="[]"),
    UniqueConstraint("network_type", "physical_network", "segment"),
    Index(None, "project_id"),
)

subnets = Table(
    "network_subnets",
    metadata,
    *_common(),
    Column("network_id", ID, nullable=False),
    Column("ip_version", INTEGER, nullable=False),
    Column("cidr", text(64), nullable=False),
    Column("gateway_ip", text(64)),
    Column("enable_dhcp", FLAG, nullable=False, default=1),
    Column("allocation_pools", JSON_TEXT, nullable=False),
    Column("dns_nameservers", JSON_TEXT, nullable=False, default="[]"),
    Column("host_routes", JSON_TEXT, nullable=False, default="[]"),
    Column("service_types", JSON_TEXT, nullable=False, default="[]"),
    Column("ipv6_address_mode", text(20)),
    Column("ipv6_ra_mode", text(20)),
    Index(None, "network_id"),
    Index(None, "project_id"),
)

ports = Table(
    "network_ports",
    metadata,
    *_common(),
    Column("network_id", ID, nullable=False),
    Column("mac_address", text(17), nullable=False),
    Column("admin_state_up", FLAG, nullable=False, default=1),
    Column("status", text(16), nullable=False),
    Column("device_id", text(), nullable=False, default=""),
    Column("device_owner", text(), nullable=False, default=""),
    Column("host", text(), nullable=False, default=""),
    Column("vif_type", text(32), nullable=False, default="unbound"),
    Column("vnic_type", text(32), nullable=False, default="normal"),
    Column("profile", JSON_TEXT, nullable=False, default="{}"),
    # What a reader wants in one row; `network_addresses` and `network_port_groups` say the same to whoever searches.
    Column("fixed_ips", JSON_TEXT, nullable=False, default="[]"),
    Column("security_groups", JSON_TEXT, nullable=False, default="[]"),
    Column("allowed_address_pairs", JSON_TEXT, nullable=False, default="[]"),
    Column("extra_dhcp_opts", JSON_TEXT, nullable=False, default="[]"),
    Column("port_security_enabled", FLAG, nullable=False, default=1),
    Column("dns_name", text(), nullable=False, default=""),
    UniqueConstraint("network_id", "mac_address"),
    Index(None, "device_id"),
    Index(None, "project_id"),
    Index(None, "host"),
)

addresses = Table(
    "network_addresses",
    metadata,
    Column("subnet_id", ID, primary_key=True),
    Column("address", text(64), primary_key=True),
    # From the subnet's first address; NULL where it is beyond what a database's integer holds.
    Column("place", BIG),
    Column("port_id", ID, nullable=False),
    Column("network_id", ID, nullable=False),
    Index(None, "port_id"),
    Index(None, "subnet_id", "place"),
)

port_groups = Table(
    "network_port_groups",
    metadata,
    Column("group_id", ID, primary_key=True),
    Column("port_id", ID, primary_key=True),
    Index(None, "port_id"),
)

routers = Table(
    "network_routers",
    metadata,
    *_common(),
    Column("admin_state_up", FLAG, nullable=False, default=1),
    Column("gateway_network_id", ID),
    Column("gateway_port_id", ID),
    Column("enable_snat", FLAG, nullable=False, default=1),
    Column("routes", JSON_TEXT, nullable=False, default="[]"),
    Column("zone_hints", JSON_TEXT, nullable=False, default="[]"),
    Index(None, "project_id"),
    Index(None, "gateway_network_id"),
)

floating_ips = Table(
    "network_floating_ips",
    metadata,
    *_common(),
    Column("floating_network_id", ID, nullable=False),
    Column("floating_ip_address", text(64), nullable=False),
    Column("floating_port_id", ID, nullable=False),
    Column("port_id", ID),
    Column("fixed_ip_address", text(64)),
    Column("router_id", ID),
    Column("status", text(16), nullable=False),
    UniqueConstraint("port_id", "fixed_ip_address"),
    Index(None, "project_id"),
    Index(None, "router_id"),
)

security_groups = Table(
    "network_security_groups",
    metadata,
    *_common(),
    Column("stateful", FLAG, nullable=False, default=1),
    # 1 for a project's default group, NULL for all others, which NULL lets be many.
    Column("is_default", FLAG),
    UniqueConstraint("project_id", "is_default"),
)

security_group_rules = Table(
    "network_security_group_rules",
    metadata,
    *_common(),
    Column("security_group_id", ID, nullable=False),
    Column("direction", text(8), nullable=False),
    Column("ethertype", text(8), nullable=False),
    Column("protocol", text(40)),
    Column("port_range_min", INTEGER),
    Column("port_range_max", INTEGER),
    Column("remote_ip_prefix", text(64)),
    Column("remote_group_id", ID),
    Index(None, "security_group_id"),
    Index(None, "remote_group_id"),
    Index(None, "project_id"),
)

usage = Table(
    "network_usage",
    metadata,
    Column("project_id", text(64), primary_key=True),
    Column("resource", text(32), primary_key=True),
    Column("used", INTEGER, nullable=False),
)

quotas = Table(
    "network_quotas",
    metadata,
    Column("project_id", text(64), primary_key=True),
    Column("resource", text(32), primary_key=True),
    Column("limit_", INTEGER, nullable=False),
)

agents = Table(
    "network_agents",
    metadata,
    Column("host", text(), primary_key=True),
    Column("id", ID, nullable=False),
    Column("wires", FLAG, nullable=False),
    Column("version", text(32), nullable=False, default=""),
    Column("admin_state_up", FLAG, nullable=False, default=1),
    Column("created_at", WHEN, nullable=False),
    Column("started_at", WHEN, nullable=False),
    Column("heartbeat_at", WHEN, nullable=False),
)
