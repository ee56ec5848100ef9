"""The beheerportaal's documents as they go over the wire; see docs/adr/0004-management-api-contract.md."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict

from acmidm_onboarding.authorities.key_names import by_name
from acmidm_onboarding.authorities.port import (
    ClientMetadata,
    ClientSnapshot,
    Jwks,
    Owner,
    ProductDocument,
    RecordedChange,
    RegisteredClient,
)
from acmidm_onboarding.model.secrecy import without_private_keys


class _Wire(BaseModel):
    """What the contract adds later is not looked at."""

    model_config = ConfigDict(extra="ignore")


class WireRegisteredClient(ClientMetadata):
    """The client document: the metadata, and what the authority adds to it."""

    client_id: str
    client_secret_updated_at: int | None = None

    @property
    def registered(self) -> RegisteredClient:
        metadata = ClientMetadata(**self.model_dump(include=set(ClientMetadata.model_fields)))
        return RegisteredClient(self.client_id, metadata, self.client_secret_updated_at or 0)


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
    configuration: Annotated[dict[str, Any], AfterValidator(without_private_keys)]
    software_id: str | None = None
    managed_by: str | None = None

    @classmethod
    def of(cls, document: ProductDocument) -> Self:
        return cls(configuration=dict(document.configuration), **asdict(document.owner))

    @property
    def document(self) -> ProductDocument:
        return ProductDocument(self.configuration, Owner(self.software_id, self.managed_by))


class WireListedConfiguration(WireConfiguration):
    client_id: str


class WireConfigurationPage(_Wire):
    items: list[WireListedConfiguration]
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
