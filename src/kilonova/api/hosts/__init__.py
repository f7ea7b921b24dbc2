"""Hosts, as they were managed before 2.43: their services, what is used on them, enabling and disabling them."""
