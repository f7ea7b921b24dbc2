"""The stored nouns of identity."""

from kilonova.identity.store import tables
from kilonova.identity.store.rows import Rows

PROJECTS = Rows("project", tables.projects, json=("tags", "options"))
USERS = Rows("user", tables.users, json=("options",))
GROUPS = Rows("group", tables.groups)
ROLES = Rows("role", tables.roles, json=("options",))
APPLICATION_CREDENTIALS = Rows("application credential", tables.application_credentials, json=("role_ids",))
REGIONS = Rows("region", tables.regions)
SERVICES = Rows("service", tables.services)
ENDPOINTS = Rows("endpoint", tables.endpoints)
CREDENTIALS = Rows("credential", tables.credentials)
