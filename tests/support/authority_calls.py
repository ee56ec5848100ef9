"""Each call of the adapters, and an answer of the Beheerportaal that suits all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acmidm_onboarding.values.metadata import Owner, ProductDocument
from tests.support.portal import metadata

METADATA = metadata()


def document(value: int) -> ProductDocument:
    return ProductDocument({"a": value}, METADATA.owner)


CALLS: dict[str, Callable[[Any], object]] = {
    "read_metadata": lambda authority: authority.read_metadata("any"),
    "read_scopes": lambda authority: authority.read_scopes("any"),
    "read_jwks": lambda authority: authority.read_jwks("any"),
    "read": lambda authority: authority.read("any"),
    "clients": lambda authority: list(authority.clients()),
    "register": lambda authority: authority.register(METADATA, None, {}, {}),
    "update": lambda authority: authority.update("any", METADATA, METADATA, None),
    "remove": lambda authority: authority.remove("any", METADATA.owner),
    "replace_scopes": lambda authority: authority.replace_scopes("any", {"a": False}, {"b": False}),
    "replace_jwks": lambda authority: authority.replace_jwks(
        "any", {}, {"key-1": {"kid": "key-1"}}
    ),
    "recorded_changes": lambda authority: list(authority.recorded_changes("any")),
}
PRODUCT_CALLS: dict[str, Callable[[Any], object]] = {
    "read": lambda products: products.read("dosis", "any"),
    "put": lambda products: products.put("dosis", "any", document(1), document(2)),
    "delete": lambda products: products.delete("dosis", "any", Owner()),
    "configurations": lambda products: list(products.configurations("dosis")),
}
CLIENT: dict[str, Any] = {
    "client_id": "any",
    "client_name": "Stad Gent: loket",
    "organisation": {"name": "Stad Gent", "ovo": "OVO002067"},
    "application": "loket",
    "grant_types": ["client_credentials"],
    "token_endpoint_auth_method": "private_key_jwt",
    "contacts": [],
    "attributes": {"setbyclient_proef": "x"},
    "scopes": ["a"],
    "default": ["a"],
    "default_scopes": ["a"],
    "jwks": {"keys": [{"kid": "key-1"}]},
    "keys": [{"kid": "key-1"}],
    "next": None,
}
REFUSED = {
    "at": "2026-11-29T05:00:00Z",
    "rule": "aud",
    "said": "aud is missing",
    "proven": True,
    "header": {"kid": "key-1"},
    "claims": {"iat": 1},
    "fields": {"scope": ["a"]},
}
ANSWER = {
    **CLIENT,
    "configuration": {"a": 1},
    "items": [{**CLIENT, **REFUSED, "configuration": {"a": 1}}],
}
