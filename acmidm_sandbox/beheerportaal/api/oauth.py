"""The OAuth endpoints: discovery, keys, token, introspection, and GeoSecure's verification."""

import time
from collections.abc import Callable
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from acmidm_sandbox.beheerportaal.api.endpoints import (
    ACCESS_TOKEN,
    PROBLEMS,
    TokenRoute,
    audiences_of,
)
from acmidm_sandbox.beheerportaal.context import CurrentPortal, Portal
from acmidm_sandbox.beheerportaal.http import LimitedRequest
from acmidm_sandbox.beheerportaal.jwk import SIGNING_ALGORITHMS
from acmidm_sandbox.beheerportaal.oauth.checks import FORM, GRANT_TYPE
from acmidm_sandbox.beheerportaal.oauth.request import AUTH_METHODS, TokenRequest

router = APIRouter(tags=["oauth"])
geosecure = APIRouter(route_class=TokenRoute, dependencies=[ACCESS_TOKEN], tags=["oauth"])

_CLIENT_AUTHENTICATION = {
    "client_assertion_type": {"type": "string"},
    "client_assertion": {"type": "string", "description": "RFC 7523 §2.2"},
    "client_id": {"type": "string"},
    "client_secret": {"type": "string", "writeOnly": True},
}


def _form_body(required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """Return what the OpenAPI document says of a form with these parameters, one of them required,
    by which a client authenticates too."""
    schema = {
        "type": "object",
        "required": [required],
        "additionalProperties": {"type": "string"},  # ignored, but not twice (RFC 6749 §3.2)
        "properties": {**properties, **_CLIENT_AUTHENTICATION},
    }
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


_TOKEN_BODY = _form_body(
    "grant_type",
    grant_type={"type": "string", "const": GRANT_TYPE},
    scope={
        "type": "string",
        "description": (
            "Scopes with spaces between; the default ones are always issued; all where there is"
            " neither."
        ),
    },
    audience={"type": "string", "description": "The client-ID of the API that the token is for."},
    resource={"type": "string", "description": "The same, by a URL of that API."},
)
_INTROSPECTION_BODY = _form_body(
    "token", token={"type": "string"}, token_type_hint={"type": "string"}
)
_ERROR = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {
                    "error": {"type": "string"},
                    "error_description": {"type": "string"},
                },
            }
        }
    },
    "description": "RFC 6749 §5.2",
}
_REFUSALS: dict[int | str, dict[str, Any]] = dict.fromkeys((400, 401, 503), _ERROR)
TOKEN: dict[str, Any] = {
    "response_class": JSONResponse,
    "responses": _REFUSALS,
    "openapi_extra": _TOKEN_BODY,
    "tags": ["oauth"],
}


class Introspection(BaseModel):
    """RFC 7662 §2.2; all other members are those of an active token."""

    model_config = ConfigDict(extra="allow")

    active: bool


@router.get("/op/.well-known/openid-configuration")
@router.get("/op/.well-known/oauth-authorization-server")
@router.get("/.well-known/oauth-authorization-server/op")
async def metadata(portal: CurrentPortal) -> dict[str, Any]:
    """The authorization server's metadata (RFC 8414 §2); the third place is where its §3.1 puts
    it.

    What OpenID Connect Discovery 1.0 §3 requires is there too: some libraries, as Spring's, read it
    by that. No ID token is ever issued.
    """
    issuer = portal.settings.issuer
    return {
        "issuer": issuer,
        "token_endpoint": portal.settings.token_endpoint,
        "introspection_endpoint": f"{issuer}/v1/introspect",
        "jwks_uri": f"{issuer}/v1/keys",
        "scopes_supported": sorted(portal.settings.scopes),
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "grant_types_supported": [GRANT_TYPE],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": SIGNING_ALGORITHMS,
        "introspection_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "introspection_endpoint_auth_signing_alg_values_supported": SIGNING_ALGORITHMS,
    }


@router.get("/op/v1/keys")
async def keys(portal: CurrentPortal) -> dict[str, Any]:
    """The public key that verifies the signed copies of access tokens (RFC 7517)."""
    return {"keys": [portal.key.as_dict(private=False)]}


async def token(request: Request, portal: CurrentPortal) -> Response:
    """Return an access token for client credentials (RFC 6749 §4.4), wherever the platform has this
    endpoint."""
    return await _answer(request, portal, portal.authorization.token)


# The second path is the one that lblod/mbp-sso-service asks at.
@router.post("/op/v1/token/introspect", include_in_schema=False)
@router.post(
    "/op/v1/introspect",
    response_model=Introspection,
    responses=_REFUSALS,
    openapi_extra=_INTROSPECTION_BODY,
)
async def introspect(request: Request, portal: CurrentPortal) -> Response:
    """What an access token is worth now (RFC 7662), for whoever authenticates."""
    return await _answer(request, portal, portal.authorization.introspection)


class Verification(BaseModel):
    """What GeoSecure says of a token, its numbers as texts."""

    audience: str
    scope: str
    expires_in: str


@geosecure.get("/authorization/ws/oauth/v2/authorization/verify", responses=PROBLEMS)
async def verify(request: Request) -> Verification:
    """What the access token in the header is worth now; several audiences have spaces between."""
    claims = request.state.claims
    audience = " ".join(sorted(audiences_of(request)))
    return Verification(
        audience=audience,
        scope=claims["scope"],
        expires_in=str(max(0, claims["exp"] - int(time.time()))),
    )


async def _answer(
    request: Request, portal: Portal, answer: Callable[[TokenRequest], Response]
) -> Response:
    """Read the body, and answer in a thread; every refusal is in the form of RFC 6749 §5.2."""
    body = await LimitedRequest(request).body()
    sent = TokenRequest(portal.settings, request.headers, request.query_params.keys(), body)
    return await to_thread.run_sync(answer, sent)
