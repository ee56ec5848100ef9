"""Who may do what: each request is authorised before its body is looked at (RFC 6750)."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from acmidm_sandbox.beheerportaal.api.describe import ACCESS_TOKEN, PROBLEMS
from acmidm_sandbox.beheerportaal.context import Portal
from acmidm_sandbox.beheerportaal.http import LimitedRequest, require_json
from acmidm_sandbox.beheerportaal.problems import Problem
from acmidm_sandbox.beheerportaal.settings import MANAGEMENT_READ, MANAGEMENT_WRITE, ProductSettings


class TokenRoute(APIRoute):
    """A route that needs a valid access token; `request.state` then has its `claims`, and of these
    its `client_id` and `scopes`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI: wraps what it would do."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            await run_in_threadpool(_authenticate, request)
            self.authorise(request)
            return await handle(LimitedRequest(request))

        return guarded

    def authorise(self, request: Request) -> None:
        """Any valid token will do here; the endpoint decides on the scope."""


class OperatorRoute(TokenRoute):
    """A route for operators only: reading and changing are separate rights."""

    def authorise(self, request: Request) -> None:
        """Check the right that the method needs, then the type of a body."""
        require_scope(request, MANAGEMENT_READ if request.method == "GET" else MANAGEMENT_WRITE)
        if request.method in ("POST", "PUT"):
            require_json(request)


def router_for_operators(prefix: str, tag: str) -> APIRouter:
    """Return a router whose routes are for operators only, and say so in the OpenAPI document."""
    return APIRouter(
        prefix=prefix,
        route_class=OperatorRoute,
        dependencies=[ACCESS_TOKEN],
        responses=PROBLEMS,
        tags=[tag],
    )


def require_scope(request: Request, scope: str) -> None:
    """Check the access token's scope.

    Raises:
        Problem: 403 that names the scope (RFC 6750 §3.1).
    """
    if scope not in request.state.scopes:
        raise Problem(
            403,
            f"The access token lacks scope {scope}; have it granted to {request.state.client_id},"
            " and request a new token.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )


def require_audience(request: Request, product: ProductSettings) -> None:
    """Check that the access token is for the product's API.

    Raises:
        Problem: 401 that says what to request (RFC 6750 §3.1).
    """
    settings = request.app.state.portal.settings
    audiences = audiences_of(request)
    # Another issuer's tokens are for the portal as a whole.
    if settings.external_issuer is not None or product.client_id in audiences:
        return
    raise _invalid_token(
        f"The access token is for {', '.join(sorted(audiences)) or 'no API'}, and not for this one;"
        f" add audience={product.client_id} to the token request.",
        "the token is for another audience",
    )


def audiences_of(request: Request) -> frozenset[str]:
    """For whom the access token is (RFC 7519 §4.1.3)."""
    aud = request.state.claims["aud"]
    return frozenset([aud] if isinstance(aud, str) else aud)


def _authenticate(request: Request) -> None:
    portal: Portal = request.app.state.portal
    source = portal.settings.token_source
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        # RFC 6750 §3.1: no error code for a request without authentication.
        raise Problem(
            401,
            f"The request carries no access token; get one at {source} and send it as"
            " Authorization: Bearer.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    claims = portal.access_tokens.claims(token.strip())
    if claims is None:
        raise _invalid_token(
            "The access token has expired, was revoked, or was not issued here; get a new one at"
            f" {source}.",
            "expired, revoked, or not issued here",
        )
    request.state.claims = claims
    request.state.client_id = claims["client_id"]
    request.state.scopes = frozenset(claims["scope"].split())


def _invalid_token(detail: str, reason: str) -> Problem:
    challenge = f'Bearer error="invalid_token", error_description="{reason}"'
    return Problem(401, detail, headers={"WWW-Authenticate": challenge})
