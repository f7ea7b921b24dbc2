"""Cinder v3: types, volumes, snapshots, attachments.

Owns the tables `volume_*` and the files of one directory, which no second process may share. Offers
`service.VolumeService`, an ASGI application to be mounted under `/volume`; needs a database, a token check, a clock,
the image service's client and a token of its own. Work on files runs in tasks; what a killed process left undone is in
the rows' statuses and is finished at the next start.
"""
