"""The OAuth endpoints: discovery, keys, token."""

from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from beheerportaal.context import CurrentPortal, Portal
from beheerportaal.http.body import LimitedRequest
from beheerportaal.jwk import SIGNING_ALGORITHMS
from beheerportaal.oauth.authorization import AUTH_METHODS, GRANT_TYPE, TokenRequest
from beheerportaal.oauth.errors import invalid_request

router = APIRouter(tags=["oauth"])

_FORM = "application/x-www-form-urlencoded"
_MOST_PARAMETERS = 50
_TOKEN_BODY = {
    "required": True,
    "content": {
        _FORM: {
            "schema": {
                "type": "object",
                "required": ["grant_type"],
                "additionalProperties": {"type": "string"},  # ignored, but not twice (RFC 6749 §3.2)
                "properties": {
                    "grant_type": {"type": "string", "const": GRANT_TYPE},
                    "scope": {"type": "string", "description": "Scopes with spaces between; all that are granted where left out."},
                    "client_assertion_type": {"type": "string"},
                    "client_assertion": {"type": "string", "description": "RFC 7523 §2.2"},
                    "client_id": {"type": "string"},
                    "client_secret": {"type": "string", "writeOnly": True},
                },
            }
        }
    },
}
_ERROR = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
            }
        }
    },
    "description": "RFC 6749 §5.2",
}


@router.get("/op/.well-known/openid-configuration")
@router.get("/op/.well-known/oauth-authorization-server")
@router.get("/.well-known/oauth-authorization-server/op")
async def metadata(portal: CurrentPortal) -> dict[str, Any]:
    """The authorization server's metadata (RFC 8414 §2); the third place is where its §3.1 puts it."""
    issuer = portal.settings.issuer
    return {
        "issuer": issuer,
        "token_endpoint": portal.settings.token_endpoint,
        "jwks_uri": f"{issuer}/v1/keys",
        "scopes_supported": sorted(portal.settings.scopes),
        "response_types_supported": [],
        "grant_types_supported": [GRANT_TYPE],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": SIGNING_ALGORITHMS,
    }


@router.get("/op/v1/keys")
async def keys(portal: CurrentPortal) -> dict[str, Any]:
    """The public keys that verify access tokens (RFC 7517)."""
    return dict(portal.keys.as_dict(private=False))


@router.post("/op/v1/token", response_class=JSONResponse, responses={400: _ERROR, 401: _ERROR}, openapi_extra={"requestBody": _TOKEN_BODY})
async def token(request: Request, portal: CurrentPortal) -> Response:
    """An access token for client credentials (RFC 6749 §4.4)."""
    body = await LimitedRequest(request.scope, request.receive).body()
    return await run_in_threadpool(_token, portal, request, body)


def _token(portal: Portal, request: Request, body: bytes) -> Response:
    server = portal.authorization
    try:
        form = _form(request.headers.get("content-type", ""), body)
    except ValueError as error:
        refusal: Response = server.handle_error_response(None, invalid_request(str(error)))
        return refusal
    answer: Response = server.create_token_response(TokenRequest(portal.settings.token_endpoint, request.headers, form))
    return answer


def _form(content_type: str, body: bytes) -> dict[str, str]:
    """The parameters, each once (RFC 6749 §3.2); raises ValueError with the sentence for the client."""
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise ValueError(f"the body must be {_FORM}")
    try:
        pairs = parse_qsl(body.decode(), max_num_fields=_MOST_PARAMETERS, errors="strict")
    except ValueError as error:
        raise ValueError("the body is no form in UTF-8") from error
    form = dict(pairs)
    if len(form) < len(pairs):
        raise ValueError("a parameter is given twice (RFC 6749 section 3.2)")
    if "grant_type" not in form:
        raise ValueError(f"grant_type is missing; it must be {GRANT_TYPE}")
    return form
