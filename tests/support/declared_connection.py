"""What a form declares of a connection with keys and two products."""

from __future__ import annotations

from typing import Any

from acmidm_onboarding.values.jwk import public_jwk as parsed
from tests.support.declared import declaration
from tests.support.portal import new_key, public_jwk

PARTS: dict[str, Any] = {
    "scopes": {"scope_b": "requested", "scope_a": "why (SD-1)"},
    "products": {"notificaties": {"merk_code": "stad-gent"}, "dosis": {"bron_uri": "urn://a/b"}},
}
CONNECTION = declaration(
    jwks={"key-1": parsed({**public_jwk(new_key("key-1")), "exp": 1893456000})}, **PARTS
)
