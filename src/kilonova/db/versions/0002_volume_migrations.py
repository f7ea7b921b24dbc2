"""Migrations of volumes"""

import sqlalchemy as sa
from alembic import op

from kilonova.db import schema

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "volume_migrations",
        sa.Column("volume_id", schema.ID, nullable=False),
        sa.Column("status", schema.text(64), nullable=False),
        sa.PrimaryKeyConstraint("volume_id", name=op.f("pk_volume_migrations")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
