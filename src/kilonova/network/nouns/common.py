"""Attributes most things have."""

from kilonova.network.attributes import REQUIRED, Attribute
from kilonova.network.checks import flag, identifier, string

ID = Attribute(identifier, post=False, put=False)
NAME = Attribute(string(), default="")
DESCRIPTION = Attribute(string(), default="")
PROJECT = Attribute(string(64), default=None, put=False)
CREATED = Attribute(string(), post=False, put=False)
REVISION = Attribute(string(), post=False, put=False)
ADMIN_STATE = Attribute(flag, default=True)
NETWORK = Attribute(identifier, default=REQUIRED, put=False)

COMMON = {
    "id": ID,
    "name": NAME,
    "description": DESCRIPTION,
    "project_id": PROJECT,
    "created_at": CREATED,
    "updated_at": CREATED,
    "revision_number": REVISION,
}
