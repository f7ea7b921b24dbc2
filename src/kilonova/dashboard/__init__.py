"""Web pages that show what the cloud does: a client of the public APIs and nothing more.

Owns nothing and knows nothing: `service.Dashboard` serves the files of `pages/`; what they show the browser asks of
identity, compute, image and network, with the token of whoever logged in. Mounted under `/dashboard`.
"""
