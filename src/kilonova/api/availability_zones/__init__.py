"""Availability zones: which there are, and (for admins) which hosts with which services are in them."""
