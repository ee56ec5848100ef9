"""What DOSIS and Notificaties received, in the place of messages in a form of our own."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_table("messages")
    op.create_table(
        "notifications",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("received_at", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("notification_id", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.UniqueConstraint("client_id", "notification_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notifications_client_id", "notifications", ["client_id"])
    op.create_table(
        "uploads",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("upload_id", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("dossier_number", sa.Text, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("processed_at", sa.Float),
        sa.Column("errors", sa.JSON),
        sa.UniqueConstraint("client_id", "upload_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_uploads_client_id", "uploads", ["client_id"])
    op.create_index("ix_uploads_dossier", "uploads", ["client_id", "source", "dossier_number"])
