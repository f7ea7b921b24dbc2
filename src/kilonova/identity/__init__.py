"""Keystone v3: tokens, catalog, projects, users, roles."""
