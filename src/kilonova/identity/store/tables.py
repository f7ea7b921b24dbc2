"""The tables of identity. A domain is a project with `is_domain` 1 and an empty `domain_id`, as in Keystone."""

from typing import Any

from sqlalchemy import Column, Index, Table, UniqueConstraint

from kilonova.db.schema import FLAG, ID, JSON_TEXT, LONG_TEXT, WHEN, id_column, metadata, text

_ENGINE: dict[str, Any] = {"mysql_charset": "utf8mb4"}


def _extra() -> "Column[str]":
    """Attributes the API keeps without knowing them: a JSON object."""
    return Column("extra", JSON_TEXT, nullable=False, default="{}")


projects = Table(
    "identity_project",
    metadata,
    id_column(),
    Column("domain_id", ID, nullable=False),
    Column("parent_id", ID, nullable=False, index=True),
    Column("name", text(64), nullable=False),
    Column("enabled", FLAG, nullable=False),
    Column("is_domain", FLAG, nullable=False),
    Column("tags", JSON_TEXT, nullable=False, default="[]"),
    Column("options", JSON_TEXT, nullable=False, default="{}"),
    _extra(),
    UniqueConstraint("domain_id", "name"),
    **_ENGINE,
)

users = Table(
    "identity_user",
    metadata,
    id_column(),
    Column("domain_id", ID, nullable=False),
    Column("name", text(), nullable=False),
    Column("enabled", FLAG, nullable=False),
    Column("default_project_id", ID),
    Column("password_hash", text()),
    Column("password_expires_at", WHEN),
    Column("options", JSON_TEXT, nullable=False, default="{}"),
    _extra(),
    UniqueConstraint("domain_id", "name"),
    **_ENGINE,
)

groups = Table(
    "identity_group",
    metadata,
    id_column(),
    Column("domain_id", ID, nullable=False),
    Column("name", text(64), nullable=False),
    _extra(),
    UniqueConstraint("domain_id", "name"),
    **_ENGINE,
)

memberships = Table(
    "identity_membership",
    metadata,
    Column("user_id", ID, primary_key=True),
    Column("group_id", ID, primary_key=True, index=True),
    **_ENGINE,
)

roles = Table(
    "identity_role",
    metadata,
    id_column(),
    Column("domain_id", ID, nullable=False),
    Column("name", text(), nullable=False),
    Column("options", JSON_TEXT, nullable=False, default="{}"),
    _extra(),
    UniqueConstraint("domain_id", "name"),
    **_ENGINE,
)

implied_roles = Table(
    "identity_implied_role",
    metadata,
    Column("prior_role_id", ID, primary_key=True),
    Column("implied_role_id", ID, primary_key=True),
    **_ENGINE,
)

# `target_kind` is project, domain or system (whose id is `system`), `actor_kind` user or group.
assignments = Table(
    "identity_assignment",
    metadata,
    Column("actor_id", ID, primary_key=True),
    Column("target_id", ID, primary_key=True, index=True),
    Column("role_id", ID, primary_key=True, index=True),
    Column("inherited", FLAG, primary_key=True),
    Column("actor_kind", text(8), nullable=False),
    Column("target_kind", text(8), nullable=False),
    **_ENGINE,
)

application_credentials = Table(
    "identity_application_credential",
    metadata,
    id_column(),
    Column("user_id", ID, nullable=False),
    Column("project_id", ID, nullable=False, index=True),
    Column("name", text(), nullable=False),
    Column("description", LONG_TEXT),
    Column("secret_hash", text(), nullable=False),
    Column("role_ids", JSON_TEXT, nullable=False),
    Column("expires_at", WHEN),
    Column("unrestricted", FLAG, nullable=False),
    UniqueConstraint("user_id", "name"),
    **_ENGINE,
)

regions = Table(
    "identity_region",
    metadata,
    Column("id", text(), primary_key=True),
    Column("parent_region_id", text()),
    Column("description", LONG_TEXT, nullable=False),
    _extra(),
    **_ENGINE,
)

services = Table(
    "identity_service",
    metadata,
    id_column(),
    Column("type", text(), nullable=False),
    Column("name", text()),
    Column("enabled", FLAG, nullable=False),
    _extra(),
    **_ENGINE,
)

endpoints = Table(
    "identity_endpoint",
    metadata,
    id_column(),
    Column("service_id", ID, nullable=False, index=True),
    Column("region_id", text()),
    Column("interface", text(8), nullable=False),
    Column("url", LONG_TEXT, nullable=False),
    Column("enabled", FLAG, nullable=False),
    _extra(),
    **_ENGINE,
)

# `blob` is encrypted: it holds other systems' secrets.
credentials = Table(
    "identity_credential",
    metadata,
    Column("id", text(64), primary_key=True),
    Column("user_id", ID, nullable=False, index=True),
    Column("project_id", ID),
    Column("type", text(), nullable=False),
    Column("blob", LONG_TEXT, nullable=False),
    **_ENGINE,
)

# Tokens of `subject` (`contract.identity.Subject`) issued until `until` are void; rows go when no such token can live.
revocations = Table(
    "identity_revocation",
    metadata,
    id_column(),
    Column("subject", text(80), nullable=False),
    Column("until", WHEN, nullable=False),
    Column("forgotten_at", WHEN, nullable=False, index=True),
    Index("ix_identity_revocation_subject", "subject"),
    **_ENGINE,
)
