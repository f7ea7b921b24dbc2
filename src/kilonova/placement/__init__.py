"""Inventories, allocations, traits: what is left where. REST too."""
