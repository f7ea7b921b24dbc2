"""Flavors, who may use the private ones, and key pairs."""

from sqlalchemy import Column, Index, Table

from kilonova.db.schema import FLAG, FLOAT, INTEGER, JSON_TEXT, LONG_TEXT, SERIAL, WHEN, metadata, text

flavors = Table(
    "flavors",
    metadata,
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("id", text(), nullable=False, unique=True),
    Column("name", text(), nullable=False, unique=True),
    Column("vcpus", INTEGER, nullable=False),
    Column("memory_mib", INTEGER, nullable=False),
    Column("root_gib", INTEGER, nullable=False),
    Column("ephemeral_gib", INTEGER, nullable=False, default=0),
    Column("swap_mib", INTEGER, nullable=False, default=0),
    Column("rxtx_factor", FLOAT, nullable=False, default=1.0),
    Column("is_public", FLAG, nullable=False, default=1),
    Column("disabled", FLAG, nullable=False, default=0),
    Column("description", LONG_TEXT),
    Column("extra_specs", JSON_TEXT, nullable=False, default="{}"),
    Column("created_at", WHEN, nullable=False),
    mysql_charset="utf8mb4",
)

flavor_access = Table(
    "flavor_access",
    metadata,
    Column("flavor_id", text(), primary_key=True),
    Column("project_id", text(64), primary_key=True),
    mysql_charset="utf8mb4",
)

keypairs = Table(
    "keypairs",
    metadata,
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("user_id", text(64), nullable=False),
    Column("name", text(), nullable=False),
    Column("type", text(8), nullable=False),
    Column("fingerprint", text(), nullable=False),
    Column("public_key", LONG_TEXT, nullable=False),
    Column("created_at", WHEN, nullable=False),
    Index("uq_keypairs_user_name", "user_id", "name", unique=True),
    mysql_charset="utf8mb4",
)
