"""The API beside facts that are not part of this repository: Nova's table of operations and its samples.

Run by `./kilonova conformance --facts DIR`; without KILONOVA_FACTS in the environment nothing here is collected.
"""
