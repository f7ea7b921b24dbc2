"""The simulated driver: keeps its state, has settable delays and faults, runs a thousand hosts in one process."""
