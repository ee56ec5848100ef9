"""The authorization server: Authlib's, with one grant, three ways to authenticate, and introspection."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, InvalidClientError, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6749.util import extract_basic_authorization
from starlette.responses import JSONResponse
from typing_extensions import override

from beheerportaal.http.failures import Failures
from beheerportaal.limits import LONGEST_SECRET, LONGEST_TEXT
from beheerportaal.oauth import principals
from beheerportaal.oauth.assertion import METHOD, Assertion, AssertionVerifier
from beheerportaal.oauth.errors import UNEXPLAINED, TooManyFailures, invalid_client, invalid_request, invalid_scope
from beheerportaal.oauth.principals import Principal
from beheerportaal.oauth.signing import SigningKeys
from beheerportaal.oauth.tokens import AccessTokenGenerator
from beheerportaal.secrets import NOBODYS, Verified, is_secret
from beheerportaal.settings import PortalSettings
from beheerportaal.store.database import Database

AUTH_METHODS = ("client_secret_basic", "client_secret_post", METHOD)
GRANT_TYPE = "client_credentials"


class TokenRequest(OAuth2Request):  # type: ignore[misc]
    """A token request that was read already: its headers, and its form with each parameter once."""

    def __init__(self, headers: Mapping[str, str], form: dict[str, str], address: str) -> None:
        # Authlib wants to see TLS, and knows two of loopback's names only; that it is loopback is the settings' business.
        super().__init__("POST", "https://loopback", headers=headers)
        self.payload = BasicOAuth2Payload(form)
        self.address = address

    @property
    def form(self) -> dict[str, str]:
        """Authlib's name for it."""
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


@dataclass(frozen=True, slots=True)
class _Secret:
    method: str
    client_id: str
    secret: str


class PortalAuthorizationServer(AuthorizationServer):  # type: ignore[misc]
    """The token endpoint's logic; HTTP stays outside."""

    def __init__(self, settings: PortalSettings, database: Database, keys: SigningKeys, of_client: Failures, of_address: Failures) -> None:
        super().__init__()
        self._settings = settings
        self._database = database
        self._of_client = of_client
        self._of_address = of_address
        self._verified = Verified()
        self._assertions = AssertionVerifier(settings, database)
        self.register_grant(_Grant)
        self.register_token_generator("default", AccessTokenGenerator(settings, keys))

    def will_hash(self, request: TokenRequest) -> bool:
        """Whether the request has a secret that is to be hashed: any but one that was verified before."""
        try:
            sent = _sent(request)
        except OAuth2Error:
            return False
        if isinstance(sent, Assertion):
            return False
        client = principals.find(self._database, sent.client_id)
        return not self._knows(sent, client)

    @override
    def authenticate_client(self, request: TokenRequest, methods: tuple[str, ...], endpoint: str = "token") -> Principal:
        """Authlib: the client, known by the one method that the request uses; `http/failures.py` says who may fail how often."""
        try:
            return self._authenticate(request)
        except InvalidClientError:
            if wait := self._of_address.count(request.address):
                raise TooManyFailures(wait) from None
            raise

    @override
    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """Authlib: the request is one already."""
        return request

    @override
    def handle_error_response(self, request: TokenRequest | None, error: OAuth2Error) -> JSONResponse:
        """Authlib: the answer to a request that is refused; why a client could not be authenticated is said in a sandbox only."""
        if error.error == "invalid_client" and not self._settings.explains_refusals:
            error = invalid_client(UNEXPLAINED)
        answer: JSONResponse = super().handle_error_response(request, error)
        return answer

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

    def _authenticate(self, request: TokenRequest) -> Principal:
        """What can be said of the request alone is said first. After that, an unknown client takes as much work as one that is known."""
        sent = _sent(request)
        if request.payload.client_id not in (None, sent.client_id):
            raise invalid_client(f"client_id in the form differs from the authenticated client {sent.client_id}; leave it out")
        client = principals.find(self._database, sent.client_id)
        if isinstance(sent, Assertion):
            try:
                return self._assertions.verify(sent, client)
            except InvalidClientError:
                if wait := self._of_client.count(request.address, sent.client_id):
                    raise TooManyFailures(wait) from None
                raise
        if self._knows(sent, client):
            return self._verify_secret(sent, client)
        if wait := self._of_client.count(request.address, sent.client_id):
            raise TooManyFailures(wait)
        verified = self._verify_secret(sent, client)
        self._of_client.forget(request.address, sent.client_id)
        return verified

    def _knows(self, sent: _Secret, client: Principal | None) -> bool:
        return (sent.secret, _hash_of(client)) in self._verified

    def _verify_secret(self, sent: _Secret, client: Principal | None) -> Principal:
        """The client, with the mark of the secret as its credential. Whatever is wrong, one hash is computed."""
        hashed = _hash_of(client)
        matches = self._knows(sent, client) or is_secret(sent.secret, hashed)
        if client is None:
            raise invalid_client(principals.why_unknown(self._settings, sent.client_id))
        if sent.method != client.token_endpoint_auth_method or client.client_secret_hash is None:
            raise invalid_client(
                f"client {client.client_id} is registered with {client.token_endpoint_auth_method}, so {sent.method} is not accepted"
            )
        if not matches:
            raise invalid_client(f"client_secret is not the one of client {client.client_id}")
        if not client.enabled:
            raise invalid_client(f"client {client.client_id} is disabled; ask the operator to enable it")
        self._verified.add(sent.secret, hashed)
        return replace(client, credential=principals.mark_of(hashed))


_SIGNS_OF_METHOD: dict[str, Callable[[TokenRequest], bool]] = {
    METHOD: lambda request: "client_assertion" in request.form or "client_assertion_type" in request.form,
    "client_secret_basic": lambda request: "Authorization" in request.headers,
    "client_secret_post": lambda request: "client_secret" in request.form,
}


def _sent(request: TokenRequest) -> Assertion | _Secret:
    """What the client authenticates with, as far as the request alone can tell."""
    used = [method for method, carries in _SIGNS_OF_METHOD.items() if carries(request)]
    if not used:
        raise invalid_client(
            "the request carries no client authentication; send client_assertion with client_assertion_type, or the client_secret"
        )
    if len(used) > 1:
        raise invalid_request(f"the request authenticates by {' and '.join(used)}; use one method only (RFC 6749 section 2.3)")
    return Assertion.of(request.form) if used == [METHOD] else _secret(used[0], request)


def _hash_of(client: Principal | None) -> str:
    return NOBODYS if client is None or client.client_secret_hash is None else client.client_secret_hash


def _secret(method: str, request: TokenRequest) -> _Secret:
    if method == "client_secret_basic":
        try:
            client_id, secret = extract_basic_authorization(request.headers)
        except ValueError:
            client_id, secret = None, None
        if not client_id or not secret:
            raise invalid_client("the Authorization header is not Basic with client_id and client_secret (RFC 6749 section 2.3.1)")
    else:
        client_id, secret = request.payload.client_id, request.form["client_secret"]
        if not client_id:
            raise invalid_client("client_id is missing; client_secret_post needs it beside client_secret")
    if len(client_id) > LONGEST_TEXT or len(secret) > LONGEST_SECRET:
        raise invalid_client(f"client_id or client_secret is longer than {LONGEST_SECRET} characters, which none is")
    return _Secret(method, client_id, secret)
