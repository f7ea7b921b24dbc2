"""Neutron v2: networks, subnets, ports, routers, floating IPs, security groups; and the agent on a host."""
