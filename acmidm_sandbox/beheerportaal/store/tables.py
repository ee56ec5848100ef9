"""The tables. `opening.py` makes them; a file with other ones is another version's."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from acmidm_sandbox.beheerportaal.documents import ClientDocument

metadata = MetaData()

# Clients are looked up by these, as texts; all else of a document is JSON.
_LOOKED_UP = ("client_id", "software_id", "managed_by", "application")

# One row holds the three documents of a client, each with a version of its own: the unit of a
# change is a whole document.
clients = Table(
    "clients",
    metadata,
    Column("seq", Integer, primary_key=True),  # the order of insertion, for paging
    Column("client_id", Text, nullable=False, unique=True),
    Column("software_id", Text, unique=True),
    Column("managed_by", Text, index=True),
    Column("application", Text, nullable=False, index=True),
    *(
        Column(name, JSON(none_as_null=True))
        for name in ClientDocument.model_fields
        if name not in _LOOKED_UP
    ),
    Column("client_secret_hash", Text),
    Column("previous_client_secret_hash", Text),  # of the secret before, which works until its end
    Column("scopes", JSON, nullable=False),
    Column("default_scopes", JSON, nullable=False),
    Column("jwks", JSON, nullable=False),
    Column("client_version", Integer, nullable=False),
    Column("scopes_version", Integer, nullable=False),
    Column("jwks_version", Integer, nullable=False),
    # Of the last token request that was refused after it had proved to be this client's.
    Column("refused_at", Text),
    Column("refused_rule", Text),
    sqlite_autoincrement=True,
)

product_configurations = Table(
    "product_configurations",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("product", Text, nullable=False),
    Column(
        "client_id", Text, nullable=False, index=True
    ),  # no foreign key: a configuration outlives its client
    Column("configuration", JSON, nullable=False),
    Column("software_id", Text),
    Column("managed_by", Text),
    Column("incarnation", Text),
    Column("version", Integer, nullable=False),
    UniqueConstraint("product", "client_id"),
    sqlite_autoincrement=True,
)

coupling_requests = Table(
    "coupling_requests",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("referentie", Text, primary_key=True),
    Column("requested_at", Text, nullable=False),
    Column("refusal", Text),
    sqlite_with_rowid=False,
)

operators = Table(
    "operators",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("rights", JSON, nullable=False),
    Column("jwks", JSON, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("client_id", Text, nullable=False, index=True),
    Column("document", Text, nullable=False),
    Column("before", JSON(none_as_null=True)),
    Column("after", JSON(none_as_null=True)),
    sqlite_autoincrement=True,
)

used_assertions = Table(
    "used_assertions",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("jti", Text, primary_key=True),
    Column("expires_at", Integer, nullable=False, index=True),
    sqlite_with_rowid=False,
)

# Which keys got tokens, at most one row for each key that its client has.
keys_in_use = Table(
    "keys_in_use",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("thumbprint", Text, primary_key=True),
    Column("kid", Text, nullable=False),
    Column("last_used_at", Integer, nullable=False),
    Column("with_kid", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

# Of an access token, too, only the hash is kept.
access_tokens = Table(
    "access_tokens",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column(
        "client_id", Text, nullable=False, index=True
    ),  # no foreign key: it may be an operator's
    Column("credential", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("audiences", JSON, nullable=False),
    Column("issued_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False, index=True),
    sqlite_autoincrement=True,
)

server_keys = Table(
    "server_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("private_jwk", JSON, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Integer, nullable=False),
)

notifications = Table(
    "notifications",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("received_at", Text, nullable=False),
    Column("client_id", Text, nullable=False, index=True),
    Column("notification_id", Text, nullable=False),
    Column("document", JSON, nullable=False),
    UniqueConstraint("client_id", "notification_id"),
    sqlite_autoincrement=True,
)

uploads = Table(
    "uploads",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("client_id", Text, nullable=False, index=True),
    Column("upload_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("dossier_number", Text, nullable=False),
    Column("document", JSON, nullable=False),
    Column("due_at", Float, nullable=False),
    Column("processed_at", Float),  # null until it was processed
    Column("errors", JSON(none_as_null=True)),
    UniqueConstraint("client_id", "upload_id"),
    Index("ix_uploads_dossier", "client_id", "source", "dossier_number"),
    sqlite_autoincrement=True,
)

# People who use the web interface for an organisation, known by its OVO code, its KBO number or
# both.
users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("ovo", Text),
    Column("kbo", Text),
    Column("organisation_name", Text, nullable=False),
    Column("api_beheerder", Boolean, nullable=False),
    Column("aansluitingenteam", Boolean, nullable=False),
    Column("password_hash", Text, nullable=False),
)

# Of a session's token only the hash is kept: who reads the database can't take a session over.
sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column(
        "user_name", Text, ForeignKey("users.name", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("ends_at", Integer, nullable=False, index=True),
)
