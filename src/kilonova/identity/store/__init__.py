"""Identity's tables and the statements on them."""
