"""The first domain, projects, users, roles and catalog. May run at every start: it makes what is missing."""

import asyncio
from collections.abc import Mapping
from uuid import uuid4

import msgspec

from kilonova.db.database import Database, Transaction
from kilonova.db.statement import insert_into
from kilonova.identity.passwords import Passwords
from kilonova.identity.settings import IdentitySettings
from kilonova.identity.store.assignments import SYSTEM, Assignment, TargetKind, grant
from kilonova.identity.store.nouns import ENDPOINTS, PROJECTS, REGIONS, ROLES, SERVICES, USERS
from kilonova.identity.store.tables import implied_roles

DOMAIN_ID = "default"
REGION = "RegionOne"

PROJECT_NAMES = ("admin", "demo", "service")
SERVICE_USERS = ("nova", "glance", "neutron", "cinder", "placement")
USER_NAMES = ("admin", "demo", *SERVICE_USERS)

# Each implies the next; `service` stands alone.
_ROLE_CHAIN = ("admin", "manager", "member", "reader")


class _Service(msgspec.Struct, frozen=True):
    type: str
    name: str
    path: str


# Paths below the public base URL. Unversioned where clients add the version themselves.
_SERVICES = (
    _Service("identity", "keystone", "/identity"),
    _Service("compute", "nova", "/compute/v2.1"),
    _Service("image", "glance", "/image"),
    _Service("network", "neutron", "/network"),
    _Service("volumev3", "cinderv3", "/volume/v3/$(project_id)s"),
    _Service("block-storage", "cinder", "/volume/v3/$(project_id)s"),
    _Service("placement", "placement", "/placement"),
)


async def bootstrap(db: Database, *, passwords: Mapping[str, str], base_url: str, settings: IdentitySettings) -> None:
    """`passwords` by user name, for all of USER_NAMES; those of users already there are left as they are.

    `base_url` is where clients reach everything (scheme, host, port); endpoints that say otherwise are corrected.
    """
    missing = [name for name in USER_NAMES if await USERS.find(db, domain_id=DOMAIN_ID, name=name) is None]
    hashes = await _hashed({name: passwords[name] for name in missing}, settings)
    async with db.begin() as tx:
        await _ensure_domain(tx)
        projects = {name: await _ensure_project(tx, name) for name in PROJECT_NAMES}
        roles = {name: await _ensure_role(tx, name) for name in (*_ROLE_CHAIN, "service")}
        users = {name: await _ensure_user(tx, name, hashes) for name in USER_NAMES}
        await _ensure_assignments(tx, users=users, projects=projects, roles=roles)
        await _ensure_catalog(tx, base_url.rstrip("/"))


async def _hashed(passwords: Mapping[str, str], settings: IdentitySettings) -> dict[str, str]:
    hasher = Passwords(settings)
    try:
        hashes = await asyncio.gather(*(hasher.hash(password) for password in passwords.values()))
    finally:
        hasher.close()
    return dict(zip(passwords, hashes, strict=True))


async def _ensure_domain(tx: Transaction) -> None:
    if await PROJECTS.find(tx, id=DOMAIN_ID) is None:
        domain = {"id": DOMAIN_ID, "name": "Default", "description": "The default domain", "is_domain": True}
        await PROJECTS.add(tx, {**domain, **_PLACE, "domain_id": "", "parent_id": ""})


_PLACE = {"enabled": True, "tags": [], "options": {}}


async def _ensure_project(tx: Transaction, name: str) -> str:
    found = await PROJECTS.find(tx, domain_id=DOMAIN_ID, name=name)
    if found is None:
        found = {"id": uuid4().hex, "name": name, "description": "", "is_domain": False}
        await PROJECTS.add(tx, {**found, **_PLACE, "domain_id": DOMAIN_ID, "parent_id": DOMAIN_ID})
    return str(found["id"])


async def _ensure_role(tx: Transaction, name: str) -> str:
    found = await ROLES.find(tx, domain_id="", name=name)
    if found is None:
        found = {"id": uuid4().hex, "name": name, "domain_id": "", "options": {}, "description": None}
        await ROLES.add(tx, found)
        await _imply(tx, name, found["id"])
    return str(found["id"])


async def _imply(tx: Transaction, name: str, role_id: str) -> None:
    """The role before this one in the chain, made just before, implies it. What was changed later stays changed."""
    place = _ROLE_CHAIN.index(name) if name in _ROLE_CHAIN else 0
    if place == 0:
        return
    prior = await ROLES.find(tx, domain_id="", name=_ROLE_CHAIN[place - 1])
    assert prior is not None
    await tx.execute(insert_into(implied_roles), prior_role_id=prior["id"], implied_role_id=role_id)


async def _ensure_user(tx: Transaction, name: str, hashes: Mapping[str, str]) -> str:
    found = await USERS.find(tx, domain_id=DOMAIN_ID, name=name)
    if found is None:
        found = {"id": uuid4().hex, "domain_id": DOMAIN_ID, "name": name, "enabled": True, "options": {}}
        await USERS.add(tx, {**found, "password_hash": hashes[name]})
    return str(found["id"])


async def _ensure_assignments(
    tx: Transaction, *, users: Mapping[str, str], projects: Mapping[str, str], roles: Mapping[str, str]
) -> None:
    async def ensure(user: str, target: TargetKind, target_id: str, role: str) -> None:
        await grant(tx, Assignment("user", users[user], target, target_id, roles[role]))

    await ensure("admin", "project", projects["admin"], "admin")
    await ensure("admin", "system", SYSTEM, "admin")
    await ensure("demo", "project", projects["demo"], "member")
    for user in SERVICE_USERS:
        await ensure(user, "project", projects["service"], "service")
        await ensure(user, "project", projects["service"], "admin")


async def _ensure_catalog(tx: Transaction, base_url: str) -> None:
    if await REGIONS.find(tx, id=REGION) is None:
        await REGIONS.add(tx, {"id": REGION, "description": "", "parent_region_id": None})
    for service in _SERVICES:
        found = await SERVICES.find(tx, type=service.type, name=service.name)
        if found is None:
            found = {"id": uuid4().hex, "type": service.type, "name": service.name, "enabled": True}
            await SERVICES.add(tx, found)
        for interface in ("public", "internal", "admin"):
            await _ensure_endpoint(tx, str(found["id"]), interface, base_url + service.path)


async def _ensure_endpoint(tx: Transaction, service_id: str, interface: str, url: str) -> None:
    found = await ENDPOINTS.find(tx, service_id=service_id, interface=interface, region_id=REGION)
    if found is None:
        endpoint = {"id": uuid4().hex, "service_id": service_id, "interface": interface, "region_id": REGION}
        await ENDPOINTS.add(tx, {**endpoint, "url": url, "enabled": True})
    elif found["url"] != url:
        await ENDPOINTS.change(tx, found, {"url": url})
