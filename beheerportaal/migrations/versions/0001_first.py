"""The first schema: clients, product configurations, operators, the audit trail, and what the token endpoint remembers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "clients",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("client_id", sa.Text, nullable=False, unique=True),
        sa.Column("client_id_issued_at", sa.Integer, nullable=False),
        sa.Column("client_name", sa.Text, nullable=False),
        sa.Column("software_id", sa.Text, unique=True),
        sa.Column("managed_by", sa.Text),
        sa.Column("organisation", sa.JSON, nullable=False),
        sa.Column("application", sa.Text, nullable=False),
        sa.Column("grant_types", sa.JSON, nullable=False),
        sa.Column("token_endpoint_auth_method", sa.Text, nullable=False),
        sa.Column("contacts", sa.JSON, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("client_secret_hash", sa.Text),
        sa.Column("client_secret_updated_at", sa.Integer),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("jwks", sa.JSON, nullable=False),
        sa.Column("client_version", sa.Integer, nullable=False),
        sa.Column("scopes_version", sa.Integer, nullable=False),
        sa.Column("jwks_version", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_clients_managed_by", "clients", ["managed_by"])
    op.create_index("ix_clients_application", "clients", ["application"])
    op.create_table(
        "product_configurations",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("configuration", sa.JSON, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("product", "client_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_product_configurations_client_id", "product_configurations", ["client_id"])
    op.create_table(
        "operators",
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("rights", sa.JSON, nullable=False),
        sa.Column("token_endpoint_auth_method", sa.Text, nullable=False),
        sa.Column("jwks", sa.JSON, nullable=False),
        sa.Column("client_secret_hash", sa.Text),
    )
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_client_id", "audit", ["client_id"])
    op.create_table(
        "used_assertions",
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("jti", sa.Text, primary_key=True),
        sa.Column("expires_at", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_used_assertions_expires_at", "used_assertions", ["expires_at"])
    op.create_table(
        "server_keys",
        sa.Column("kid", sa.Text, primary_key=True),
        sa.Column("private_jwk", sa.JSON, nullable=False),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
    )
    op.create_table(
        "messages",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("received_at", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("message", sa.JSON, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_messages_client_id", "messages", ["client_id"])
