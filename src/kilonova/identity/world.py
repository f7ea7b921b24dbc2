"""What identity's handlers work with."""

from dataclasses import dataclass

from kilonova.aio.clock import Clock
from kilonova.db.database import Database
from kilonova.identity.cached import Cached
from kilonova.identity.catalog import Catalog
from kilonova.identity.keys import KeyRing
from kilonova.identity.login import Login
from kilonova.identity.passwords import Passwords
from kilonova.identity.revocation import Revocations
from kilonova.identity.rolebook import RoleBook
from kilonova.identity.tokens import Tokens


@dataclass(frozen=True)
class World:
    db: Database
    clock: Clock
    passwords: Passwords
    tokens: Tokens
    login: Login
    revocations: Revocations
    roles: Cached[RoleBook]
    catalog: Cached[Catalog]
    # Encrypts stored credentials (EC2 secrets, TOTP seeds …); never rotated.
    credential_keys: KeyRing
