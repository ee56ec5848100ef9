"""How each mistake in a token request is found. Pure: nothing is requested, whatever somebody
wrote.

A check gets the request and what is known of the connection. It returns the values that the
sentences of its row in ``mistakes.py`` name, such as {"scope": "dv_dosis"}; None where there is no
such mistake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from acmidm.probe.findings import Wording
from acmidm.probe.sent import SentRequest
from acmidm_onboarding.settings import AssertionAudience
from acmidm_onboarding.texts import N_
from acmidm_onboarding.values.jwk import PublicJwk, algorithms_of
from acmidm_onboarding.values.plain import only
from acmidm_onboarding.values.terms import Platform

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
ENDPOINT = Wording(N_("the token endpoint"))
"""The token endpoint, where its address is not known."""
_LARGEST = 10**15
_LONGEST_JTI = 255
_MATERIAL = ("kty", "n", "e", "crv", "x", "y")
Values = Mapping[str, object] | None
"""What a check returns. A text is what somebody wrote, and is quoted; what is in a tuple is ours,
and shows as it is."""


@dataclass(frozen=True)
class Context:
    """What the form and the stack's file say of a connection, against which a request is checked.
    ``has_platform_rules``: its authority has the rules of ACM/IDM or GeoSecure, as a Keycloak has
    not."""

    platform: Platform
    environment: str
    issuer: str
    now: float
    token_endpoint: str | None = None
    has_platform_rules: bool = True
    assertion_audience: AssertionAudience | None = None
    """What the stack's file says that an assertion has as ``aud``; None where it does not."""
    client_id: str | None = None
    api_of: Mapping[str, str] = field(default_factory=dict)
    """Per client-ID of an API, its product."""
    keys: Mapping[str, PublicJwk] | None = None
    """What the form declares, per ``kid``; None where the keys are in the portal."""
    other_keys: Mapping[str, str] = field(default_factory=dict)
    """Per thumbprint of a key of the other environment, that environment."""
    scopes: Mapping[str, str] = field(default_factory=dict)
    """Those of the form, by the platform's names: the product of each."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Per scope of the form whose name is another on this platform: that name."""

    @property
    def audience(self) -> str | None:
        """What an assertion has as ``aud``; None where the token endpoint is not known."""
        if self.assertion_audience is None:
            is_at_endpoint = self.platform is Platform.GEOSECURE and self.has_platform_rules
        else:
            is_at_endpoint = self.assertion_audience is AssertionAudience.TOKEN_ENDPOINT
        return self.token_endpoint if is_at_endpoint else self.issuer

    @property
    def has_platform_audience(self) -> bool:
        """Whether ``aud`` is by the platform's rule, and by no setting or rule of the authority."""
        return self.has_platform_rules and self.assertion_audience is None


def mistake_if(condition: object, **values: object) -> Values:
    """Return the ``values`` where the condition of a mistake holds, else None."""
    return values if condition else None


def scopes_of(sent: SentRequest) -> list[str]:
    return (sent.first("scope") or "").split()


def number(sent: SentRequest, name: str) -> float | None:
    """Return a claim that is a number; None for another type, and for a number that no float can
    hold."""
    value = sent.claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < _LARGEST:
        return None
    return value


def repeated_field(sent: SentRequest, _: Context) -> Values:
    """RFC 6749 §3.2. ``scope[]``, as PHP repeats a field, is a mistake of the scope."""
    for name, values in (sent.fields or {}).items():
        if len(values) > 1 and name != "scope[]":
            return {"name": name}
    return None


def renamed_scope(sent: SentRequest, context: Context) -> Values:
    for name in scopes_of(sent):
        if name in context.renamed:
            return {"scope": name, "name": (context.renamed[name],)}
    return None


def unknown_scope(sent: SentRequest, context: Context) -> Values:
    for name in scopes_of(sent):
        if context.scopes and name not in context.scopes:
            return {"scope": name}
    return None


def key_of(sent: SentRequest, context: Context) -> PublicJwk | None:
    """Return the key of the form that an assertion names by its ``kid``; without ``kid`` the only
    key of the form. None where the form has no such key, or several."""
    keys, kid = context.keys or {}, sent.header.get("kid")
    if kid is None:
        return next(iter(keys.values())) if len(keys) == 1 else None
    return keys.get(kid) if isinstance(kid, str) else None


def is_signed_by(sent: SentRequest, key: PublicJwk) -> bool:
    """Return whether the signature is by this key and by the ``alg`` of the header. What the
    key says of itself in ``alg`` and ``use`` does not count."""
    jws, alg = JWS(), sent.header.get("alg")
    jws.allowed_algs = [str(alg)]
    try:
        jws.deserialize(sent.jwt, JWK(**only(key.members, _MATERIAL)))
    except (JWException, ValueError, TypeError):
        return False
    return True


def wrong_signature(sent: SentRequest, context: Context) -> Values:
    """It is by another key than the one that the assertion names. With an ``alg`` that does not fit
    that key it is another mistake."""
    key = key_of(sent, context)
    if key is None or str(sent.header.get("alg")) not in algorithms_of(key.members):
        return None
    return mistake_if(not is_signed_by(sent, key), kid=(key.kid,))


def signed_by_none(sent: SentRequest, context: Context) -> Values:
    """There is no ``kid``, the form has several keys, and none of them signed."""
    if sent.header.get("kid") is not None or not context.keys or len(context.keys) == 1:
        return None
    return mistake_if(
        not any(is_signed_by(sent, key) for key in context.keys.values()), kids=tuple(context.keys)
    )


def audience_claim(sent: SentRequest) -> object:
    """Return the claim ``aud``; of a list with one member that member."""
    aud = sent.claims.get("aud")
    return aud[0] if isinstance(aud, list) and len(aud) == 1 else aud


def is_endpoint(aud: object, context: Context) -> bool:
    """Return whether an audience is the token endpoint, or is spelled like that of an issuer whose
    endpoint is not known."""
    if not isinstance(aud, str):
        return False
    bare = aud.lower().rstrip("/")
    return bare == (context.token_endpoint or "").lower() or (
        context.token_endpoint is None
        and bare.startswith(context.issuer.lower())
        and bare.endswith("/token")
    )


def wrong_audience(sent: SentRequest, context: Context) -> Values:
    """The audience is another than the expected one. An authority with its own rules takes the
    issuer and the token endpoint, where the stack's file does not say which."""
    aud, right = audience_claim(sent), context.audience
    if not isinstance(aud, str) or right is None or aud == right:
        return None
    takes_either = not context.has_platform_rules and context.assertion_audience is None
    if takes_either and (aud == context.issuer or is_endpoint(aud, context)):
        return None
    return {"aud": aud, "right": (right,)}


def not_audience_of_setting(sent: SentRequest, context: Context) -> Values:
    """The stack's file says that an assertion has the token endpoint as ``aud``, and it has the
    issuer; or the reverse."""
    aud, wanted = audience_claim(sent), context.assertion_audience
    if wanted is None:
        return None
    namespace = (context.platform.value,)
    if wanted is AssertionAudience.TOKEN_ENDPOINT:
        right = ENDPOINT if context.audience is None else (context.audience,)
        is_issuer = isinstance(aud, str) and aud.rstrip("/") == context.issuer
        return mistake_if(is_issuer, right=right, namespace=namespace)
    return mistake_if(is_endpoint(aud, context), right=(context.issuer,), namespace=namespace)


def endpoint_on_acmidm(sent: SentRequest, context: Context) -> Values:
    """The audience is the token endpoint, and ACM/IDM takes the issuer."""
    return mistake_if(
        context.has_platform_audience
        and context.platform is Platform.ACMIDM
        and is_endpoint(audience_claim(sent), context)
    )


def issuer_on_geosecure(sent: SentRequest, context: Context) -> Values:
    """The audience is the issuer, and GeoSecure takes the token endpoint."""
    aud = audience_claim(sent)
    return mistake_if(
        context.has_platform_audience
        and context.platform is Platform.GEOSECURE
        and isinstance(aud, str)
        and aud.rstrip("/") == context.issuer
    )


def misspelt_audience(sent: SentRequest, context: Context) -> Values:
    """It differs from the right audience by capitals or a slash at its end. Where the token
    endpoint is not known, GeoSecure's is still known to be in lower case."""
    aud, right = audience_claim(sent), context.audience
    if right is None:
        is_in_lower_case = context.platform is Platform.GEOSECURE
        return mistake_if(
            is_in_lower_case and isinstance(aud, str) and aud != aud.lower().rstrip("/"),
            right=ENDPOINT,
        )
    return mistake_if(
        isinstance(aud, str) and aud != right and aud.lower().rstrip("/") == right.lower(),
        right=(right,),
    )


def unfitting_algorithm(sent: SentRequest, context: Context) -> Values:
    key, alg = key_of(sent, context), str(sent.header.get("alg"))
    if key is None or alg in algorithms_of(key.members):
        return None
    return {"alg": alg, "kid": (key.kid,), "fitting": tuple(sorted(algorithms_of(key.members)))}


def missing_client(sent: SentRequest, _: Context) -> Values:
    return mistake_if(not isinstance(sent.client_id, str) or not sent.client_id)


def numeric_on_acmidm(sent: SentRequest, context: Context) -> Values:
    client_id = sent.client_id
    is_acmidm = context.has_platform_rules and context.platform is Platform.ACMIDM
    return mistake_if(
        is_acmidm and isinstance(client_id, str) and client_id.isdecimal(), id=client_id
    )


def uuid_on_geosecure(sent: SentRequest, context: Context) -> Values:
    client_id = sent.client_id
    is_geosecure = context.has_platform_rules and context.platform is Platform.GEOSECURE
    return mistake_if(
        is_geosecure and isinstance(client_id, str) and UUID.fullmatch(client_id), id=client_id
    )


def client_of_api(sent: SentRequest, context: Context) -> Values:
    product = context.api_of.get(sent.client_id) if isinstance(sent.client_id, str) else None
    return {"product": (product,)} if product else None


def ended_key(sent: SentRequest, context: Context) -> Values:
    key = key_of(sent, context)
    if key is None or key.expires is None or key.expires.timestamp() > context.now:
        return None
    return {"kid": (key.kid,)}


def apis_wanted(sent: SentRequest, context: Context) -> list[str]:
    """Return the products of the scopes that are requested, without those whose API has no
    client-ID in the stack's file."""
    products = only(context.scopes, scopes_of(sent)).values()
    return sorted(set(products).intersection(context.api_of.values()))


def another_api(sent: SentRequest, context: Context) -> Values:
    """The ``audience`` is the client-ID of none of the APIs whose scopes are requested. That of the
    client itself is another mistake."""
    audience, products = sent.first("audience"), apis_wanted(sent, context)
    right = [id_ for id_, product in sorted(context.api_of.items()) if product in products]
    is_wrong = audience and right and audience not in (*right, sent.claims.get("sub"))
    return mistake_if(is_wrong, audience=audience, products=tuple(products), right=tuple(right))


def wrong_jti(sent: SentRequest, _: Context) -> Values:
    jti = sent.claims.get("jti")
    return mistake_if(not isinstance(jti, str) or len(jti) > _LONGEST_JTI)


def lifetime(sent: SentRequest) -> float | None:
    """Return the seconds from ``iat`` to ``exp``; None where one of them is no number."""
    iat, exp = number(sent, "iat"), number(sent, "exp")
    return None if iat is None or exp is None else exp - iat
