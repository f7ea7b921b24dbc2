"""The only place that knows which service runs where."""
