"""Web pages that show what the cloud does; a client of the public API and nothing more."""
