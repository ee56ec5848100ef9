"""A client as it was declared, as the state has it and as the authority has it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from acmidm.report.three_views import ActualPlatform
from acmidm_onboarding.authorities.port import RegisteredClient
from acmidm_onboarding.values.client import Client, Record
from acmidm_onboarding.values.keys import Key, key_of
from acmidm_onboarding.values.metadata import Owner, ProductDocument
from acmidm_onboarding.values.terms import Platform
from tests.support.samples import OVO, client, metadata

KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
ID = "client-1"
PARTS = ("OAuthClient", "ClientScopes", "ClientJwks", "ProductConfiguration/notificaties")
OWNER = Owner(f"acmidm/prod/{OVO}/loket", "acmidm-onboarding/prod")
CONFIGURATION: dict[str, Any] = {"merk_code": "gent", "product_ids": ["10244"]}
FIRST, SECOND = "https://keys.gent.example/jwks", "https://sleutels.gent.example/jwks"
AT = "takes its keys from {}, and whoever writes there is the client"
"""What is said of a client whose keys are at an address."""


def keys(*kids: str) -> dict[str, Key]:
    return {kid: key_of({**KEY, "kid": kid}) for kid in kids}


def wanted(**how: Any) -> Client:
    """The client as a form has it."""
    return client(**{"keys": keys("a", "b"), "owner": OWNER, **how})


def at(address: str | None, **how: Any) -> Client:
    """A client whose keys are at an address, or in the portal."""
    return client(keys=None, fields={"jwks_uri": address} if address else {}, owner=OWNER, **how)


def urn(part: str, application: str = "loket") -> str:
    return f"urn::{part}::{OVO}/{application}"


def stored(*, without: tuple[str, ...] = (), **how: Any) -> Client:
    """The client as the state has it, some of its resources left out perhaps."""
    state = wanted(client_id=ID, **how)
    products = {} if PARTS[3] in without else state.products
    return replace(
        state,
        products=products,
        record=Record(urns={part: urn(part) for part in PARTS if part not in without}),
    )


def real(**how: Any) -> dict[Platform, ActualPlatform]:
    """What the authority has: the client as it was declared, but for what ``how`` changes.
    ``None``: no client, no configuration."""
    jwks = how.get("jwks") or {kid: {**KEY, "kid": kid} for kid in how.get("keys", ("a", "b"))}
    found = metadata(**how.get("metadata", {}))
    scopes = {scope: scope in how.get("default", ()) for scope in how.get("scopes", ("vo_info",))}
    registered = RegisteredClient(ID, found, how.get("secret_at", 0), scopes, jwks)
    configuration = how.get("configuration", CONFIGURATION)
    document = ProductDocument(configuration or {}, how.get("owner", OWNER))
    clients = {ID: registered} if how.get("exists", True) else {}
    return {
        Platform.ACMIDM: ActualPlatform(
            clients,
            {"notificaties": {ID: document} if configuration else {}},
            how.get("assigned", frozenset()),
        )
    }
