"""Since when a key signs access tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("server_keys") as table:
        table.add_column(sa.Column("signs_from", sa.Float, nullable=False, server_default="0"))
    with op.batch_alter_table("server_keys") as table:
        table.alter_column("signs_from", server_default=None)
