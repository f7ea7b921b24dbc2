"""Alembic versions, additive first."""
