"""What is tried of a connection, and how a token is requested of it, with its assertion as it
should be or changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from acmidm.private_key import PrivateKey
from acmidm.probe.checks import Context
from acmidm.probe.mistakes import ASSERTION_TYPE, GRANT_TYPE
from acmidm.probe.network import Network, Reply
from acmidm_onboarding.forms.catalogue import Product
from acmidm_onboarding.settings import PlatformSettings
from acmidm_onboarding.values.jwk import PublicJwk
from acmidm_onboarding.values.terms import Platform


@dataclass(frozen=True)
class WantedScope:
    """A scope of the form, for which a token is requested."""

    scope: str
    """Its name in the catalogue."""
    platform_name: str
    product: Product


@dataclass
class Trial:
    """One try of a connection: what is known of it beforehand, and, at the end, what was proven."""

    context: Context
    settings: PlatformSettings
    network: Network
    key: PrivateKey
    kid: str | None
    alg: str
    declared: PublicJwk | None
    """The public key in the form that belongs to ``key``; None where the form has none of it."""
    wanted: tuple[WantedScope, ...]
    configured: Mapping[str, Mapping[str, Any]]
    """Per product whose API is tried, its configuration; empty where it needs none."""
    products: Mapping[str, Product]
    """All of the catalogue, by name."""
    sends_test_message: bool = False
    proven_scopes: list[str] = field(default_factory=list)
    proven_products: list[str] = field(default_factory=list)
    skew: float = 0.0
    """How many seconds the server's clock is ahead of ours."""
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    """The first token with a scope of each product, by its name."""

    @property
    def client_id(self) -> str:
        """Whose token is requested: nobody tries a connection without one."""
        return self.context.client_id or ""

    def assertion(self, **changes: Any) -> str:
        """Return a signed assertion (RFC 7523 §3) as it should be, but for the ``changes``:
        ``client_id``, ``aud``, ``alg``, ``kid``, and ``at``, the time in seconds at which it is
        made."""
        parts: dict[str, Any] = {
            "client_id": self.client_id,
            "aud": self.context.audience,
            "alg": self.alg,
            "kid": self.kid,
            **changes,
        }
        return self.key.assertion(parts.pop("client_id"), parts.pop("aud"), **parts)

    def request_token(
        self, wanted: WantedScope, *, is_scoped: bool = True, **changes: Any
    ) -> Reply:
        """Request a token with the scope that is ``wanted``, or without any, and return the answer.
        The ``changes`` are those of its assertion. Raises NoAnswer."""
        # Scopes without which the API of the product takes no token.
        also = wanted.product.api.also if wanted.product.api else ()
        needed_besides = [scope.platform_name for scope in self.wanted if scope.scope in also]
        audience = self.audience_of(wanted.product.product)
        form = {
            "grant_type": GRANT_TYPE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(**changes),
        }
        if is_scoped:
            form["scope"] = " ".join((wanted.platform_name, *needed_besides))
        if audience:
            form["audience"] = audience
        return self.network.post_form(self.context.token_endpoint or "", form)

    def audience_of(self, product: str) -> str | None:
        """Return the ``audience`` of a token request, which is the client-ID of a product's API;
        None on GeoSecure, whose requests have none, and where the stack's file has no such ID."""
        if self.context.platform is Platform.GEOSECURE:
            return None
        return self.settings.api_client_id(product)
