"""Glance v2: images and their bits."""
