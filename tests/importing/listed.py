"""A client as an authority lists it to an import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from acmidm.edit.new.rows import CLIENTS_HEADINGS
from acmidm.importing.listed import ListedClient, Register
from acmidm_onboarding.authorities.port import RegisteredClient
from acmidm_onboarding.values.metadata import ClientMetadata, ProductDocument, Scopes
from acmidm_onboarding.values.terms import Environment, Platform

GENT = "0207451227"
LETTERS: Mapping[str, str] = {
    column: chr(65 + index) for index, column in enumerate(CLIENTS_HEADINGS.columns)
}
"""Those of a sheet with all columns."""


def client(
    client_id: str = "a-1",
    environment: Environment = Environment.TNI,
    *,
    platform: Platform = Platform.ACMIDM,
    scopes: Scopes | None = None,
    jwks: Mapping[str, Mapping[str, Any]] | None = None,
    configurations: Mapping[str, ProductDocument] | None = None,
    name: str = "Stad Gent",
    ovo: str | None = None,
    kbo: str | None = GENT,
    **changes: Any,
) -> ListedClient:
    values: dict[str, Any] = {
        "client_name": "Stad Gent - loket",
        "software_id": None,
        "managed_by": None,
        "organisation": {"name": name, "ovo": ovo, "kbo": kbo},
        "application": "loket",
        "grant_types": ("client_credentials",),
        "token_endpoint_auth_method": "private_key_jwt",
        "contacts": ("api@stad-gent.example",),
        **changes,
    }
    return ListedClient(
        environment,
        platform,
        RegisteredClient(client_id, ClientMetadata(**values), scopes=scopes or {}, jwks=jwks or {}),
        configurations or {},
    )


def registers_of(clients: Iterable[ListedClient]) -> dict[Environment, Register]:
    """What the authorities of each environment list."""
    listed = list(clients)
    return {
        environment: Register(
            environment.value,
            tuple(one for one in listed if one.environment is environment),
        )
        for environment in Environment
    }
