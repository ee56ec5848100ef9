"""Which keys of clients are in use."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "keys_in_use",
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("thumbprint", sa.Text, primary_key=True),
        sa.Column("kid", sa.Text, nullable=False),
        sa.Column("last_used_at", sa.Integer, nullable=False),
        sa.Column("with_kid", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
