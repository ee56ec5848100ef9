"""Which resource of its stack has a client or a product's configuration."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("clients", "product_configurations"):
        op.add_column(table, sa.Column("incarnation", sa.Text))
