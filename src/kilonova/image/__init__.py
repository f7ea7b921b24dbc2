"""Glance v2: images and their bits.

Owns the tables `image_images`, `image_tags`, `image_properties`, `image_members` and the files of one directory, which
no second process may share. Offers `service.ImageService`, an ASGI application to be mounted under `/image`; needs a
database, a token check and a clock. The image `tiny` is made by `tiny`.
"""
