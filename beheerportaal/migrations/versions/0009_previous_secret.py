"""The secret before the present one, which works until a time."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clients", sa.Column("previous_client_secret_hash", sa.Text))
    op.add_column("clients", sa.Column("previous_client_secret_expires_at", sa.Integer))
