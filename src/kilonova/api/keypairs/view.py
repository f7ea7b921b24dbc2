"""A key pair as clients see it, by version."""

from typing import Any

from kilonova.api.request import Request
from kilonova.model.keypair import Keypair


def listed(request: Request, keypair: Keypair) -> dict[str, Any]:
    shown = {"name": keypair.name, "public_key": keypair.public_key, "fingerprint": keypair.fingerprint}
    if request.version >= 2:
        shown["type"] = keypair.type
    return shown


def created(request: Request, keypair: Keypair, private_key: str | None) -> dict[str, Any]:
    shown = {**listed(request, keypair), "user_id": keypair.user_id}
    if private_key is not None:
        shown["private_key"] = private_key
    return shown


def full(request: Request, keypair: Keypair) -> dict[str, Any]:
    return {
        **listed(request, keypair),
        "user_id": keypair.user_id,
        "id": keypair.number,
        "created_at": keypair.created_at,
        "updated_at": None,
        "deleted": False,
        "deleted_at": None,
    }
