"""Services and hosts, aggregates, quotas."""

from sqlalchemy import Column, Index, Table

from kilonova.db.schema import BIG, FLAG, ID, INTEGER, JSON_TEXT, SERIAL, WHEN, metadata, text

services = Table(
    "services",
    metadata,
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("id", ID, nullable=False, unique=True),
    Column("binary", text(64), nullable=False),
    Column("host", text(), nullable=False),
    Column("disabled", FLAG, nullable=False, default=0),
    Column("disabled_reason", text()),
    Column("forced_down", FLAG, nullable=False, default=0),
    Column("last_seen_at", WHEN),
    Column("created_at", WHEN, nullable=False),
    Column("updated_at", WHEN),
    Index("uq_services_binary_host", "binary", "host", unique=True),
    mysql_charset="utf8mb4",
)

compute_nodes = Table(
    "compute_nodes",
    metadata,
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("id", ID, nullable=False, unique=True),
    Column("host", text(), nullable=False, unique=True),
    Column("hypervisor_hostname", text(), nullable=False),
    Column("hypervisor_type", text(64), nullable=False),
    Column("hypervisor_version", INTEGER, nullable=False),
    Column("host_ip", text(64), nullable=False),
    Column("vcpus", INTEGER, nullable=False),
    Column("memory_mib", INTEGER, nullable=False),
    Column("disk_gib", INTEGER, nullable=False),
    Column("cpu_info", JSON_TEXT, nullable=False, default="{}"),
    # model.fitting's Hardware, where the host tells of NUMA cells or PCI devices.
    Column("hardware", JSON_TEXT),
    Column("traits", JSON_TEXT, nullable=False, default="[]"),
    Column("created_at", WHEN, nullable=False),
    Column("updated_at", WHEN, nullable=False),
    mysql_charset="utf8mb4",
)

aggregates = Table(
    "aggregates",
    metadata,
    Column("number", SERIAL, primary_key=True, autoincrement=True),
    Column("id", ID, nullable=False, unique=True),
    Column("name", text(), nullable=False, unique=True),
    Column("hosts", JSON_TEXT, nullable=False, default="[]"),
    Column("metadata", JSON_TEXT, nullable=False, default="{}"),
    Column("created_at", WHEN, nullable=False),
    Column("updated_at", WHEN),
    mysql_charset="utf8mb4",
)

# A limit set for a project (user ''), for a user in a project, or for the class `default` (project '', user '').
quotas = Table(
    "quotas",
    metadata,
    Column("project_id", text(64), primary_key=True),
    Column("user_id", text(64), primary_key=True),
    Column("resource", text(64), primary_key=True),
    Column("hard_limit", INTEGER, nullable=False),
    mysql_charset="utf8mb4",
)

# A row a project: creates of one project lock it, and so count one after the other what there is.
quota_turns = Table(
    "quota_turns",
    metadata,
    Column("project_id", text(64), primary_key=True),
    Column("taken", BIG, nullable=False, default=0),
    mysql_charset="utf8mb4",
)
