"""Migrations: the record of all moves, and the running live ones of a server."""
