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
class Wanted:
    """One scope of the form: its name in the catalogue, that on the platform, and its product."""

    scope: str
    named: str
    product: Product


@dataclass
class Trial:
    """What is tried, and what that proved."""

    context: Context
    settings: PlatformSettings
    network: Network
    key: PrivateKey
    kid: str | None
    alg: str
    declared: PublicJwk | None
    """The key of the form that this is."""
    wanted: tuple[Wanted, ...]
    configured: Mapping[str, Mapping[str, Any]]
    """Per product whose API is tried, its configuration; empty where it needs none."""
    products: Mapping[str, Product]
    sends_test_message: bool = False
    proven_scopes: list[str] = field(default_factory=list)
    proven_products: list[str] = field(default_factory=list)
    skew: float = 0.0
    """How many seconds the server's clock is ahead of ours."""
    tokens: dict[str, str] = field(default_factory=dict, repr=False)
    """Per product."""

    @property
    def client_id(self) -> str:
        """Whose token is requested: nobody tries a connection without one."""
        return self.context.client_id or ""

    def assertion(self, **changes: Any) -> str:
        """Return an assertion as it should be, but for the ``changes``: ``client_id``, ``aud``,
        ``alg``, ``kid``, and ``at``, the time in seconds at which it is made."""
        how: dict[str, Any] = {
            "client_id": self.client_id,
            "aud": self.context.audience,
            "alg": self.alg,
            "kid": self.kid,
            **changes,
        }
        return self.key.assertion(how.pop("client_id"), how.pop("aud"), **how)

    def request_token(self, wanted: Wanted, *, is_scoped: bool = True, **changes: Any) -> Reply:
        """Return the answer to a request for a token with the scope that is ``wanted``, or without
        any; ``changes`` of its assertion. Raises NoAnswer."""
        also = wanted.product.api.also if wanted.product.api else ()
        besides = [scope.named for scope in self.wanted if scope.scope in also]
        audience = self.audience_of(wanted.product.product)
        form = {
            "grant_type": GRANT_TYPE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(**changes),
        }
        if is_scoped:
            form["scope"] = " ".join((wanted.named, *besides))
        if audience:
            form["audience"] = audience
        return self.network.post_form(self.context.token_endpoint or "", form)

    def audience_of(self, product: str) -> str | None:
        """Return what a token request names the API of a product by; None where it names none."""
        if self.context.platform is Platform.GEOSECURE:
            return None
        return self.settings.api_client_id(product)
