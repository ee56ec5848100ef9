"""The authorization server: Authlib's, with one grant, three ways to authenticate, and
introspection."""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from starlette.responses import JSONResponse
from typing_extensions import override

from acmidm_sandbox.beheerportaal.oauth import principals
from acmidm_sandbox.beheerportaal.oauth.assertion import (
    METHOD,
    Assertion,
    AssertionVerifier,
    require_enabled,
)
from acmidm_sandbox.beheerportaal.oauth.principals import Principal
from acmidm_sandbox.beheerportaal.oauth.rules import Judge, invalid_request, invalid_scope
from acmidm_sandbox.beheerportaal.oauth.tokens import AccessTokens
from acmidm_sandbox.beheerportaal.secrets import is_secret
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store import clients
from acmidm_sandbox.beheerportaal.store.clients import LastRefusal
from acmidm_sandbox.beheerportaal.store.database import Database

AUTH_METHODS = ("client_secret_basic", "client_secret_post", METHOD)
GRANT_TYPE = "client_credentials"
log = logging.getLogger("acmidm_sandbox.beheerportaal.refused")


class TokenRequest(OAuth2Request):  # type: ignore[misc]
    """A token request that was read already: its headers, and the parameters of its form."""

    def __init__(self, headers: Mapping[str, str], pairs: Sequence[tuple[str, str]]) -> None:
        # Authlib wants to see TLS, and knows two of loopback's names only; that it is loopback is
        # the settings' business.
        super().__init__("POST", "https://loopback", headers=headers)
        self.pairs = pairs
        self.known_client_id = ""
        """The client that it names, where there is one."""
        self.is_proven = False
        """Whether it surely is that client's."""
        self.payload = BasicOAuth2Payload(dict(pairs))

    @property
    def form(self) -> dict[str, str]:
        """Authlib's name for it."""
        form: dict[str, str] = self.payload.data
        return form


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    @override
    def validate_requested_scope(self) -> None:
        """What the platform makes of a request for other scopes than the client's, and of one for
        none."""
        client, judge = self.request.client, Judge(self.server.settings, self.request.client)
        if "scope[]" in self.request.form:
            judge.broken(
                "scope[]",
                "scope[] is no parameter; send scope, with spaces between",
                invalid_request,
            )
        requested = set((self.request.payload.scope or "").split())
        if not requested and not client.default_scopes and not client.is_operator:
            judge.broken(
                "scope",
                f"scope is missing, and client {client.client_id} has no default scopes",
                invalid_scope,
            )
        if missing := sorted(requested - client.scopes):
            sentence = (
                f"scope {', '.join(missing)} is not granted to client {client.client_id}; ask the"
                " operator to grant it"
            )
            is_something_left = client.default_scopes or requested & client.scopes
            judge.broken(
                "scope not granted" if is_something_left else "no scope granted",
                sentence,
                invalid_scope,
            )


@dataclass(frozen=True, slots=True)
class _Secret:
    method: str
    client_id: str
    secret: str


class PortalAuthorizationServer(AuthorizationServer):  # type: ignore[misc]
    """The token endpoint's logic; HTTP stays outside."""

    def __init__(self, settings: PortalSettings, database: Database, tokens: AccessTokens) -> None:
        super().__init__()
        self._tokens = tokens
        self.settings = settings
        self._database = database
        self._assertions = AssertionVerifier(settings, database)
        self.register_grant(_Grant)
        opaque = BearerTokenGenerator(
            lambda **_: secrets.token_urlsafe(32),
            expires_generator=settings.access_token_lifetime_seconds,
        )
        self.register_token_generator("default", opaque)

    @override
    def create_token_response(self, request: TokenRequest) -> JSONResponse:
        """Authlib: the answer to a token request.

        Raises:
            OAuth2Error: where it is none.
        """
        if "grant_type" not in request.form:
            Judge(self.settings).broken(
                "grant_type", f"grant_type is missing; it is {GRANT_TYPE}", invalid_request
            )
        answer: JSONResponse = super().create_token_response(request)
        return answer

    def introspection(self, request: TokenRequest) -> dict[str, Any]:
        """Return what an access token is worth now (RFC 7662 §2), for whoever authenticates.

        Raises:
            OAuth2Error
        """
        if "token" not in request.form:
            raise invalid_request("token is missing; send the access token that it is about")
        self.authenticate_client(request, AUTH_METHODS, "introspection")
        return self._tokens.introspection(request.form["token"])

    @override
    def authenticate_client(
        self, request: TokenRequest, methods: tuple[str, ...], endpoint: str = "token"
    ) -> Principal:
        """Authlib: the client, known by the one method that the request uses. What can be said of
        the request alone is said first."""
        of_request = Judge(self.settings)
        sent = _sent(request, of_request)
        if request.payload.client_id not in (None, sent.client_id):
            differs = (
                f"client_id in the form differs from the authenticated client {sent.client_id};"
                " leave it out"
            )
            of_request.broken("another client_id", differs)
        client = principals.find(self._database, sent.client_id)
        request.known_client_id = client.client_id if client else ""
        judge = Judge(self.settings, client)
        if client is None:
            unknown = principals.why_unknown(self.settings, sent.client_id)
            raise judge.refusal("known client", unknown)
        registered = client.token_endpoint_auth_method
        if sent.method != registered:
            used = "an assertion" if sent.method == METHOD else sent.method
            judge.broken(
                "registered method",
                f"client {client.client_id} is registered with {registered}, so {used} is not"
                " accepted",
            )
        try:
            if isinstance(sent, Assertion):
                return self._assertions.verify(sent, client, judge)
            return _verify_secret(sent, client, judge)
        finally:
            request.is_proven = judge.is_proven

    @override
    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """Authlib: the request is one already."""
        return request

    @override
    def handle_error_response(
        self, request: TokenRequest | None, error: OAuth2Error
    ) -> JSONResponse:
        """Authlib: the answer to a request that is refused, which its client's page then tells of,
        if the request has proved to be that client's."""
        rule = getattr(error, "rule", error.error)  # Authlib's own error has none
        client_id = request.known_client_id if request is not None else ""
        log.info("client %s, rule %s: refused", client_id or "unknown", rule)
        is_introspection = request is not None and "token" in request.form
        if request is not None and request.is_proven and not is_introspection:
            self._note_refusal(client_id, rule)
        answer: JSONResponse = super().handle_error_response(request, error)
        return answer

    def _note_refusal(self, client_id: str, rule: str) -> None:
        """Note it where the client's page tells of it; an operator has no page."""
        with self._database.write() as session:
            client = clients.find(session, client_id)
            if client is not None:
                client.last_refusal = LastRefusal(datetime.now(UTC), rule)

    @override
    def handle_response(
        self, status: int, body: Mapping[str, Any], headers: list[tuple[str, str]]
    ) -> JSONResponse:
        """Authlib: the answer in the framework's own type."""
        return JSONResponse(dict(body), status, dict(headers))

    @override
    def save_token(self, token: Mapping[str, Any], request: TokenRequest) -> None:
        """Authlib: keeps what the token, which says nothing itself, stands for."""
        scope = token.get("scope", "")
        self._tokens.keep(
            token["access_token"],
            request.client,
            scope,
            self._audiences(request.client, request.form, scope),
        )

    def _audiences(self, client: Principal, form: Mapping[str, str], scope: str) -> list[str]:
        """For which APIs a token is.

        By `audience` and `resource` their client-IDs; the client's own on ACM/IDM where it names
        none, the portal's origin for operators.
        """
        if client.is_operator:
            return [self.settings.origin]
        apis = self.settings.products.values()
        named = [api.client_id for api in apis if api.client_id == form.get("audience")] or [
            api.client_id for api in apis if form.get("resource") in api.resources
        ]
        if named:
            return named
        if "audience" in form or "resource" in form:
            Judge(self.settings, client).note(
                "unknown audience", "neither audience nor resource is of an API here"
            )
        if self.settings.platform == "acmidm":
            return [client.client_id]
        return [api.client_id for api in apis if api.scope in scope.split()]

    @override
    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Authlib: nobody listens."""


_SIGNS_OF_METHOD: dict[str, Callable[[TokenRequest], bool]] = {
    METHOD: lambda request: (
        "client_assertion" in request.form or "client_assertion_type" in request.form
    ),
    "client_secret_basic": lambda request: "Authorization" in request.headers,
    "client_secret_post": lambda request: "client_secret" in request.form,
}


def _sent(request: TokenRequest, judge: Judge) -> Assertion | _Secret:
    """Return what the client authenticates with, as far as the request alone can tell."""
    used = [method for method, carries in _SIGNS_OF_METHOD.items() if carries(request)]
    if not used:
        nothing = (
            "the request carries no client authentication; send client_assertion with"
            " client_assertion_type, or the client_secret"
        )
        raise judge.refusal("one method", nothing)
    if len(used) > 1:
        several = (
            f"the request authenticates by {' and '.join(used)}; use one method only (RFC 6749"
            " section 2.3)"
        )
        judge.broken("one method", several, invalid_request)
    return (
        Assertion.of(request.form, judge) if used == [METHOD] else _secret(used[0], request, judge)
    )


def _verify_secret(sent: _Secret, client: Principal, judge: Judge) -> Principal:
    """Return the client, with the mark of the secret as its credential. Once the secret is good,
    the judge knows the request as proven."""
    for hashed in client.secret_hashes:
        if is_secret(sent.secret, hashed):
            judge.is_proven = True
            require_enabled(client, judge)
            return replace(client, credential=principals.mark_of(hashed))
    wrong = f"client_secret is not the one of client {client.client_id}"
    raise judge.refusal("secret", wrong)


def _secret(method: str, request: TokenRequest, judge: Judge) -> _Secret:
    if method == "client_secret_basic":
        client_id, secret = _basic(request)
        if not client_id or not secret:
            no_basic = "the Authorization header is not Basic with client_id and client_secret"
            raise judge.refusal("one method", f"{no_basic} (RFC 6749 section 2.3.1)")
    else:
        client_id, secret = request.payload.client_id, request.form["client_secret"]
        if not client_id:
            raise judge.refusal(
                "client_id of a secret",
                "client_id is missing; client_secret_post needs it beside client_secret",
            )
    return _Secret(method, client_id, secret)


def _basic(request: TokenRequest) -> tuple[str | None, str | None]:
    """Return the client-ID and the secret in an Authorization header, as far as it has them."""
    try:
        client_id, secret = extract_basic_authorization(request.headers)
    except ValueError:
        return None, None
    return client_id, secret
