"""The authorization server: Authlib's, with one grant and three ways to authenticate."""

from collections.abc import Callable, Mapping
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from joserfc.jwk import KeySet
from starlette.responses import JSONResponse
from typing_extensions import override

from beheerportaal.oauth import principals
from beheerportaal.oauth.assertion import ClientAssertion
from beheerportaal.oauth.errors import invalid_client, invalid_request, invalid_scope
from beheerportaal.oauth.principals import Principal
from beheerportaal.oauth.tokens import AccessTokenGenerator
from beheerportaal.settings import PortalSettings
from beheerportaal.store.database import Database

AUTH_METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
GRANT_TYPE = "client_credentials"
_QueryClient = Callable[[str], Principal]


class TokenRequest(OAuth2Request):  # type: ignore[misc]
    """A token request that was read already: its headers, and its form with each parameter once."""

    def __init__(self, uri: str, headers: Mapping[str, str], form: dict[str, str]) -> None:
        super().__init__("POST", uri, headers=headers)
        self.payload = BasicOAuth2Payload(form)

    @property
    def form(self) -> dict[str, str]:
        """Authlib's client authentication reads it here."""
        form: dict[str, str] = self.payload.data
        return form


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    @override
    def validate_requested_scope(self) -> None:
        """A request for more than was granted is an error, never silently less (RFC 6749 §3.3 leaves the choice)."""
        requested = set((self.request.payload.scope or "").split())
        if missing := sorted(requested - self.client.scopes):
            raise invalid_scope(
                f"scope {', '.join(missing)} is not granted to client {self.client.client_id}; ask the operator to grant it"
            )


class PortalAuthorizationServer(AuthorizationServer):  # type: ignore[misc]
    """The token endpoint's logic; HTTP stays outside."""

    def __init__(self, settings: PortalSettings, database: Database, keys: KeySet) -> None:
        super().__init__()
        self._settings = settings
        self._database = database
        self.register_client_auth_method("client_secret_basic", _authenticate_basic)
        self.register_client_auth_method("client_secret_post", _authenticate_post)
        self.register_client_auth_method("private_key_jwt", ClientAssertion(settings, database))
        self.register_grant(_Grant)
        self.register_token_generator("default", AccessTokenGenerator(settings, keys))

    @override
    def query_client(self, client_id: str) -> Principal:
        """Authlib: the client or operator; raises InvalidClientError, which says why there is none."""
        return principals.find(self._database, self._settings, client_id)

    @override
    def authenticate_client(self, request: TokenRequest, methods: tuple[str, ...], endpoint: str = "token") -> Principal:
        """Authlib: tries the one method that the request uses, so that an error is about that one."""
        used = [method for method, carries in _SIGNS_OF_METHOD.items() if carries(request)]
        if not used:
            raise invalid_client(
                "the request carries no client authentication; send client_assertion with client_assertion_type, or the client_secret"
            )
        if len(used) > 1:
            raise invalid_request(f"the request authenticates by {' and '.join(used)}; use one method only (RFC 6749 section 2.3)")
        client: Principal = super().authenticate_client(request, used, endpoint)
        if request.payload.client_id not in (None, client.client_id):
            raise invalid_client(f"client_id in the form differs from the authenticated client {client.client_id}; leave it out")
        if not client.enabled:
            raise invalid_client(f"client {client.client_id} is disabled; ask the operator to enable it")
        return client

    @override
    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """Authlib: the request is one already."""
        return request

    @override
    def handle_response(self, status: int, body: Mapping[str, Any], headers: list[tuple[str, str]]) -> JSONResponse:
        """Authlib: the answer in the framework's own type."""
        return JSONResponse(dict(body), status, dict(headers))

    @override
    def save_token(self, token: Mapping[str, Any], request: TokenRequest) -> None:
        """Authlib: nothing to keep, access tokens speak for themselves."""

    @override
    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Authlib: nobody listens."""


_SIGNS_OF_METHOD: dict[str, Callable[[TokenRequest], bool]] = {
    "private_key_jwt": lambda request: "client_assertion" in request.form or "client_assertion_type" in request.form,
    "client_secret_basic": lambda request: "Authorization" in request.headers,
    "client_secret_post": lambda request: "client_secret" in request.form,
}


def _authenticate_basic(query_client: _QueryClient, request: TokenRequest) -> Principal:
    try:
        client_id, secret = extract_basic_authorization(request.headers)
    except ValueError:
        client_id, secret = None, None
    if not client_id or not secret:
        raise invalid_client("the Authorization header is not Basic with client_id and client_secret (RFC 6749 section 2.3.1)")
    return _authenticate_secret(query_client(client_id), "client_secret_basic", secret)


def _authenticate_post(query_client: _QueryClient, request: TokenRequest) -> Principal:
    client_id = request.payload.client_id
    if not client_id:
        raise invalid_client("client_id is missing; client_secret_post needs it beside client_secret")
    return _authenticate_secret(query_client(client_id), "client_secret_post", request.form["client_secret"])


def _authenticate_secret(client: Principal, method: str, secret: str) -> Principal:
    if method != client.token_endpoint_auth_method:
        raise invalid_client(
            f"client {client.client_id} is registered with {client.token_endpoint_auth_method}, so {method} is not accepted"
        )
    if not client.check_client_secret(secret):
        raise invalid_client(f"client_secret is not the one of client {client.client_id}")
    return client
