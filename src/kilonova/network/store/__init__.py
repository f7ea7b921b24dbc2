"""The network service's tables and its statements. One writer: this service. Lists in rows are JSON text."""
