"""Whose a product's configuration is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("software_id", "managed_by"):
        op.add_column("product_configurations", sa.Column(name, sa.Text))
