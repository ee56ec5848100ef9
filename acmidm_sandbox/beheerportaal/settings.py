"""The settings of a portal: one process serves one environment of one platform."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Platform = Literal["acmidm", "geosecure"]

_HOUR = 3600
_LIFETIMES = {"geosecure": 10 * _HOUR}  # a comment in Qmino/dosis-connector: more than that
# As Qmino/dosis-connector calls GeoSecure's, and with a slash as the sample of wiki page 1245054009
# does.
TOKEN_PATHS = {
    "acmidm": ("/op/v1/token",),
    "geosecure": ("/authorization/ws/oauth/v2/token", "/authorization/ws/oauth/v2/token/"),
}

MANAGEMENT_READ = "management_read"
MANAGEMENT_WRITE = "management_write"
RIGHTS = (MANAGEMENT_READ, MANAGEMENT_WRITE)


class StrictModel(BaseModel):
    """A part of a file: nothing in it is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ScopeSettings(StrictModel):
    """A scope that clients can be granted."""

    assigned_by_provider: bool = Field(
        default=False,
        description=(
            "Granted by the portal itself to each new client, and never withdrawn by a PUT."
        ),
    )


class ProductSettings(StrictModel):
    """A product whose configuration is kept per client."""

    json_schema: dict[str, Any] = Field(
        alias="schema", description="JSON Schema 2020-12 of a client's configuration."
    )
    scope: str = Field(description="The scope that gives access to the product's API.")
    client_id: str = Field(
        min_length=1,
        description="The client-ID of the product's API: what a token for it has as `aud`.",
    )
    resources: list[str] = Field(
        default=[],
        description="The URLs that are coupled to the API, for `resource` in a token request.",
    )


class ApiSettings(StrictModel):
    """An API that clients are coupled to by its Referentie (Beheerportaal, pages 6377410136 and
    6377440453)."""

    client_id: str = Field(min_length=1, description="What a token for the API has as `aud`.")
    owner: str = Field(
        description="The OVO code of the organisation whose API-beheerder approves a coupling."
    )
    scopes: list[str] = Field(description="What a coupling can grant.")


class PortalSettings(StrictModel):
    """Everything an instance needs."""

    environment: str = Field(min_length=1)
    platform: Platform
    host: str = Field(
        default="127.0.0.1", description="A loopback address: the portal speaks plain HTTP."
    )
    port: int = Field(ge=1, le=65535)
    smtp_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Where mails are received; where it is not set, none are.",
    )
    database: Path = Field(description="The SQLite file; made at first start.")
    scopes: dict[str, ScopeSettings]
    products: dict[str, ProductSettings] = {}
    apis: dict[str, ApiSettings] = Field(default={}, description="By Referentie.")
    labels: dict[str, dict[str, str]] = Field(
        default={},
        description=(
            "Per language, what people call each field of a configuration, and by product what"
            " it is."
        ),
    )
    strict: bool = Field(
        default=False,
        description="Refuses what is not as documented, though clients that people use do it.",
    )
    access_token_lifetime_seconds: int = Field(
        default_factory=lambda data: _LIFETIMES.get(data.get("platform"), _HOUR),
        ge=1,
        description="An hour; ten on GeoSecure.",
    )
    processing_seconds: float = Field(
        default=2, ge=0, description="For how long an upload by v2 of DOSIS has no result."
    )
    form_page: Path | None = Field(
        default=None,
        description="The aansluitingsformulier as a page; where it is not set, none is served.",
    )
    external_issuer: str | None = Field(
        default=None,
        description=(
            "Clients and operators are this issuer's, such as a Keycloak realm; the portal then"
            " only has products."
        ),
    )

    @field_validator("host")
    @classmethod
    def _loopback_only(cls, host: str) -> str:
        if host != "localhost" and not ip_address(host).is_loopback:
            raise ValueError(f"{host} is no loopback address; use 127.0.0.1")
        return host

    @property
    def mails(self) -> Path:
        """Return the folder of the mails that were received, beside the database."""
        return self.database.with_name("mails")

    @property
    def origin(self) -> str:
        """Scheme, host and port, as in http://127.0.0.1:8512; the `aud` of operators' tokens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def issuer(self) -> str:
        """The issuer identifier (RFC 8414 §2)."""
        return f"{self.origin}/op"

    @property
    def token_endpoint(self) -> str:
        """The token endpoint's URL, in lower case, as GeoSecure wants it in `aud`."""
        return f"{self.origin}{TOKEN_PATHS[self.platform][0]}"

    @property
    def assertion_audience(self) -> str:
        """What the assertion of a client has as `aud`."""
        return self.token_endpoint if self.platform == "geosecure" else self.issuer

    @property
    def assigned_scopes(self) -> frozenset[str]:
        """The scopes that the portal grants by itself."""
        return frozenset(name for name, scope in self.scopes.items() if scope.assigned_by_provider)
