"""The Identity API v3: bodies in, documents out."""
