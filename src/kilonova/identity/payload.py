"""What a token carries, packed small: ids as bytes, methods as bits, times as integers."""

import secrets
from enum import IntEnum

import msgspec

from kilonova.identity.keys import KeyRing

_VERSION = 1
METHODS = ("password", "token", "application_credential")


class ScopeKind(IntEnum):
    UNSCOPED = 0
    PROJECT = 1
    DOMAIN = 2
    SYSTEM = 3


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """Times in microseconds since 1970. `audit_ids`: the token's own, then that of the first of its chain."""

    user_id: str
    methods: tuple[str, ...]
    scope: ScopeKind
    scope_id: str
    issued_us: int
    expires_us: int
    audit_ids: tuple[str, ...]
    application_credential_id: str | None = None


class _Wire(msgspec.Struct, frozen=True, array_like=True):
    version: int
    user_id: bytes
    methods: int
    scope: int
    scope_id: bytes
    issued_us: int
    expires_us: int
    audit_ids: tuple[str, ...]
    application_credential_id: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Wire).decode


def new_audit_id() -> str:
    """22 characters, as Keystone's."""
    return secrets.token_urlsafe(16)


def seal(payload: Payload, keys: KeyRing) -> str:
    """A token: Fernet's base64 without the padding, which some servers and clients dislike in headers."""
    wire = _Wire(
        _VERSION,
        _pack(payload.user_id),
        sum(1 << METHODS.index(method) for method in payload.methods),
        payload.scope,
        _pack(payload.scope_id),
        payload.issued_us,
        payload.expires_us,
        payload.audit_ids,
        _pack(payload.application_credential_id or ""),
    )
    return keys.seal(_encode(wire), at=payload.issued_us / 1e6).rstrip(b"=").decode()


def unseal(token: str, keys: KeyRing) -> Payload | None:
    """The payload of a token that one of `keys` made, expired or not; None for anything else."""
    # Ours are about 230 characters: do not even decode what is far from it.
    if len(token) > 1024 or not token.isascii():
        return None
    data = keys.open(token.encode() + b"=" * (-len(token) % 4))
    if data is None:
        return None
    try:
        wire = _decode(data)
    except msgspec.MsgspecError:
        return None
    if wire.version != _VERSION:
        return None
    return Payload(
        user_id=_unpack(wire.user_id),
        methods=tuple(method for bit, method in enumerate(METHODS) if wire.methods & 1 << bit),
        scope=ScopeKind(wire.scope),
        scope_id=_unpack(wire.scope_id),
        issued_us=wire.issued_us,
        expires_us=wire.expires_us,
        audit_ids=wire.audit_ids,
        application_credential_id=_unpack(wire.application_credential_id) or None,
    )


_HEX = b"\0"
_TEXT = b"\1"


def _pack(identifier: str) -> bytes:
    """Seventeen bytes for a uuid in hex (nearly all ids), itself for the few others (`default`)."""
    if len(identifier) == 32:
        try:
            packed = bytes.fromhex(identifier)
        except ValueError:
            packed = b""
        if packed.hex() == identifier:
            return _HEX + packed
    return _TEXT + identifier.encode()


def _unpack(packed: bytes) -> str:
    return packed[1:].hex() if packed[:1] == _HEX else packed[1:].decode()


def microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)
