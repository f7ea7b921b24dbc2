"""Cinder v3: types, volumes, snapshots, attachments."""
