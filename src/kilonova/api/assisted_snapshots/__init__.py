"""Snapshots of volumes that only the host of their server can take: asked for by the volume service."""
