"""All tables"""

import sqlalchemy as sa
from alembic import op

from kilonova.db import schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "aggregates",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("hosts", schema.JSON_TEXT, nullable=False),
        sa.Column("metadata", schema.JSON_TEXT, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_aggregates")),
        sa.UniqueConstraint("id", name=op.f("uq_aggregates_id")),
        sa.UniqueConstraint("name", name=op.f("uq_aggregates_name")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "block_devices",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("server_id", schema.ID, nullable=False),
        sa.Column("source_type", schema.text(16), nullable=False),
        sa.Column("destination_type", schema.text(16), nullable=False),
        sa.Column("boot_index", schema.INTEGER, nullable=True),
        sa.Column("image_id", schema.ID, nullable=True),
        sa.Column("volume_id", schema.ID, nullable=True),
        sa.Column("snapshot_id", schema.ID, nullable=True),
        sa.Column("volume_size", schema.INTEGER, nullable=True),
        sa.Column("volume_type", schema.text(255), nullable=True),
        sa.Column("delete_on_termination", schema.FLAG, nullable=False),
        sa.Column("device_name", schema.text(255), nullable=True),
        sa.Column("disk_bus", schema.text(32), nullable=True),
        sa.Column("guest_format", schema.text(32), nullable=True),
        sa.Column("tag", schema.text(80), nullable=True),
        sa.Column("attachment_id", schema.ID, nullable=True),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_block_devices")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_block_devices_server_id"), "block_devices", ["server_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        op.f("ix_block_devices_volume_id"), "block_devices", ["volume_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "compute_nodes",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("host", schema.text(255), nullable=False),
        sa.Column("hypervisor_hostname", schema.text(255), nullable=False),
        sa.Column("hypervisor_type", schema.text(64), nullable=False),
        sa.Column("hypervisor_version", schema.INTEGER, nullable=False),
        sa.Column("host_ip", schema.text(64), nullable=False),
        sa.Column("vcpus", schema.INTEGER, nullable=False),
        sa.Column("memory_mib", schema.INTEGER, nullable=False),
        sa.Column("disk_gib", schema.INTEGER, nullable=False),
        sa.Column("cpu_info", schema.JSON_TEXT, nullable=False),
        sa.Column("hardware", schema.JSON_TEXT, nullable=True),
        sa.Column("traits", schema.JSON_TEXT, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_compute_nodes")),
        sa.UniqueConstraint("host", name=op.f("uq_compute_nodes_host")),
        sa.UniqueConstraint("id", name=op.f("uq_compute_nodes_id")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "console_tokens",
        sa.Column("hash", schema.text(64), nullable=False),
        sa.Column("server_id", schema.ID, nullable=False),
        sa.Column("target", schema.JSON_TEXT, nullable=False),
        sa.Column("once", schema.FLAG, nullable=False),
        sa.Column("used", schema.FLAG, nullable=False),
        sa.Column("expires_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_console_tokens")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_console_tokens_server_id"), "console_tokens", ["server_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "flavor_access",
        sa.Column("flavor_id", schema.text(255), nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.PrimaryKeyConstraint("flavor_id", "project_id", name=op.f("pk_flavor_access")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "flavors",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", schema.text(255), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("vcpus", schema.INTEGER, nullable=False),
        sa.Column("memory_mib", schema.INTEGER, nullable=False),
        sa.Column("root_gib", schema.INTEGER, nullable=False),
        sa.Column("ephemeral_gib", schema.INTEGER, nullable=False),
        sa.Column("swap_mib", schema.INTEGER, nullable=False),
        sa.Column("rxtx_factor", schema.FLOAT, nullable=False),
        sa.Column("is_public", schema.FLAG, nullable=False),
        sa.Column("disabled", schema.FLAG, nullable=False),
        sa.Column("description", schema.JSON_TEXT, nullable=True),
        sa.Column("extra_specs", schema.JSON_TEXT, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_flavors")),
        sa.UniqueConstraint("id", name=op.f("uq_flavors_id")),
        sa.UniqueConstraint("name", name=op.f("uq_flavors_name")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "holds",
        sa.Column("resource_id", schema.ID, nullable=False),
        sa.Column("saga_id", schema.ID, nullable=False),
        sa.PrimaryKeyConstraint("resource_id", name=op.f("pk_holds")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("key", schema.text(255), nullable=False),
        sa.Column("body_hash", schema.text(64), nullable=False),
        sa.Column("status", schema.INTEGER, nullable=False),
        sa.Column("headers", schema.JSON_TEXT, nullable=False),
        sa.Column("body", schema.JSON_TEXT, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "key", name=op.f("pk_idempotency_keys")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "identity_application_credential",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("user_id", schema.ID, nullable=False),
        sa.Column("project_id", schema.ID, nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("description", schema.JSON_TEXT, nullable=True),
        sa.Column("secret_hash", schema.text(255), nullable=False),
        sa.Column("role_ids", schema.JSON_TEXT, nullable=False),
        sa.Column("expires_at", schema.WHEN, nullable=True),
        sa.Column("unrestricted", schema.FLAG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_application_credential")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_identity_application_credential_user_id_name")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_identity_application_credential_project_id"),
        "identity_application_credential",
        ["project_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "identity_assignment",
        sa.Column("actor_id", schema.ID, nullable=False),
        sa.Column("target_id", schema.ID, nullable=False),
        sa.Column("role_id", schema.ID, nullable=False),
        sa.Column("inherited", schema.FLAG, nullable=False),
        sa.Column("actor_kind", schema.text(8), nullable=False),
        sa.Column("target_kind", schema.text(8), nullable=False),
        sa.PrimaryKeyConstraint("actor_id", "target_id", "role_id", "inherited", name=op.f("pk_identity_assignment")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_identity_assignment_role_id"), "identity_assignment", ["role_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        op.f("ix_identity_assignment_target_id"), "identity_assignment", ["target_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "identity_credential",
        sa.Column("id", schema.text(64), nullable=False),
        sa.Column("user_id", schema.ID, nullable=False),
        sa.Column("project_id", schema.ID, nullable=True),
        sa.Column("type", schema.text(255), nullable=False),
        sa.Column("blob", schema.JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_credential")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_identity_credential_user_id"), "identity_credential", ["user_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "identity_endpoint",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("service_id", schema.ID, nullable=False),
        sa.Column("region_id", schema.text(255), nullable=True),
        sa.Column("interface", schema.text(8), nullable=False),
        sa.Column("url", schema.JSON_TEXT, nullable=False),
        sa.Column("enabled", schema.FLAG, nullable=False),
        sa.Column("extra", schema.JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_endpoint")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_identity_endpoint_service_id"), "identity_endpoint", ["service_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "identity_group",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("domain_id", schema.ID, nullable=False),
        sa.Column("name", schema.text(64), nullable=False),
        sa.Column("extra", schema.JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_group")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_group_domain_id_name")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "identity_implied_role",
        sa.Column("prior_role_id", schema.ID, nullable=False),
        sa.Column("implied_role_id", schema.ID, nullable=False),
        sa.PrimaryKeyConstraint("prior_role_id", "implied_role_id", name=op.f("pk_identity_implied_role")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "identity_membership",
        sa.Column("user_id", schema.ID, nullable=False),
        sa.Column("group_id", schema.ID, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "group_id", name=op.f("pk_identity_membership")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_identity_membership_group_id"), "identity_membership", ["group_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "identity_project",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("domain_id", schema.ID, nullable=False),
        sa.Column("parent_id", schema.ID, nullable=False),
        sa.Column("name", schema.text(64), nullable=False),
        sa.Column("enabled", schema.FLAG, nullable=False),
        sa.Column("is_domain", schema.FLAG, nullable=False),
        sa.Column("tags", schema.JSON_TEXT, nullable=False),
        sa.Column("options", schema.JSON_TEXT, nullable=False),
        sa.Column("extra", schema.JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_project")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_project_domain_id_name")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_identity_project_parent_id"), "identity_project", ["parent_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "identity_region",
        sa.Column("id", schema.text(255), nullable=False),
        sa.Column("parent_region_id", schema.text(255), nullable=True),
        sa.Column("description", schema.JSON_TEXT, nullable=False),
        sa.Column("extra", schema.JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_region")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "identity_revocation",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("subject", schema.text(80), nullable=False),
        sa.Column("until", schema.WHEN, nullable=False),
        sa.Column("forgotten_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_revocation")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_identity_revocation_forgotten_at"),
        "identity_revocation",
        ["forgotten_at"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        "ix_identity_revocation_subject", "identity_revocation", ["subject"], unique=False, if_not_exists=True
    )
    op.create_table(
        "identity_role",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("domain_id", schema.ID, nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("options", schema.JSON_TEXT, nullable=False),
        sa.Column("extra", schema.JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_role")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_role_domain_id_name")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "identity_service",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("type", schema.text(255), nullable=False),
        sa.Column("name", schema.text(255), nullable=True),
        sa.Column("enabled", schema.FLAG, nullable=False),
        sa.Column("extra", schema.JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_service")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "identity_user",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("domain_id", schema.ID, nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("enabled", schema.FLAG, nullable=False),
        sa.Column("default_project_id", schema.ID, nullable=True),
        sa.Column("password_hash", schema.text(255), nullable=True),
        sa.Column("password_expires_at", schema.WHEN, nullable=True),
        sa.Column("options", schema.JSON_TEXT, nullable=False),
        sa.Column("extra", schema.JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_user")),
        sa.UniqueConstraint("domain_id", "name", name=op.f("uq_identity_user_domain_id_name")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "image_images",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("name", schema.text(255), nullable=True),
        sa.Column("status", schema.text(30), nullable=False),
        sa.Column("visibility", schema.text(30), nullable=False),
        sa.Column("owner", schema.text(255), nullable=True),
        sa.Column("disk_format", schema.text(20), nullable=True),
        sa.Column("container_format", schema.text(20), nullable=True),
        sa.Column("size", schema.BIG, nullable=True),
        sa.Column("virtual_size", schema.BIG, nullable=True),
        sa.Column("checksum", schema.text(32), nullable=True),
        sa.Column("os_hash_algo", schema.text(64), nullable=True),
        sa.Column("os_hash_value", schema.text(128), nullable=True),
        sa.Column("min_disk", schema.INTEGER, nullable=False),
        sa.Column("min_ram", schema.INTEGER, nullable=False),
        sa.Column("protected", schema.FLAG, nullable=False),
        sa.Column("os_hidden", schema.FLAG, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_images")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_image_images_created_at_id"), "image_images", ["created_at", "id"], unique=False, if_not_exists=True
    )
    op.create_index(op.f("ix_image_images_owner"), "image_images", ["owner"], unique=False, if_not_exists=True)
    op.create_index(
        op.f("ix_image_images_visibility"), "image_images", ["visibility"], unique=False, if_not_exists=True
    )
    op.create_table(
        "image_members",
        sa.Column("image_id", schema.ID, nullable=False),
        sa.Column("member_id", schema.text(255), nullable=False),
        sa.Column("status", schema.text(20), nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("image_id", "member_id", name=op.f("pk_image_members")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_image_members_member_id"), "image_members", ["member_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "image_properties",
        sa.Column("image_id", schema.ID, nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("value", schema.JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("image_id", "name", name=op.f("pk_image_properties")),
        if_not_exists=True,
    )
    op.create_table(
        "image_tags",
        sa.Column("image_id", schema.ID, nullable=False),
        sa.Column("tag", schema.text(255), nullable=False),
        sa.PrimaryKeyConstraint("image_id", "tag", name=op.f("pk_image_tags")),
        if_not_exists=True,
    )
    op.create_table(
        "keypairs",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("user_id", schema.text(64), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("type", schema.text(8), nullable=False),
        sa.Column("fingerprint", schema.text(255), nullable=False),
        sa.Column("public_key", schema.JSON_TEXT, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_keypairs")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index("uq_keypairs_user_name", "keypairs", ["user_id", "name"], unique=True, if_not_exists=True)
    op.create_table(
        "leases",
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("owner", schema.text(255), nullable=False),
        sa.Column("epoch", schema.BIG, nullable=False),
        sa.Column("expires_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "migrations",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("server_id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("user_id", schema.text(64), nullable=False),
        sa.Column("migration_type", schema.text(32), nullable=False),
        sa.Column("status", schema.text(32), nullable=False),
        sa.Column("source_compute", schema.text(255), nullable=True),
        sa.Column("source_node", schema.text(255), nullable=True),
        sa.Column("dest_compute", schema.text(255), nullable=True),
        sa.Column("dest_node", schema.text(255), nullable=True),
        sa.Column("dest_host", schema.text(255), nullable=True),
        sa.Column("old_flavor", schema.JSON_TEXT, nullable=True),
        sa.Column("new_flavor", schema.JSON_TEXT, nullable=True),
        sa.Column("old_vm_state", schema.text(32), nullable=True),
        sa.Column("memory_total", schema.BIG, nullable=True),
        sa.Column("memory_processed", schema.BIG, nullable=True),
        sa.Column("memory_remaining", schema.BIG, nullable=True),
        sa.Column("disk_total", schema.BIG, nullable=True),
        sa.Column("disk_processed", schema.BIG, nullable=True),
        sa.Column("disk_remaining", schema.BIG, nullable=True),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_migrations")),
        sa.UniqueConstraint("id", name=op.f("uq_migrations_id")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(op.f("ix_migrations_server_id"), "migrations", ["server_id"], unique=False, if_not_exists=True)
    op.create_index("ix_migrations_updated", "migrations", ["updated_at"], unique=False, if_not_exists=True)
    op.create_table(
        "network_addresses",
        sa.Column("subnet_id", schema.ID, nullable=False),
        sa.Column("address", schema.text(64), nullable=False),
        sa.Column("place", schema.BIG, nullable=True),
        sa.Column("port_id", schema.ID, nullable=False),
        sa.Column("network_id", schema.ID, nullable=False),
        sa.PrimaryKeyConstraint("subnet_id", "address", name=op.f("pk_network_addresses")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_addresses_port_id"), "network_addresses", ["port_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        op.f("ix_network_addresses_subnet_id_place"),
        "network_addresses",
        ["subnet_id", "place"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "network_agents",
        sa.Column("host", schema.text(255), nullable=False),
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("wires", schema.FLAG, nullable=False),
        sa.Column("version", schema.text(32), nullable=False),
        sa.Column("admin_state_up", schema.FLAG, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("started_at", schema.WHEN, nullable=False),
        sa.Column("heartbeat_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("host", name=op.f("pk_network_agents")),
        if_not_exists=True,
    )
    op.create_table(
        "network_floating_ips",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("description", schema.text(255), nullable=False),
        sa.Column("revision_number", schema.INTEGER, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.Column("floating_network_id", schema.ID, nullable=False),
        sa.Column("floating_ip_address", schema.text(64), nullable=False),
        sa.Column("floating_port_id", schema.ID, nullable=False),
        sa.Column("port_id", schema.ID, nullable=True),
        sa.Column("fixed_ip_address", schema.text(64), nullable=True),
        sa.Column("router_id", schema.ID, nullable=True),
        sa.Column("status", schema.text(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_floating_ips")),
        sa.UniqueConstraint(
            "port_id", "fixed_ip_address", name=op.f("uq_network_floating_ips_port_id_fixed_ip_address")
        ),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_floating_ips_project_id"),
        "network_floating_ips",
        ["project_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_floating_ips_router_id"),
        "network_floating_ips",
        ["router_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "network_networks",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("description", schema.text(255), nullable=False),
        sa.Column("revision_number", schema.INTEGER, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.Column("admin_state_up", schema.FLAG, nullable=False),
        sa.Column("shared", schema.FLAG, nullable=False),
        sa.Column("external", schema.FLAG, nullable=False),
        sa.Column("is_default", schema.FLAG, nullable=False),
        sa.Column("mtu", schema.INTEGER, nullable=False),
        sa.Column("network_type", schema.text(32), nullable=False),
        sa.Column("physical_network", schema.text(64), nullable=False),
        sa.Column("segment", schema.INTEGER, nullable=False),
        sa.Column("port_security_enabled", schema.FLAG, nullable=False),
        sa.Column("zone_hints", schema.JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_networks")),
        sa.UniqueConstraint(
            "network_type",
            "physical_network",
            "segment",
            name=op.f("uq_network_networks_network_type_physical_network_segment"),
        ),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_networks_project_id"), "network_networks", ["project_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "network_port_groups",
        sa.Column("group_id", schema.ID, nullable=False),
        sa.Column("port_id", schema.ID, nullable=False),
        sa.PrimaryKeyConstraint("group_id", "port_id", name=op.f("pk_network_port_groups")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_port_groups_port_id"), "network_port_groups", ["port_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "network_ports",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("description", schema.text(255), nullable=False),
        sa.Column("revision_number", schema.INTEGER, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.Column("network_id", schema.ID, nullable=False),
        sa.Column("mac_address", schema.text(17), nullable=False),
        sa.Column("admin_state_up", schema.FLAG, nullable=False),
        sa.Column("status", schema.text(16), nullable=False),
        sa.Column("device_id", schema.text(255), nullable=False),
        sa.Column("device_owner", schema.text(255), nullable=False),
        sa.Column("host", schema.text(255), nullable=False),
        sa.Column("vif_type", schema.text(32), nullable=False),
        sa.Column("vnic_type", schema.text(32), nullable=False),
        sa.Column("profile", schema.JSON_TEXT, nullable=False),
        sa.Column("fixed_ips", schema.JSON_TEXT, nullable=False),
        sa.Column("security_groups", schema.JSON_TEXT, nullable=False),
        sa.Column("allowed_address_pairs", schema.JSON_TEXT, nullable=False),
        sa.Column("extra_dhcp_opts", schema.JSON_TEXT, nullable=False),
        sa.Column("port_security_enabled", schema.FLAG, nullable=False),
        sa.Column("dns_name", schema.text(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_ports")),
        sa.UniqueConstraint("network_id", "mac_address", name=op.f("uq_network_ports_network_id_mac_address")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_ports_device_id"), "network_ports", ["device_id"], unique=False, if_not_exists=True
    )
    op.create_index(op.f("ix_network_ports_host"), "network_ports", ["host"], unique=False, if_not_exists=True)
    op.create_index(
        op.f("ix_network_ports_project_id"), "network_ports", ["project_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "network_quotas",
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("resource", schema.text(32), nullable=False),
        sa.Column("limit_", schema.INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "resource", name=op.f("pk_network_quotas")),
        if_not_exists=True,
    )
    op.create_table(
        "network_routers",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("description", schema.text(255), nullable=False),
        sa.Column("revision_number", schema.INTEGER, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.Column("admin_state_up", schema.FLAG, nullable=False),
        sa.Column("gateway_network_id", schema.ID, nullable=True),
        sa.Column("gateway_port_id", schema.ID, nullable=True),
        sa.Column("enable_snat", schema.FLAG, nullable=False),
        sa.Column("routes", schema.JSON_TEXT, nullable=False),
        sa.Column("zone_hints", schema.JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_routers")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_routers_gateway_network_id"),
        "network_routers",
        ["gateway_network_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_routers_project_id"), "network_routers", ["project_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "network_security_group_rules",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("description", schema.text(255), nullable=False),
        sa.Column("revision_number", schema.INTEGER, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.Column("security_group_id", schema.ID, nullable=False),
        sa.Column("direction", schema.text(8), nullable=False),
        sa.Column("ethertype", schema.text(8), nullable=False),
        sa.Column("protocol", schema.text(40), nullable=True),
        sa.Column("port_range_min", schema.INTEGER, nullable=True),
        sa.Column("port_range_max", schema.INTEGER, nullable=True),
        sa.Column("remote_ip_prefix", schema.text(64), nullable=True),
        sa.Column("remote_group_id", schema.ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_security_group_rules")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_security_group_rules_project_id"),
        "network_security_group_rules",
        ["project_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_security_group_rules_remote_group_id"),
        "network_security_group_rules",
        ["remote_group_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_security_group_rules_security_group_id"),
        "network_security_group_rules",
        ["security_group_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "network_security_groups",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("description", schema.text(255), nullable=False),
        sa.Column("revision_number", schema.INTEGER, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.Column("stateful", schema.FLAG, nullable=False),
        sa.Column("is_default", schema.FLAG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_security_groups")),
        sa.UniqueConstraint("project_id", "is_default", name=op.f("uq_network_security_groups_project_id_is_default")),
        if_not_exists=True,
    )
    op.create_table(
        "network_subnets",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("description", schema.text(255), nullable=False),
        sa.Column("revision_number", schema.INTEGER, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.Column("network_id", schema.ID, nullable=False),
        sa.Column("ip_version", schema.INTEGER, nullable=False),
        sa.Column("cidr", schema.text(64), nullable=False),
        sa.Column("gateway_ip", schema.text(64), nullable=True),
        sa.Column("enable_dhcp", schema.FLAG, nullable=False),
        sa.Column("allocation_pools", schema.JSON_TEXT, nullable=False),
        sa.Column("dns_nameservers", schema.JSON_TEXT, nullable=False),
        sa.Column("host_routes", schema.JSON_TEXT, nullable=False),
        sa.Column("service_types", schema.JSON_TEXT, nullable=False),
        sa.Column("ipv6_address_mode", schema.text(20), nullable=True),
        sa.Column("ipv6_ra_mode", schema.text(20), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network_subnets")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_network_subnets_network_id"), "network_subnets", ["network_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        op.f("ix_network_subnets_project_id"), "network_subnets", ["project_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "network_usage",
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("resource", schema.text(32), nullable=False),
        sa.Column("used", schema.INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "resource", name=op.f("pk_network_usage")),
        if_not_exists=True,
    )
    op.create_table(
        "outcomes",
        sa.Column("order_key", schema.text(128), nullable=False),
        sa.Column("saga_id", schema.ID, nullable=False),
        sa.Column("outcome", schema.JSON_TEXT, nullable=False),
        sa.Column("at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("order_key", name=op.f("pk_outcomes")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(op.f("ix_outcomes_saga_id"), "outcomes", ["saga_id"], unique=False, if_not_exists=True)
    op.create_table(
        "placement_allocations",
        sa.Column("consumer_id", schema.text(128), nullable=False),
        sa.Column("provider_id", schema.ID, nullable=False),
        sa.Column("resources", schema.JSON_TEXT, nullable=False),
        sa.Column("fit", schema.JSON_TEXT, nullable=True),
        sa.PrimaryKeyConstraint("consumer_id", "provider_id", name=op.f("pk_placement_allocations")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_placement_allocations_provider_id"),
        "placement_allocations",
        ["provider_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "placement_consumers",
        sa.Column("id", schema.text(128), nullable=False),
        sa.Column("generation", schema.INTEGER, nullable=False),
        sa.Column("project_id", schema.text(255), nullable=False),
        sa.Column("user_id", schema.text(255), nullable=False),
        sa.Column("type", schema.text(255), nullable=False),
        sa.Column("moved_from", schema.text(128), nullable=True),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement_consumers")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        "ix_placement_consumers_project",
        "placement_consumers",
        ["project_id", "user_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "placement_inventories",
        sa.Column("provider_id", schema.ID, nullable=False),
        sa.Column("resource_class", schema.text(255), nullable=False),
        sa.Column("total", schema.INTEGER, nullable=False),
        sa.Column("reserved", schema.INTEGER, nullable=False),
        sa.Column("allocation_ratio", schema.FLOAT, nullable=False),
        sa.Column("min_unit", schema.INTEGER, nullable=False),
        sa.Column("max_unit", schema.INTEGER, nullable=False),
        sa.Column("step_size", schema.INTEGER, nullable=False),
        sa.Column("used", schema.BIG, nullable=False),
        sa.PrimaryKeyConstraint("provider_id", "resource_class", name=op.f("pk_placement_inventories")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "placement_resource_classes",
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_placement_resource_classes")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "placement_resource_providers",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("generation", schema.INTEGER, nullable=False),
        sa.Column("parent_id", schema.ID, nullable=True),
        sa.Column("root_id", schema.ID, nullable=False),
        sa.Column("traits", schema.JSON_TEXT, nullable=False),
        sa.Column("driver_traits", schema.JSON_TEXT, nullable=False),
        sa.Column("aggregates", schema.JSON_TEXT, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_placement_resource_providers")),
        sa.UniqueConstraint("id", name=op.f("uq_placement_resource_providers_id")),
        sa.UniqueConstraint("name", name=op.f("uq_placement_resource_providers_name")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_placement_resource_providers_root_id"),
        "placement_resource_providers",
        ["root_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "placement_traits",
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_placement_traits")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "quotas",
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("user_id", schema.text(64), nullable=False),
        sa.Column("resource", schema.text(64), nullable=False),
        sa.Column("hard_limit", schema.INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "user_id", "resource", name=op.f("pk_quotas")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "saga_events",
        sa.Column("saga_id", schema.ID, nullable=False),
        sa.Column("seq", schema.INTEGER, autoincrement=False, nullable=False),
        sa.Column("kind", schema.text(16), nullable=False),
        sa.Column("step", schema.text(64), nullable=False),
        sa.Column("attempt", schema.INTEGER, nullable=False),
        sa.Column("data", schema.JSON_TEXT, nullable=True),
        sa.Column("at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("saga_id", "seq", name=op.f("pk_saga_events")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "sagas",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("name", schema.text(64), nullable=False),
        sa.Column("version", schema.INTEGER, nullable=False),
        sa.Column("params", schema.JSON_TEXT, nullable=False),
        sa.Column("holds", schema.ID, nullable=False),
        sa.Column("state", schema.text(16), nullable=False),
        sa.Column("cancelled", schema.FLAG, nullable=False),
        sa.Column("owner", schema.text(64), nullable=True),
        sa.Column("epoch", schema.INTEGER, nullable=False),
        sa.Column("lease_until", schema.WHEN, nullable=True),
        sa.Column("wake_at", schema.WHEN, nullable=False),
        sa.Column("deadline", schema.WHEN, nullable=False),
        sa.Column("request_id", schema.text(64), nullable=False),
        sa.Column("user_id", schema.text(64), nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("traceparent", schema.text(64), nullable=True),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("finished_at", schema.WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sagas")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index("ix_sagas_due", "sagas", ["state", "wake_at"], unique=False, if_not_exists=True)
    op.create_index("ix_sagas_holds", "sagas", ["holds", "state"], unique=False, if_not_exists=True)
    op.create_table(
        "server_action_events",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("server_id", schema.ID, nullable=False),
        sa.Column("request_id", schema.text(64), nullable=False),
        sa.Column("event", schema.text(255), nullable=False),
        sa.Column("started_at", schema.WHEN, nullable=False),
        sa.Column("finished_at", schema.WHEN, nullable=True),
        sa.Column("result", schema.text(16), nullable=True),
        sa.Column("host", schema.text(255), nullable=True),
        sa.Column("details", schema.JSON_TEXT, nullable=True),
        sa.Column("traceback", schema.JSON_TEXT, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_server_action_events")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        "ix_server_action_events_request",
        "server_action_events",
        ["server_id", "request_id"],
        unique=False,
        if_not_exists=True,
    )
    op.create_table(
        "server_actions",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("server_id", schema.ID, nullable=False),
        sa.Column("request_id", schema.text(64), nullable=False),
        sa.Column("action", schema.text(64), nullable=False),
        sa.Column("user_id", schema.text(64), nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("started_at", schema.WHEN, nullable=False),
        sa.Column("finished_at", schema.WHEN, nullable=True),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.Column("message", schema.JSON_TEXT, nullable=True),
        sa.Column("trace_id", schema.text(32), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_server_actions")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        "ix_server_actions_server", "server_actions", ["server_id", "request_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "server_groups",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("user_id", schema.text(64), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("policy", schema.text(32), nullable=False),
        sa.Column("rules", schema.JSON_TEXT, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_server_groups")),
        sa.UniqueConstraint("id", name=op.f("uq_server_groups_id")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_server_groups_project_id"), "server_groups", ["project_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "servers",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("user_id", schema.text(64), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("hostname", schema.text(255), nullable=False),
        sa.Column("description", schema.text(255), nullable=True),
        sa.Column("image_id", schema.ID, nullable=True),
        sa.Column("flavor_id", schema.text(255), nullable=False),
        sa.Column("flavor", schema.JSON_TEXT, nullable=False),
        sa.Column("key_name", schema.text(255), nullable=True),
        sa.Column("key_data", schema.JSON_TEXT, nullable=True),
        sa.Column("user_data", schema.JSON_TEXT, nullable=True),
        sa.Column("host", schema.text(255), nullable=True),
        sa.Column("node", schema.text(255), nullable=True),
        sa.Column("availability_zone", schema.text(255), nullable=True),
        sa.Column("pinned_zone", schema.text(255), nullable=True),
        sa.Column("reservation_id", schema.text(32), nullable=False),
        sa.Column("launch_index", schema.INTEGER, nullable=False),
        sa.Column("vm_state", schema.text(32), nullable=False),
        sa.Column("task_state", schema.text(64), nullable=True),
        sa.Column("power_state", schema.INTEGER, nullable=False),
        sa.Column("progress", schema.INTEGER, nullable=False),
        sa.Column("locked_by", schema.text(16), nullable=True),
        sa.Column("locked_reason", schema.text(255), nullable=True),
        sa.Column("config_drive", schema.FLAG, nullable=False),
        sa.Column("disk_config", schema.text(16), nullable=False),
        sa.Column("access_ip_v4", schema.text(64), nullable=False),
        sa.Column("access_ip_v6", schema.text(64), nullable=False),
        sa.Column("metadata", schema.JSON_TEXT, nullable=False),
        sa.Column("system_metadata", schema.JSON_TEXT, nullable=False),
        sa.Column("tags", schema.JSON_TEXT, nullable=False),
        sa.Column("vifs", schema.JSON_TEXT, nullable=False),
        sa.Column("addresses", schema.JSON_TEXT, nullable=False),
        sa.Column("volumes_attached", schema.JSON_TEXT, nullable=False),
        sa.Column("security_groups", schema.JSON_TEXT, nullable=False),
        sa.Column("fault", schema.JSON_TEXT, nullable=True),
        sa.Column("request_spec", schema.JSON_TEXT, nullable=False),
        sa.Column("networks", schema.JSON_TEXT, nullable=False),
        sa.Column("hints", schema.JSON_TEXT, nullable=False),
        sa.Column("trusted_certs", schema.JSON_TEXT, nullable=True),
        sa.Column("group_id", schema.ID, nullable=True),
        sa.Column("root_device_name", schema.text(255), nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=False),
        sa.Column("launched_at", schema.WHEN, nullable=True),
        sa.Column("terminated_at", schema.WHEN, nullable=True),
        sa.Column("deleted_at", schema.WHEN, nullable=True),
        sa.Column("deleted", schema.FLAG, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_servers")),
        sa.UniqueConstraint("id", name=op.f("uq_servers_id")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index("ix_servers_deleted", "servers", ["deleted", "created_at", "id"], unique=False, if_not_exists=True)
    op.create_index("ix_servers_group", "servers", ["group_id"], unique=False, if_not_exists=True)
    op.create_index("ix_servers_host", "servers", ["host", "deleted"], unique=False, if_not_exists=True)
    op.create_index(
        "ix_servers_project", "servers", ["project_id", "deleted", "created_at", "id"], unique=False, if_not_exists=True
    )
    op.create_index("ix_servers_reservation", "servers", ["reservation_id"], unique=False, if_not_exists=True)
    op.create_index("ix_servers_updated", "servers", ["updated_at"], unique=False, if_not_exists=True)
    op.create_table(
        "services",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("binary", schema.text(64), nullable=False),
        sa.Column("host", schema.text(255), nullable=False),
        sa.Column("disabled", schema.FLAG, nullable=False),
        sa.Column("disabled_reason", schema.text(255), nullable=True),
        sa.Column("forced_down", schema.FLAG, nullable=False),
        sa.Column("last_seen_at", schema.WHEN, nullable=True),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_services")),
        sa.UniqueConstraint("id", name=op.f("uq_services_id")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index("uq_services_binary_host", "services", ["binary", "host"], unique=True, if_not_exists=True)
    op.create_table(
        "spans",
        sa.Column("number", schema.SERIAL, autoincrement=True, nullable=False),
        sa.Column("trace_id", schema.text(32), nullable=False),
        sa.Column("span_id", schema.text(16), nullable=False),
        sa.Column("parent_id", schema.text(16), nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("kind", schema.text(8), nullable=False),
        sa.Column("source", schema.text(32), nullable=False),
        sa.Column("target", schema.text(32), nullable=False),
        sa.Column("step", schema.text(16), nullable=False),
        sa.Column("started_us", schema.BIG, nullable=False),
        sa.Column("duration_us", schema.BIG, nullable=False),
        sa.Column("error", schema.text(64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_spans")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_index(op.f("ix_spans_trace_id"), "spans", ["trace_id"], unique=False, if_not_exists=True)
    op.create_table(
        "volume_attachments",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("volume_id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(255), nullable=False),
        sa.Column("server_id", schema.text(255), nullable=True),
        sa.Column("status", schema.text(32), nullable=False),
        sa.Column("mode", schema.text(8), nullable=False),
        sa.Column("device", schema.text(255), nullable=True),
        sa.Column("host", schema.text(255), nullable=True),
        sa.Column("connector", schema.JSON_TEXT, nullable=True),
        sa.Column("connection_info", schema.JSON_TEXT, nullable=True),
        sa.Column("attached_at", schema.WHEN, nullable=True),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_attachments")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_volume_attachments_server_id"), "volume_attachments", ["server_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        op.f("ix_volume_attachments_volume_id"), "volume_attachments", ["volume_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "volume_metadata",
        sa.Column("volume_id", schema.ID, nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("value", schema.text(255), nullable=False),
        sa.PrimaryKeyConstraint("volume_id", "name", name=op.f("pk_volume_metadata")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_volume_metadata_name_value"), "volume_metadata", ["name", "value"], unique=False, if_not_exists=True
    )
    op.create_table(
        "volume_projects",
        sa.Column("project_id", schema.text(255), nullable=False),
        sa.Column("limits", schema.JSON_TEXT, nullable=False),
        sa.Column("touched_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_volume_projects")),
        if_not_exists=True,
    )
    op.create_table(
        "volume_snapshots",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("volume_id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(255), nullable=False),
        sa.Column("user_id", schema.text(255), nullable=True),
        sa.Column("name", schema.text(255), nullable=True),
        sa.Column("description", schema.text(255), nullable=True),
        sa.Column("size", schema.INTEGER, nullable=False),
        sa.Column("status", schema.text(32), nullable=False),
        sa.Column("metadata", schema.JSON_TEXT, nullable=False),
        sa.Column("image_metadata", schema.JSON_TEXT, nullable=True),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_snapshots")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_volume_snapshots_project_id_created_at"),
        "volume_snapshots",
        ["project_id", "created_at"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_volume_snapshots_volume_id"), "volume_snapshots", ["volume_id"], unique=False, if_not_exists=True
    )
    op.create_table(
        "volume_type_access",
        sa.Column("type_id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(255), nullable=False),
        sa.PrimaryKeyConstraint("type_id", "project_id", name=op.f("pk_volume_type_access")),
        if_not_exists=True,
    )
    op.create_table(
        "volume_types",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("name", schema.text(255), nullable=False),
        sa.Column("description", schema.text(255), nullable=True),
        sa.Column("is_public", schema.FLAG, nullable=False),
        sa.Column("extra_specs", schema.JSON_TEXT, nullable=False),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_types")),
        sa.UniqueConstraint("name", name=op.f("uq_volume_types_name")),
        if_not_exists=True,
    )
    op.create_table(
        "volume_volumes",
        sa.Column("id", schema.ID, nullable=False),
        sa.Column("project_id", schema.text(255), nullable=False),
        sa.Column("user_id", schema.text(255), nullable=True),
        sa.Column("name", schema.text(255), nullable=True),
        sa.Column("description", schema.text(255), nullable=True),
        sa.Column("size", schema.INTEGER, nullable=False),
        sa.Column("status", schema.text(32), nullable=False),
        sa.Column("type_id", schema.ID, nullable=True),
        sa.Column("availability_zone", schema.text(255), nullable=False),
        sa.Column("bootable", schema.FLAG, nullable=False),
        sa.Column("read_only", schema.FLAG, nullable=False),
        sa.Column("multiattach", schema.FLAG, nullable=False),
        sa.Column("image_id", schema.ID, nullable=True),
        sa.Column("snapshot_id", schema.ID, nullable=True),
        sa.Column("source_id", schema.ID, nullable=True),
        sa.Column("image_metadata", schema.JSON_TEXT, nullable=True),
        sa.Column("work", schema.JSON_TEXT, nullable=True),
        sa.Column("previous_status", schema.text(32), nullable=True),
        sa.Column("created_at", schema.WHEN, nullable=False),
        sa.Column("updated_at", schema.WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume_volumes")),
        if_not_exists=True,
    )
    op.create_index(
        op.f("ix_volume_volumes_project_id_created_at"),
        "volume_volumes",
        ["project_id", "created_at"],
        unique=False,
        if_not_exists=True,
    )
    op.create_index(op.f("ix_volume_volumes_status"), "volume_volumes", ["status"], unique=False, if_not_exists=True)
