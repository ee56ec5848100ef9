"""The operator's access tokens: client credentials with a private key (RFC 7523) or a secret,
renewed before they end."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT
from pydantic import BaseModel, Field, HttpUrl, SecretStr

from acmidm_onboarding.authorities.errors import AuthorityError, NotAllowed, Rejected
from acmidm_onboarding.authorities.http.api import Api, Form
from acmidm_onboarding.authorities.http.paths import have_one_origin
from acmidm_onboarding.settings import (
    AssertionAudience,
    config_key,
    environment_variable,
    full_key,
)
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.assertion import claims_of
from acmidm_onboarding.values.problems import Unusable
from acmidm_onboarding.values.terms import Platform

_RENEW_BEFORE_END_SECONDS = 60
_GRANT = {"grant_type": "client_credentials"}
_ALGORITHMS = {
    "RSA": "RS256",
    "P-256": "ES256",
    "P-384": "ES384",
    "P-521": "ES512",
    "Ed25519": "EdDSA",
}


class _Endpoints(BaseModel):
    issuer: str
    """The issuer's name as the issuer writes it, and expects it as audience."""
    token_endpoint_name: Annotated[str, Field(validation_alias="token_endpoint")] = ""
    """The token endpoint's address, likewise."""
    address: Annotated[HttpUrl, Field(validation_alias="issuer")]
    """The same name as an address, in the form that the setting has."""
    token_endpoint: HttpUrl


class IssuedToken(BaseModel):
    """What a token endpoint answers (RFC 6749 §5.1)."""

    access_token: Annotated[str, Field(pattern="^[!-~]+$", repr=False)]  # it goes into a header
    expires_in: Annotated[float, Field(allow_inf_nan=False)] = 300

    @property
    def used_seconds(self) -> float:
        """For how many seconds after its request it is used: until a minute before its end, or for
        half its life where that is longer."""
        return max(self.expires_in - _RENEW_BEFORE_END_SECONDS, self.expires_in / 2)


class Credentials(BaseModel, frozen=True):
    """The operator's client-ID, with a private key, a file that has the private key, or a
    secret."""

    client_id: str
    private_key: SecretStr | None = None
    private_key_file: Path | None = None
    client_secret: SecretStr | None = None
    audience: AssertionAudience | None = None
    platform: Platform = Platform.ACMIDM

    def setting(self, key: str) -> str:
        """Return the full name of a setting of the platform: ``acmidm:issuer``, for errors."""
        return full_key(config_key(self.platform, key))


class OperatorTokens:
    """``Tokens`` from one issuer, which ``api`` leads to. Thread-safe: one thread renews, the
    others wait."""

    def __init__(self, issuer: str, credentials: Credentials, api: Api) -> None:
        self._issuer = issuer.rstrip("/")
        self._credentials = credentials
        self._api = api
        self._lock = threading.Lock()
        self._token: str | None = None
        self._renew_at = 0.0
        self._endpoints: _Endpoints | None = None

    def current(self) -> str:
        with self._lock:
            if self._token is None or time.monotonic() >= self._renew_at:
                self._renew()
            return self._token or ""

    def renewed(self, refused: str) -> str:
        with self._lock:
            if self._token == refused:
                self._renew()
            return self._token or ""

    def _renew(self) -> None:
        """Request a token and keep it, until ``_renew_at``. The operator authenticates with a
        signed assertion, or else with its secret. Raises NotAllowed for an operator with neither.
        """
        if self._endpoints is None:
            self._endpoints = self._discover_endpoints()
        form: Form
        headers = {}
        key = self._private_key()
        if key is not None:
            audience = self._endpoints.issuer
            if self._credentials.audience is AssertionAudience.TOKEN_ENDPOINT:
                audience = self._endpoints.token_endpoint_name
            form = partial(self._form_with_assertion, key, audience)
        elif self._credentials.client_secret is not None:
            form = partial(dict, _GRANT)
            headers["authorization"] = _basic(
                self._credentials.client_id, self._credentials.client_secret.get_secret_value()
            )
        else:
            raise NotAllowed(
                tr(
                    "operator {operator} has neither a private key nor a secret; set {setting}, or"
                    " {variable} in the environment",
                    operator=self._credentials.client_id,
                    setting=self._credentials.setting("operatorPrivateKeyFile"),
                    variable=environment_variable(
                        self._credentials.platform, "operatorClientSecret"
                    ),
                )
            )
        started = time.monotonic()
        token = self._api.request(
            "POST", str(self._endpoints.token_endpoint), form=form, headers=headers
        ).as_(IssuedToken)
        self._token = token.access_token
        self._renew_at = started + token.used_seconds

    def _discover_endpoints(self) -> _Endpoints:
        """Return the endpoints that the issuer publishes, if it has the name in the settings
        (OpenID Connect Discovery §4.3) and its token endpoint is on the same host.

        A server with another name would get an assertion made out to that name, and could use it
        there.

        Raises:
            Rejected: before any credentials are sent.
        """
        answer = self._api.request("GET", "/.well-known/openid-configuration")
        endpoints = answer.as_(_Endpoints)
        setting = self._credentials.setting("issuer")
        if str(endpoints.address).rstrip("/") != self._issuer:
            raise Rejected(
                tr(
                    "{request}: this is issuer {found} and not {issuer}, so that no credentials"
                    " are sent; set {setting} to the name that the issuer has, or see who answers"
                    " there",
                    request=answer.request,
                    found=endpoints.issuer,
                    issuer=self._issuer,
                    setting=setting,
                )
            )
        if not have_one_origin(str(endpoints.token_endpoint), self._api.base_url):
            raise Rejected(
                tr(
                    "{request}: token endpoint {endpoint} is not where the issuer is, so that no"
                    " credentials are sent; have the issuer name an endpoint on its own host and"
                    " port, or correct {setting}",
                    request=answer.request,
                    endpoint=endpoints.token_endpoint,
                    setting=setting,
                )
            )
        return endpoints

    def _form_with_assertion(self, key: JWK, audience: str) -> dict[str, str]:
        """Return the form of a token request, with a new assertion (RFC 7523 §2.2)."""
        return {
            **_GRANT,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": _signed(key, claims_of(self._credentials.client_id, audience)),
        }

    def _private_key(self) -> JWK | None:
        """Return the operator's key, from its setting or else from its file; None where neither is
        set. Raises AuthorityError for a key that cannot be read or used, naming where it is."""
        credentials = self._credentials
        source = credentials.setting("operatorPrivateKey")
        try:
            if credentials.private_key is not None:
                return _signing_key(credentials.private_key.get_secret_value())
            if credentials.private_key_file is not None:
                source = str(credentials.private_key_file)
                return _signing_key(credentials.private_key_file.read_text("utf-8"))
        except OSError as error:
            key = "operatorPrivateKeyFile"
            raise AuthorityError(
                tr(
                    "the operator's key {source} cannot be read: {reason}; check {variable} in the"
                    " environment, or else {setting}",
                    source=source,
                    reason=error.strerror,
                    variable=environment_variable(credentials.platform, key),
                    setting=credentials.setting(key),
                )
            ) from None
        except Unusable:
            raise AuthorityError(
                tr(
                    "the operator's key {source} signs no assertion; give a key of type RSA,"
                    " P-256, P-384, P-521 or Ed25519 whose alg and use, where it has them, are"
                    " those of signatures",
                    source=source,
                )
            ) from None
        except (ValueError, TypeError, JWException):
            raise AuthorityError(
                tr(
                    "the operator's key {source} is no private JSON Web Key; give a JSON Web Key"
                    " with its private members",
                    source=source,
                )
            ) from None
        return None


def _signing_key(text: str) -> JWK:
    """Return the private key that the JSON text of a JWK has. Raises Unusable for a private key
    that signs no assertion, and ValueError, TypeError or JWException for any other text."""
    key = JWK(**json.loads(text))
    if key.is_symmetric or not key.has_private:
        raise ValueError
    try:
        _signed(key, {})
    except (JWException, LookupError, TypeError, ValueError):
        raise Unusable from None
    return key


def _signed(key: JWK, claims: Mapping[str, Any]) -> str:
    """Return claims as a compact JWT (RFC 7519), signed with the ``alg`` of the key, or else with
    the algorithm of its type."""
    members = key.export_public(as_dict=True)
    kind = "RSA" if members["kty"] == "RSA" else members["crv"]
    algorithm = members.get("alg") or _ALGORITHMS[kind]
    token = JWT(
        header={"alg": algorithm, "kid": members.get("kid", key.thumbprint())}, claims=dict(claims)
    )
    token.make_signed_token(key)
    return str(token.serialize())


def _basic(client_id: str, secret: str) -> str:
    """Return the value of a header Authorization of type Basic; both parts are form-encoded first
    (RFC 6749 §2.3.1)."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
