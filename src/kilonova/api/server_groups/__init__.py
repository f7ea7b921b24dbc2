"""Server groups: made with a policy, listed with their living members, deleted."""
