"""The image `tiny`: a bootable guest of some 20 MB, made at first start from Debian's or Ubuntu's own packages.

Needs no root, loop device or mount. `guest/` holds what runs inside. Owns no tables; offers `build_tiny` and
`cached_tiny`.
"""
