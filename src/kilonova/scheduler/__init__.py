"""Filters and weighers choose a host, claims in placement, explains every refusal."""
