"""The web interface: its users, their sessions, and the attempts to log on."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("ovo", sa.Text),
        sa.Column("kbo", sa.Text),
        sa.Column("api_beheerder", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.Text, primary_key=True),
        sa.Column("user_name", sa.Text, sa.ForeignKey("users.name", ondelete="CASCADE")),
        sa.Column("csrf_token", sa.Text, nullable=False),
        sa.Column("ends_at", sa.Integer, nullable=False),
        sa.Column("idle_at", sa.Integer, nullable=False),
    )
    op.create_index("ix_sessions_user_name", "sessions", ["user_name"])
    op.create_index("ix_sessions_idle_at", "sessions", ["idle_at"])
    op.create_table(
        "logon_attempts",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("name_hash", sa.Text, nullable=False),
        sa.Column("at", sa.Integer, nullable=False),
    )
    op.create_index("ix_logon_attempts_at", "logon_attempts", ["at"])
