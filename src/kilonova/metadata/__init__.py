"""169.254.169.254 for guests: the OpenStack tree and the EC2 tree.

Owns nothing. A guest is known by the network it asks on and its address there; headers mean nothing on such a socket. A
listener of its own (for a Neutron's metadata agents) believes the headers that are signed with the shared secret.
Needs the conductor (who is this server), the network service (whose address is it), a clock.
"""
