"""Turns at quotas"""

import sqlalchemy as sa
from alembic import op

from kilonova.db import schema

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "quota_turns",
        sa.Column("project_id", schema.text(64), nullable=False),
        sa.Column("taken", schema.BIG, nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_quota_turns")),
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
