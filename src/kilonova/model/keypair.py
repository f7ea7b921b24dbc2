"""Key pairs: a user's public keys (ssh) and certificates (x509)."""

import msgspec

from kilonova.model.errors import BadRequest, Conflict, NotFound
from kilonova.model.time import Timestamp


class KeypairNotFound(NotFound):
    def __init__(self, name: str, user_id: str) -> None:
        super().__init__(f"Keypair {name} not found for user {user_id}")
        self.name = name
        self.user_id = user_id


class KeypairExists(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"Key pair '{name}' already exists.")
        self.name = name


class InvalidKeypair(BadRequest):
    def __init__(self, reason: str) -> None:
        super().__init__(f"Keypair data is invalid: {reason}")


class Keypair(msgspec.Struct, frozen=True):
    """`type` is ssh or x509; fingerprints are MD5 of the key, or SHA-1 of the certificate, in colon form."""

    number: int
    user_id: str
    name: str
    type: str
    fingerprint: str
    public_key: str
    created_at: Timestamp
