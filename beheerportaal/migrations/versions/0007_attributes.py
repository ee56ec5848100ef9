"""Default scopes and attributes of clients."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, nothing in (("attributes", "{}"), ("default_scopes", "[]")):
        op.add_column("clients", sa.Column(name, sa.JSON, nullable=False, server_default=nothing))
