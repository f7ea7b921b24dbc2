"""Placement's tables and every statement on them."""
