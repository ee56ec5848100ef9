"""The documents on the wire; the names are those of RFC 7591 wherever it has one."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from acmidm_sandbox.beheerportaal import limits
from acmidm_sandbox.beheerportaal.jwk import REGISTERED
from acmidm_sandbox.beheerportaal.untrusted import require_all_visible, require_visible

AuthMethod = Literal["private_key_jwt", "client_secret_basic", "client_secret_post"]
SECRET_METHODS = frozenset({"client_secret_basic", "client_secret_post"})
NEW_CLIENT = {
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "private_key_jwt",
}
"""How a client without a stack gets its tokens: one of the sandbox's file, or made by hand."""

# The order of these lists means nothing; sorted, two equal sets are equal documents.
SORTED_SET = AfterValidator(lambda values: sorted(set(values)))

# Nothing invisible: these end up in claims of tokens, logs and tables on a screen.
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=limits.LONGEST_TEXT, pattern=r"^[^\x00-\x1f\x7f]+$"),
    AfterValidator(require_visible),
]
# RFC 6749 §3.3.
ScopeName = Annotated[
    str, StringConstraints(max_length=limits.LONGEST_SCOPE, pattern=r"^[\x21\x23-\x5b\x5d-\x7e]+$")
]
Address = Annotated[
    str,
    StringConstraints(max_length=limits.LONGEST_CONTACT, pattern=r"^[^@\s]+@[^@\s]+$"),
    AfterValidator(require_visible),
]
# What a client says of itself at ACM/IDM (Beheerportaal, page 6377410136): no other claim of a
# token begins so.
CLAIM_OF_CLIENT = "setbyclient_"
AttributeName = Annotated[
    str,
    StringConstraints(
        max_length=limits.LONGEST_ATTRIBUTE_NAME,
        pattern=rf"^{CLAIM_OF_CLIENT}[a-z0-9]+(_[a-z0-9]+)*$",
    ),
]
GrantType = Literal["authorization_code", "client_credentials"]
# RFC 6749 appendix A.2: VSCHAR. The lower limit keeps guessable secrets out.
_CLIENT_SECRET = re.compile(rf"[\x20-\x7e]{{{limits.SHORTEST_SECRET},{limits.LONGEST_SECRET}}}")


def _checked_secret(value: SecretStr) -> SecretStr:
    """Return a client secret unchanged. Raises ValueError where it is too short or too long, or has
    a character that RFC 6749 does not allow."""
    if not _CLIENT_SECRET.fullmatch(value.get_secret_value()):
        raise ValueError(
            f"needs {limits.SHORTEST_SECRET} to {limits.LONGEST_SECRET} printable ASCII characters"
        )
    return value


ClientSecret = Annotated[
    SecretStr,
    AfterValidator(_checked_secret),
    WithJsonSchema({"type": "string", "pattern": f"^{_CLIENT_SECRET.pattern}$", "writeOnly": True}),
]


class Wire(BaseModel):
    """The rules of all documents: unknown members are refused, nothing changes after validation."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


ManagedBy = Annotated[
    Text | None, Field(description="Which stack declares it; null where it was made by hand.")
]
Incarnation = Annotated[
    Text | None, Field(description="Which resource of that stack wrote it last: a random mark.")
]


class Organisation(Wire):
    """Who the client belongs to. Departments can share a KBO number, so where both are given the
    OVO code identifies."""

    name: Text
    ovo: Annotated[str, Field(pattern=r"^OVO[0-9]{6}$")] | None = None
    kbo: Annotated[str, Field(pattern=r"^[0-9]{10}$")] | None = None

    @model_validator(mode="after")
    def _identified(self) -> Self:
        if self.ovo is None and self.kbo is None:
            raise ValueError("has neither an OVO code nor a KBO number; give at least one")
        return self

    @property
    def code(self) -> str:
        """The OVO code, else the KBO number."""
        return self.ovo or self.kbo or ""


class ClientFields(Wire):
    """What an operator says about a client (RFC 7591 §2)."""

    client_name: Text
    software_id: Text | None = Field(
        default=None,
        description=(
            "The natural key, `<platform>/<environment>/<organisation code>/<application>`; unique"
            " where it is not null."
        ),
    )
    managed_by: ManagedBy = None
    incarnation: Incarnation = None
    keys_declared: bool = Field(
        default=False,
        description="Whether that stack names its keys: the web interface then takes no upload.",
    )
    organisation: Organisation
    application: Text
    grant_types: Annotated[
        list[GrantType], Field(min_length=1, max_length=limits.MOST_GRANT_TYPES), SORTED_SET
    ]
    token_endpoint_auth_method: AuthMethod
    contacts: Annotated[list[Address], Field(max_length=limits.MOST_CONTACTS), SORTED_SET] = []
    enabled: bool = True
    attributes: Annotated[
        dict[AttributeName, Text],
        Field(
            max_length=limits.MOST_ATTRIBUTES,
            description="What the client's tokens say beside its organisation, per claim.",
            json_schema_extra={"additionalProperties": False},
        ),
    ] = {}

    @property
    def metadata(self) -> dict[str, Any]:
        """These fields, without those that a document has besides."""
        return {name: getattr(self, name) for name in ClientFields.model_fields}


class ClientDeclaration(ClientFields):
    """The body of a POST."""

    client_secret: ClientSecret | None = Field(
        default=None,
        description=(
            "Kept as a salted hash and never returned. Required at the first use of a client_secret"
            " method; a PUT without it keeps the stored one."
        ),
    )

    @model_validator(mode="after")
    def _refuse_unused_secret(self) -> Self:
        # The second is a field of ClientReplacement alone.
        for name in ("client_secret", "client_secret_overlap_seconds"):
            if (
                getattr(self, name, None) is not None
                and self.token_endpoint_auth_method not in SECRET_METHODS
            ):
                raise ValueError(f"has a {name}, which private_key_jwt does not use; leave it out")
        return self


class ClientReplacement(ClientDeclaration):
    """The body of a PUT: the whole document (RFC 7592 §2.2); what is left out falls back to its
    default."""

    client_id: str | None = Field(
        default=None, description="Must be the one in the URL, where it is given."
    )
    client_secret_overlap_seconds: (
        Annotated[int, Field(ge=0, le=limits.LONGEST_SECRET_OVERLAP_SECONDS)] | None
    ) = Field(
        default=None,
        description=(
            "For how long the secret that a new client_secret replaces works beside it. 0: from now"
            " on no other secret works. Left out: the replaced one ends, and one that was kept"
            " before it works until its time."
        ),
    )


class ClientDocument(ClientFields):
    """A client as it is returned."""

    client_id: str = Field(description="A UUID on acmidm, digits on geosecure.")
    client_id_issued_at: int = Field(description="Seconds since 1970-01-01T00:00:00Z.")
    client_secret_updated_at: int | None = Field(
        description="The same unit; null where the client has no secret."
    )
    previous_client_secret_expires_at: int | None = Field(
        default=None,
        description=(
            "Until when the secret before this one works too, or did; null where none was kept."
        ),
    )


class ScopesDocument(Wire):
    """The whole set of a client's scopes."""

    scopes: Annotated[list[ScopeName], Field(max_length=limits.MOST_SCOPES), SORTED_SET]
    default: Annotated[
        list[ScopeName],
        Field(
            max_length=limits.MOST_SCOPES,
            description="Those of them that every token has, whatever its request names.",
        ),
        SORTED_SET,
    ] = []


Key = Annotated[
    dict[str, JsonValue], Field(json_schema_extra={"properties": {name: {} for name in REGISTERED}})
]


class JwksDocument(Wire):
    """A JWK Set of public signing keys (RFC 7517 §5). Of each key the registered members that say
    something here are kept."""

    keys: Annotated[list[Key], Field(max_length=limits.MOST_KEYS)]


class Etags(Wire):
    """The ETag of each of a client's documents, as the headers give them."""

    client: str
    scopes: str
    jwks: str


class ClientItem(ClientDocument):
    """A client with all that lives inside it, as lists give it."""

    scopes: list[str]
    default_scopes: list[str]
    jwks: JwksDocument
    etags: Etags


class ClientPage(Wire):
    """A page of clients in the order of their registration."""

    items: list[ClientItem]
    next: str | None = Field(description="`after` of the next page; null on the last one.")


class ConfigurationDocument(Wire):
    """What a product knows of a client, and whose that is."""

    configuration: Annotated[dict[str, JsonValue], AfterValidator(require_all_visible)]
    software_id: Text | None = Field(
        default=None, description="The natural key of the connection that it is for."
    )
    managed_by: ManagedBy = None
    incarnation: Incarnation = None


class ConfigurationItem(ConfigurationDocument):
    """One client's configuration for a product, as lists give it."""

    client_id: str
    etag: str


class ConfigurationPage(Wire):
    """A page of configurations in the order of their creation."""

    items: list[ConfigurationItem]
    next: str | None


Action = Literal[
    "client.created",
    "client.replaced",
    "client.removed",
    "scopes.replaced",
    "jwks.replaced",
    "coupling.requested",
    "coupling.refused",
    "product.replaced",
    "product.removed",
]


class AuditEntry(Wire):
    """One change: who, when, what. Secrets are never in it."""

    at: str = Field(description="ISO 8601, UTC.")
    actor: str = Field(
        description="The operator's client_id; `user:` and a name for someone in the web interface."
    )
    action: Action
    client_id: str
    document: str = Field(description="The path of the changed document.")
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class CouplingRequest(Wire):
    """That a client wants to be coupled to an API; once it is, its scopes say so, and the request
    is gone."""

    client_id: str
    referentie: str
    requested_at: str = Field(description="ISO 8601, UTC.")
    refusal: Text | None = Field(
        default=None, description="Why the API's owner refused; null while it waits."
    )


class Administrators(Wire):
    """Who may manage an organisation's clients in the web interface: how many, and nobody's
    name."""

    count: int = Field(ge=0, description="The users with the right API-beheerder.")


class AuditPage(Wire):
    """A page of the audit trail, newest first."""

    items: list[AuditEntry]
    next: str | None


class KeyInUse(Wire):
    """A key that got a token."""

    thumbprint: str = Field(description="RFC 7638, SHA-256.")
    kid: str = Field(description="What the key was registered under then.")
    last_used_at: str = Field(description="ISO 8601, UTC.")
    with_kid: bool = Field(description="Whether the assertion that it signed had a kid.")


class KeysInUse(Wire):
    """The keys of a client that got a token since they were registered, the last used first."""

    items: list[KeyInUse]


class ProblemDetail(BaseModel):
    """One of several mistakes in a request."""

    pointer: str | None = Field(default=None, description="JSON Pointer into the body (RFC 6901).")
    parameter: str | None = Field(
        default=None, description="The name of the query parameter or header."
    )
    detail: str


class ProblemDocument(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="One sentence: what is wrong, and what to do.")
    errors: list[ProblemDetail] | None = None
