"""The beheerportaal's documents as they go over the wire; see docs/adr/0004-management-api-contract.md."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from components.authorities.key_names import by_name
from components.authorities.port import ClientMetadata, ClientSnapshot, Jwks, RecordedChange, RegisteredClient


class _Wire(BaseModel):
    """What the contract adds later is not looked at."""

    model_config = ConfigDict(extra="ignore")


class WireOrganisation(_Wire):
    name: str
    ovo: str | None = None
    kbo: str | None = None


class WireClient(_Wire):
    """The client document; names of RFC 7591 §2."""

    client_name: str
    software_id: str | None = None
    managed_by: str | None = None
    organisation: WireOrganisation
    application: str
    grant_types: list[str]
    token_endpoint_auth_method: str
    contacts: list[str]
    enabled: bool = True

    @classmethod
    def of(cls, metadata: ClientMetadata) -> Self:
        return cls(
            client_name=metadata.client_name,
            software_id=metadata.software_id,
            managed_by=metadata.managed_by,
            organisation=WireOrganisation(name=metadata.organisation_name, ovo=metadata.ovo_code, kbo=metadata.kbo_number),
            application=metadata.application,
            grant_types=list(metadata.grant_types),
            token_endpoint_auth_method=metadata.token_endpoint_auth_method,
            contacts=list(metadata.contacts),
            enabled=metadata.enabled,
        )

    @property
    def metadata(self) -> ClientMetadata:
        return ClientMetadata(
            client_name=self.client_name,
            software_id=self.software_id,
            managed_by=self.managed_by,
            organisation_name=self.organisation.name,
            ovo_code=self.organisation.ovo,
            kbo_number=self.organisation.kbo,
            application=self.application,
            grant_types=tuple(sorted(self.grant_types)),
            token_endpoint_auth_method=self.token_endpoint_auth_method,
            contacts=tuple(sorted(self.contacts)),
            enabled=self.enabled,
        )


class WireRegisteredClient(WireClient):
    client_id: str
    client_secret_updated_at: int | None = None

    @property
    def registered(self) -> RegisteredClient:
        return RegisteredClient(self.client_id, self.metadata, self.client_secret_updated_at or 0)


class WireScopes(_Wire):
    scopes: list[str]


class WireJwks(_Wire):
    """RFC 7517 §5. A key is looked at no further than for its ``kid``, which it need not have."""

    keys: list[Any]

    @property
    def by_kid(self) -> Jwks:
        return by_name(self.keys)


class WireListedClient(WireRegisteredClient):
    scopes: list[str]
    jwks: WireJwks

    @property
    def snapshot(self) -> ClientSnapshot:
        return ClientSnapshot(self.registered, frozenset(self.scopes), self.jwks.by_kid)


class WireClientPage(_Wire):
    items: list[WireListedClient]
    next: str | None = None


class WireConfiguration(_Wire):
    client_id: str
    configuration: dict[str, Any]


class WireConfigurationPage(_Wire):
    items: list[WireConfiguration]
    next: str | None = None


class WireAuditEntry(_Wire):
    at: datetime
    actor: str
    action: str
    document: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    @property
    def recorded(self) -> RecordedChange:
        return RecordedChange(self.at, self.actor, self.action, self.document, self.before, self.after)


class WireAuditPage(_Wire):
    items: list[WireAuditEntry]
    next: str | None = None
