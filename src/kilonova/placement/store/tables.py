"""Placement's tables. What is in use is counted in the inventory's own row: a claim is one conditional update."""

from sqlalchemy import Column, Index, Table

from kilonova.db.schema import BIG, FLOAT, ID, INTEGER, JSON_TEXT, SERIAL, WHEN, metadata, text

providers = Table(
    "placement_resource_providers",
    metadata,
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("id", ID, nullable=False, unique=True),
    Column("name", text(), nullable=False, unique=True),
    Column("generation", INTEGER, nullable=False, default=0),
    Column("parent_id", ID),
    Column("root_id", ID, nullable=False, index=True),
    # Sorted JSON lists, whole: a hundred thousand hosts have some dozen different ones, shared in memory.
    # `driver_traits` are those of `traits` that the host itself reported: its next report may take them away.
    Column("traits", JSON_TEXT, nullable=False, default="[]"),
    Column("driver_traits", JSON_TEXT, nullable=False, default="[]"),
    Column("aggregates", JSON_TEXT, nullable=False, default="[]"),
    Column("created_at", WHEN, nullable=False),
    Column("updated_at", WHEN, nullable=False),
    mysql_charset="utf8mb4",
)

# `used` is what all allocations together hold: written only together with them.
inventories = Table(
    "placement_inventories",
    metadata,
    Column("provider_id", ID, primary_key=True),
    Column("resource_class", text(), primary_key=True),
    Column("total", INTEGER, nullable=False),
    Column("reserved", INTEGER, nullable=False),
    Column("allocation_ratio", FLOAT, nullable=False),
    Column("min_unit", INTEGER, nullable=False),
    Column("max_unit", INTEGER, nullable=False),
    Column("step_size", INTEGER, nullable=False),
    Column("used", BIG, nullable=False, default=0),
    mysql_charset="utf8mb4",
)

# There is a consumer exactly as long as it holds something; its primary key keeps two claims for one consumer apart.
consumers = Table(
    "placement_consumers",
    metadata,
    Column("id", text(128), primary_key=True),
    Column("generation", INTEGER, nullable=False, default=0),
    Column("project_id", text(), nullable=False),
    Column("user_id", text(), nullable=False),
    Column("type", text(), nullable=False),
    Column("moved_from", text(128)),
    Column("created_at", WHEN, nullable=False),
    Column("updated_at", WHEN, nullable=False),
    Index("ix_placement_consumers_project", "project_id", "user_id"),
    mysql_charset="utf8mb4",
)

# All that a consumer holds of a provider, as a JSON map from resource class to amount: one row, not one a class.
allocations = Table(
    "placement_allocations",
    metadata,
    Column("consumer_id", text(128), primary_key=True),
    Column("provider_id", ID, primary_key=True, index=True),
    Column("resources", JSON_TEXT, nullable=False),
    # model.fitting's Fit, for the few that need more than amounts: it comes and goes with them.
    Column("fit", JSON_TEXT),
    mysql_charset="utf8mb4",
)

# Custom ones only: the standard ones are in the program.
traits = Table(
    "placement_traits",
    metadata,
    Column("name", text(), primary_key=True),
    Column("created_at", WHEN, nullable=False),
    mysql_charset="utf8mb4",
)
resource_classes = Table(
    "placement_resource_classes",
    metadata,
    Column("name", text(), primary_key=True),
    Column("created_at", WHEN, nullable=False),
    mysql_charset="utf8mb4",
)
