"""Key pairs: list, show, create, delete."""

import string
from typing import Any

from kilonova.aio.blocking import blocking
from kilonova.api import quota
from kilonova.api.formats import InvalidName
from kilonova.api.keypairs import keys, view
from kilonova.api.paging import MarkerNotFound, limit_of, with_next
from kilonova.api.policy_checks import Target
from kilonova.api.quota import UNLIMITED, QuotaExceeded
from kilonova.api.request import Request
from kilonova.db.repository import keypairs
from kilonova.model.keypair import Keypair, KeypairNotFound

_SAFE = "_- " + string.digits + string.ascii_letters
_SAFE_FROM_92 = "@._- " + string.digits + string.ascii_letters


async def index(request: Request) -> dict[str, Any]:
    user_id = _user(request, request.one("user_id"))
    marker = request.one("marker")
    if marker is not None:
        await _check_marker(request, user_id, marker)
    limit = limit_of(request)
    found = await keypairs.listed(request.world.db, user_id, after=marker or "", limit=limit)
    document = {"keypairs": [{"keypair": view.listed(request, keypair)} for keypair in found]}
    if request.version < 35:
        return document
    return with_next(request, document, "keypairs", "os-keypairs", found[-1].name if found else None, limit)


async def _check_marker(request: Request, user_id: str, marker: str) -> None:
    try:
        await keypairs.get(request.world.db, user_id, marker)
    except KeypairNotFound as error:
        raise MarkerNotFound(marker) from error


async def show(request: Request) -> dict[str, Any]:
    user_id = _user(request, request.one("user_id"))
    return {"keypair": view.full(request, await keypairs.get(request.world.db, user_id, request.params["id"]))}


async def delete(request: Request) -> None:
    user_id = _user(request, request.one("user_id"))
    async with request.world.db.begin() as tx:
        await keypairs.delete(tx, user_id, request.params["id"])


async def create(request: Request) -> dict[str, Any]:
    """Errors: InvalidName, InvalidKeypair, KeypairExists, QuotaExceeded."""
    asked = request.body["keypair"]
    user_id = _user(request, asked.get("user_id"))
    _check_name(asked["name"], _SAFE_FROM_92 if request.version >= 92 else _SAFE)
    kind = asked.get("type", "ssh")
    made = await _keys(kind, user_id, asked.get("public_key"))
    now = request.world.clock.now()
    keypair = Keypair(0, user_id, asked["name"], kind, made.fingerprint, made.public_key, now)
    async with request.world.db.begin() as tx:
        held = await quota.limits(request, tx, request.caller.project_id or "")
        allowed = held.of("key_pairs", user_id)
        if allowed != UNLIMITED and await keypairs.count(tx, user_id) >= allowed:
            raise QuotaExceeded("Quota exceeded, too many key pairs.")
        await keypairs.insert(
            tx,
            user_id=user_id,
            name=keypair.name,
            type=kind,
            fingerprint=keypair.fingerprint,
            public_key=keypair.public_key,
            created_at=now,
        )
    return {"keypair": view.created(request, keypair, made.private_key or None)}


async def _keys(kind: str, user_id: str, public_key: str | None) -> keys.Made:
    """The keys given, or new ones; `private_key` is '' for those given."""
    if public_key is None:
        return await (blocking(keys.make_ssh) if kind == "ssh" else blocking(keys.make_x509, user_id))
    fingerprint = keys.ssh_fingerprint if kind == "ssh" else keys.x509_fingerprint
    return keys.Made("", public_key, fingerprint(public_key))


def _user(request: Request, asked: str | None) -> str:
    """Whose keys: the caller's own unless another is named. Errors: PolicyForbids."""
    user_id = asked or request.caller.user_id
    request.allow(target=Target(request.caller.project_id or "", user_id))
    return user_id


def _check_name(name: str, safe: str) -> None:
    if not set(name) <= set(safe):
        raise InvalidName(f"Only expected characters: [{safe}]")
