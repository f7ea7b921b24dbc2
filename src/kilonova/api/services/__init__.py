"""Services: listed, enabled and disabled, forced down, taken out of the record."""
