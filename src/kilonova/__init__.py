"""Kilonova: OpenStack Compute made anew, as one coherent product."""
