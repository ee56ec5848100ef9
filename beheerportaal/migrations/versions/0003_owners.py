"""Product configurations bear their owner: the natural key of their connection, and the stack that declares it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("product_configurations", sa.Column("software_id", sa.Text))
    op.add_column("product_configurations", sa.Column("managed_by", sa.Text))
