"""Servers: create, list, show, change, act on, and all that hangs on one."""
