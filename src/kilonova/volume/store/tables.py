"""Types, volumes, snapshots, attachments, quotas. What is deleted leaves no row."""

from sqlalchemy import Column, Index, Table, UniqueConstraint

from kilonova.db.schema import FLAG, ID, INTEGER, JSON_TEXT, LONG_TEXT, WHEN, id_column, metadata, text

types = Table(
    "volume_types",
    metadata,
    id_column(),
    Column("name", text(), nullable=False),
    Column("description", text()),
    Column("is_public", FLAG, nullable=False),
    Column("extra_specs", JSON_TEXT, nullable=False),
    Column("created_at", WHEN, nullable=False),
    UniqueConstraint("name"),
)

type_access = Table(
    "volume_type_access",
    metadata,
    Column("type_id", ID, primary_key=True),
    Column("project_id", text(), primary_key=True),
)

volumes = Table(
    "volume_volumes",
    metadata,
    id_column(),
    Column("project_id", text(), nullable=False),
    Column("user_id", text()),
    Column("name", text()),
    Column("description", text()),
    Column("size", INTEGER, nullable=False),
    Column("status", text(32), nullable=False),
    Column("type_id", ID),
    Column("availability_zone", text(), nullable=False),
    Column("bootable", FLAG, nullable=False),
    Column("read_only", FLAG, nullable=False),
    Column("multiattach", FLAG, nullable=False),
    # Where the content comes from; kept for show, and to start over after a crash.
    Column("image_id", ID),
    Column("snapshot_id", ID),
    Column("source_id", ID),
    Column("image_metadata", JSON_TEXT),
    # What a task of ours is doing beyond what the status tells: the new size, the image to fill.
    Column("work", JSON_TEXT),
    Column("previous_status", text(32)),
    Column("created_at", WHEN, nullable=False),
    Column("updated_at", WHEN),
    Index(None, "project_id", "created_at"),
    Index(None, "status"),
)

# Of volumes that are being migrated, or were: the words of Cinder's migration_status.
migrations = Table(
    "volume_migrations",
    metadata,
    Column("volume_id", ID, primary_key=True),
    Column("status", text(64), nullable=False),
    mysql_charset="utf8mb4",
)

volume_metadata = Table(
    "volume_metadata",
    metadata,
    Column("volume_id", ID, primary_key=True),
    Column("name", text(), primary_key=True),
    Column("value", text(), nullable=False),
    Index(None, "name", "value"),
)

snapshots = Table(
    "volume_snapshots",
    metadata,
    id_column(),
    Column("volume_id", ID, nullable=False),
    Column("project_id", text(), nullable=False),
    Column("user_id", text()),
    Column("name", text()),
    Column("description", text()),
    Column("size", INTEGER, nullable=False),
    Column("status", text(32), nullable=False),
    Column("metadata", JSON_TEXT, nullable=False),
    Column("image_metadata", JSON_TEXT),
    Column("created_at", WHEN, nullable=False),
    Column("updated_at", WHEN),
    Index(None, "project_id", "created_at"),
    Index(None, "volume_id"),
)

attachments = Table(
    "volume_attachments",
    metadata,
    id_column(),
    Column("volume_id", ID, nullable=False),
    Column("project_id", text(), nullable=False),
    Column("server_id", text()),
    Column("status", text(32), nullable=False),
    Column("mode", text(8), nullable=False),
    Column("device", text()),
    Column("host", text()),
    Column("connector", JSON_TEXT),
    Column("connection_info", LONG_TEXT),
    Column("attached_at", WHEN),
    Column("created_at", WHEN, nullable=False),
    Index(None, "volume_id"),
    Index(None, "server_id"),
)

# One row per project that ever had a volume: its own limits, and the lock that makes counting and adding one thing.
projects = Table(
    "volume_projects",
    metadata,
    Column("project_id", text(), primary_key=True),
    Column("limits", JSON_TEXT, nullable=False),
    Column("touched_at", WHEN, nullable=False),
)
