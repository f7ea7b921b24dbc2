"""The agent on a host: drives a hypervisor; has no database access."""
