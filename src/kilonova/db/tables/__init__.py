"""Tables of the compute database, one module per noun."""
