"""Hypervisors: a small core every driver has, and abilities some have."""
