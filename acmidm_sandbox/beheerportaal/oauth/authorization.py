"""The authorization server: one grant, three ways to authenticate, and introspection. What a
request must be is in `checks.py`."""

import logging
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from authlib.oauth2.rfc6749 import (
    InvalidRequestError,
    OAuth2Error,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
)
from starlette.responses import JSONResponse

from acmidm_sandbox.beheerportaal.limits import CLOCK_SKEW_SECONDS
from acmidm_sandbox.beheerportaal.oauth import checks
from acmidm_sandbox.beheerportaal.oauth.checks import GRANT_TYPE, require, require_first
from acmidm_sandbox.beheerportaal.oauth.request import (
    ASSERTION,
    Principal,
    TokenRequest,
    find_principal,
)
from acmidm_sandbox.beheerportaal.oauth.tokens import AccessTokens
from acmidm_sandbox.beheerportaal.store import clients
from acmidm_sandbox.beheerportaal.store.clients import LastRefusal
from acmidm_sandbox.beheerportaal.store.tokens import UsedAssertion, forget_ended

_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
log = logging.getLogger("acmidm_sandbox.beheerportaal.refused")


class PortalAuthorizationServer:
    """The token endpoint's logic; HTTP stays outside."""

    def __init__(self, tokens: AccessTokens) -> None:
        self._tokens = tokens
        self._settings, self._database = tokens.settings, tokens.database

    def token(self, request: TokenRequest) -> JSONResponse:
        """Return the answer to a token request (RFC 6749 §4.4); a refusal is one too."""
        try:
            require(request, checks.SOUND)
            require(request, checks.GRANT)
            if request.form["grant_type"] != GRANT_TYPE:
                raise UnsupportedGrantTypeError(request.form["grant_type"])
            client = self._authenticate(request)
            if GRANT_TYPE not in client.grant_types:
                sentence = f"The client is not authorized to use 'grant_type={GRANT_TYPE}'"
                raise UnauthorizedClientError(sentence)
            require(request, checks.SCOPES)
        except OAuth2Error as error:
            self._note_refusal(request, error)
            return self.refuse(request, error)
        scope = " ".join(request.scopes)
        answer = {
            "token_type": "Bearer",
            "access_token": self._tokens.issue(request, client, self._audiences(request, client)),
            "expires_in": self._settings.access_token_lifetime_seconds,
        }
        if scope:
            answer["scope"] = scope
        return JSONResponse(answer, headers=_NOT_KEPT)

    def introspection(self, request: TokenRequest) -> JSONResponse:
        """Return what an access token is worth now (RFC 7662 §2), for whoever authenticates."""
        try:
            require(request, checks.SOUND)
            if "token" not in request.form:
                sentence = "token is missing; send the access token that it is about"
                raise InvalidRequestError(sentence)
            self._authenticate(request)
        except OAuth2Error as error:
            return self.refuse(request, error)
        worth = self._tokens.introspection(request.form["token"])
        return JSONResponse(worth, headers={"Cache-Control": "no-store"})

    def refuse(self, request: TokenRequest, error: OAuth2Error) -> JSONResponse:
        """Return the answer to a request that is refused."""
        client_id = request.client.client_id if request.client else "unknown"
        log.info("client %s, rule %s: refused", client_id, _rule(error))
        status, body, headers = error()
        return JSONResponse(body, status, dict(headers))

    def _authenticate(self, request: TokenRequest) -> Principal:
        """Return the client, known by the one method that the request uses. What can be said of
        the request alone is said first, then what its key or secret proves (RFC 7523 §3). It is
        proven once that is good, and nobody can have seen the assertion before.

        Raises:
            OAuth2Error
        """
        require(request, checks.ONE_METHOD)
        require(request, checks.BY_METHOD[request.method])
        with self._database.read() as session:
            request.client = find_principal(session, request.client_id)
        require(request, checks.KNOWN)
        client: Principal = request.client  # type: ignore[assignment] # known by now
        require(request, checks.PROOF[request.method])
        request.is_proven = self._is_fresh(request, client)
        require(request, checks.ENABLED)
        if request.method == ASSERTION:
            require(request, checks.ISSUER)
            require_first(request, checks.AUDIENCE)
            require(request, checks.TIMES_AND_JTI)
            request.is_replay = not self._use(request, client)
            require(request, checks.ONCE)
        return client

    def _is_fresh(self, request: TokenRequest, client: Principal) -> bool:
        """Return whether the request is none that somebody else may have: its assertion was sent
        before, or its time is over, as that of one that a service desk gets."""
        if request.method != ASSERTION:
            return True
        exp, jti = request.claims.get("exp"), request.claims.get("jti")
        if not isinstance(exp, int | float) or not isinstance(jti, str) or exp <= request.now:
            return False
        with self._database.read() as session:
            return session.get(UsedAssertion, (client.client_id, jti)) is None

    def _use(self, request: TokenRequest, client: Principal) -> bool:
        """Return whether this is the first use of an assertion, which is remembered until it has
        ended. Without a jti, nothing tells a replay from the next request."""
        if "jti" not in request.claims:
            return True
        used = UsedAssertion(
            client_id=client.client_id,
            jti=request.claims["jti"],
            expires_at=int(request.moment("exp")) + CLOCK_SKEW_SECONDS + 1,
        )
        with self._database.write() as session:
            forget_ended(session, UsedAssertion)
            if session.get(UsedAssertion, (used.client_id, used.jti)) is not None:
                return False
            session.add(used)
            return True

    def _note_refusal(self, request: TokenRequest, error: OAuth2Error) -> None:
        """Note a refusal where the client's page tells of it, if the request has proved to be that
        client's; an operator has no page."""
        if not request.is_proven or request.client is None:
            return
        with self._database.write() as session:
            client = clients.find(session, request.client.client_id)
            if client is not None:
                client.last_refusal = LastRefusal(datetime.now(UTC), _rule(error))

    def _audiences(self, request: TokenRequest, client: Principal) -> list[str]:
        """Return for which APIs a token is: by `audience` and `resource` their client-IDs; the
        client's own on ACM/IDM where it names none, the portal's origin for operators."""
        if client.is_operator:
            return [self._settings.origin]
        products, apis = self._settings.products.values(), self._settings.apis.values()
        audience, resource = request.form.get("audience"), request.form.get("resource")
        if audience in map(attrgetter("client_id"), (*products, *apis)):
            return [str(audience)]
        if named := [product.client_id for product in products if resource in product.resources]:
            return named
        if audience is not None or resource is not None:
            what = "neither audience nor resource is of an API here"
            checks.note(request, "unknown audience", what)
        if self._settings.platform == "acmidm":
            return [client.client_id]
        of_products = [product.client_id for product in products if product.scope in request.scopes]
        of_apis = [api.client_id for api in apis if not set(api.scopes).isdisjoint(request.scopes)]
        return list(dict.fromkeys([*of_products, *of_apis]))


def _rule(error: OAuth2Error) -> Any:
    return getattr(error, "rule", error.error)  # Authlib's own error has none
