"""Identity, driven over HTTP as its clients do."""
