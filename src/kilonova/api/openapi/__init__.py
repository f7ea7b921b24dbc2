"""The Compute API described by itself: OpenAPI 3.1 of each microversion, and a page for people."""
