"""The authorization server: one grant, three ways to authenticate, and introspection. What a
request must be is in `checks.py`."""

import logging
from dataclasses import dataclass
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
from acmidm_sandbox.beheerportaal.store.tokens import UsedAssertion, remove_expired

_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}
log = logging.getLogger("acmidm_sandbox.beheerportaal.refused")


@dataclass(frozen=True, slots=True)
class PortalAuthorizationServer:
    """The answers of the token endpoint and of introspection; `api/oauth.py` has the routes."""

    tokens: AccessTokens

    def token(self, request: TokenRequest) -> JSONResponse:
        """Return the answer to a token request (RFC 6749 §4.4): a token, or a refusal, which the
        page of the client shows where it is surely that client's."""
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
            "access_token": self.tokens.issue(request, client, self._audiences(request, client)),
            "expires_in": self.tokens.settings.access_token_lifetime_seconds,
        }
        if scope:
            answer["scope"] = scope
        return JSONResponse(answer, headers=_NOT_KEPT)

    def introspection(self, request: TokenRequest) -> JSONResponse:
        """Return the answer to a request for what an access token is worth now (RFC 7662 §2). Any
        client and any operator may ask, of any token."""
        try:
            require(request, checks.SOUND)
            if "token" not in request.form:
                sentence = "token is missing; send the access token that it is about"
                raise InvalidRequestError(sentence)
            self._authenticate(request)
        except OAuth2Error as error:
            return self.refuse(request, error)
        worth = self.tokens.introspection(request.form["token"])
        return JSONResponse(worth, headers={"Cache-Control": "no-store"})

    def refuse(self, request: TokenRequest, error: OAuth2Error) -> JSONResponse:
        """Return the answer to a request that is refused, and log by which rule."""
        client_id = request.client.client_id if request.client else "unknown"
        log.info("client %s, rule %s: refused", client_id, _broken_rule(error))
        status, body, headers = error()
        return JSONResponse(body, status, dict(headers))

    def _authenticate(self, request: TokenRequest) -> Principal:
        """Return the client or operator who sent a request, which must authenticate by one method.

        The order of the checks decides which refusal is sent: first of the request alone, then of
        its key or secret (RFC 7523 §3), then of the assertion's claims. Raises OAuth2Error.
        """
        require(request, checks.ONE_METHOD)
        require(request, checks.BY_METHOD[request.method])
        with self.tokens.database.read() as session:
            request.client = find_principal(session, request.client_id)
        require(request, checks.KNOWN)
        client: Principal = request.client  # type: ignore[assignment] # KNOWN refuses None
        require(request, checks.PROOF[request.method])
        request.is_proven = self._is_fresh(request, client)
        require(request, checks.ENABLED)
        if request.method == ASSERTION:
            require(request, checks.ISSUER)
            require_first(request, checks.AUDIENCE)
            require(request, checks.TIMES_AND_JTI)
            request.is_replay = not self._is_first_use(request, client)
            require(request, checks.ONCE)
        return client

    def _is_fresh(self, request: TokenRequest, client: Principal) -> bool:
        """Return whether a request has an assertion that is new, or a secret. An assertion that was
        used or has expired may be somebody else's: from a log, or a mail to a service desk."""
        if request.method != ASSERTION:
            return True
        exp, jti = request.claims.get("exp"), request.claims.get("jti")
        if not isinstance(exp, int | float) or not isinstance(jti, str) or exp <= request.now:
            return False
        with self.tokens.database.read() as session:
            return session.get(UsedAssertion, (client.client_id, jti)) is None

    def _is_first_use(self, request: TokenRequest, client: Principal) -> bool:
        """Return whether an assertion is used for the first time, and keep its `jti` until it has
        expired. One without a `jti`, which is tolerated on ACM/IDM, counts as new."""
        if "jti" not in request.claims:
            return True
        used = UsedAssertion(
            client_id=client.client_id,
            jti=request.claims["jti"],
            expires_at=int(request.moment("exp")) + CLOCK_SKEW_SECONDS + 1,
        )
        with self.tokens.database.write() as session:
            remove_expired(session, UsedAssertion)
            if session.get(UsedAssertion, (used.client_id, used.jti)) is not None:
                return False
            session.add(used)
            return True

    def _note_refusal(self, request: TokenRequest, error: OAuth2Error) -> None:
        """Keep a refusal for the client's page, if the request is surely that client's."""
        if not request.is_proven or request.client is None:
            return
        with self.tokens.database.write() as session:
            client = clients.find(session, request.client.client_id)
            if client is not None:  # an operator has no page
                client.last_refusal = LastRefusal(datetime.now(UTC), _broken_rule(error))

    def _audiences(self, request: TokenRequest, client: Principal) -> list[str]:
        """Return the `aud` of a token: the client-IDs of the APIs that `audience`, else `resource`
        names. Where these name none: on ACM/IDM the client's own client-ID, on GeoSecure those of
        the APIs of its scopes. An operator's token is for the portal."""
        if client.is_operator:
            return [self.tokens.settings.origin]
        products, apis = self.tokens.settings.products.values(), self.tokens.settings.apis.values()
        audience, resource = request.form.get("audience"), request.form.get("resource")
        if audience in map(attrgetter("client_id"), (*products, *apis)):
            return [str(audience)]
        if named := [product.client_id for product in products if resource in product.resources]:
            return named
        if audience is not None or resource is not None:
            what = "neither audience nor resource is of an API here"
            checks.note(request, "unknown audience", what)
        if self.tokens.settings.platform == "acmidm":
            return [client.client_id]
        of_products = [product.client_id for product in products if product.scope in request.scopes]
        of_apis = [api.client_id for api in apis if not set(api.scopes).isdisjoint(request.scopes)]
        return list(dict.fromkeys([*of_products, *of_apis]))


def _broken_rule(error: OAuth2Error) -> Any:
    """Return the name of a rule in `rules.yaml`; of an error that `checks.py` did not raise, its
    code in RFC 6749 §5.2."""
    return getattr(error, "rule", error.error)
