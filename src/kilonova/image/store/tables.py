"""Images, their tags, custom properties and members. A deleted image leaves no row."""

from sqlalchemy import Column, Index, Table

from kilonova.db.schema import BIG, FLAG, ID, INTEGER, LONG_TEXT, WHEN, id_column, metadata, text

images = Table(
    "image_images",
    metadata,
    id_column(),
    Column("name", text()),
    Column("status", text(30), nullable=False),
    Column("visibility", text(30), nullable=False),
    Column("owner", text()),
    Column("disk_format", text(20)),
    Column("container_format", text(20)),
    Column("size", BIG),
    Column("virtual_size", BIG),
    Column("checksum", text(32)),
    Column("os_hash_algo", text(64)),
    Column("os_hash_value", text(128)),
    Column("min_disk", INTEGER, nullable=False),
    Column("min_ram", INTEGER, nullable=False),
    Column("protected", FLAG, nullable=False),
    Column("os_hidden", FLAG, nullable=False),
    Column("created_at", WHEN, nullable=False),
    Column("updated_at", WHEN, nullable=False),
    Index(None, "created_at", "id"),
    Index(None, "owner"),
    Index(None, "visibility"),
)

tags = Table(
    "image_tags",
    metadata,
    Column("image_id", ID, primary_key=True),
    Column("tag", text(), primary_key=True),
)

properties = Table(
    "image_properties",
    metadata,
    Column("image_id", ID, primary_key=True),
    Column("name", text(), primary_key=True),
    Column("value", LONG_TEXT, nullable=False),
)

members = Table(
    "image_members",
    metadata,
    Column("image_id", ID, primary_key=True),
    Column("member_id", text(), primary_key=True),
    Column("status", text(20), nullable=False),
    Column("created_at", WHEN, nullable=False),
    Column("updated_at", WHEN, nullable=False),
    Index(None, "member_id"),
)
