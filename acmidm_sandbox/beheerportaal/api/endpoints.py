"""What all endpoints share: who may call them (a request is authorised before its body is read,
RFC 6750), how they answer, and what the OpenAPI document says about them."""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Query, Request, Response, Security
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from acmidm_sandbox.beheerportaal.context import Portal
from acmidm_sandbox.beheerportaal.documents import ProblemDocument
from acmidm_sandbox.beheerportaal.http import LimitedRequest, etag, require_json
from acmidm_sandbox.beheerportaal.problems import MEDIA_TYPE, RefusedRequest
from acmidm_sandbox.beheerportaal.settings import MANAGEMENT_READ, MANAGEMENT_WRITE, ProductSettings

LIMIT = Annotated[
    int, Query(ge=1, le=500, description="The largest number of items in the answer.")
]
AFTER = Annotated[
    str | None,
    Query(
        pattern="^[0-9]{1,18}$",
        description="`next` of the page before: the answer goes on after it.",
    ),
]
IF_MATCH = Annotated[
    str | None,
    Header(alias="If-Match", description="The document's ETag, or `*`. Without it: 428."),
]
ACCESS_TOKEN = Security(
    HTTPBearer(auto_error=False, scheme_name="access_token", bearerFormat="opaque")
)
Responses = dict[int | str, dict[str, Any]]


def _problem_responses(*statuses: int) -> Responses:
    """Return what the OpenAPI document says of refusals with these statuses."""
    schema = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
    content = {MEDIA_TYPE: {"schema": schema}}
    responses: Responses = {}
    for status in statuses:
        responses[status] = {"description": HTTPStatus(status).phrase, "content": content}
    return responses


def _header(description: str) -> dict[str, Any]:
    return {"schema": {"type": "string"}, "description": description}


PROBLEMS = _problem_responses(401, 403, 404, 422, 503)
"""The errors of every endpoint that needs an access token."""
CHANGE_PROBLEMS = _problem_responses(400, 409, 412, 413, 415, 428)
"""The further errors of an endpoint that changes something."""
_ETAG = {"ETag": _header("The version of the document (RFC 9110 §8.8.3).")}
READ: Responses = {200: {"headers": _ETAG}}
CREATED: Responses = {
    201: {"headers": {**_ETAG, "Location": _header("Where the new document is.")}}
}


def answer(body: BaseModel, version: int, *, location: str | None = None) -> Response:
    """Return a document with its ETag as an answer: 200, of a new one 201 with its Location."""
    headers = {"ETag": etag(version)}
    if location is not None:
        headers["Location"] = location
    status = 200 if location is None else 201
    return Response(body.model_dump_json(), status, headers, "application/json")


def answer_json(body: BaseModel) -> Response:
    """Return what has no ETag, such as a page of a list, as an answer."""
    return Response(body.model_dump_json(), media_type="application/json")


def extend_openapi(app: FastAPI, schemas_of_products: Iterable[Mapping[str, Any]]) -> None:
    """Add to the OpenAPI document what FastAPI can't know: the problem document, which no endpoint
    returns, and the schemas of the products' documents, by name."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas: dict[str, Any] = document["components"]["schemas"]
            schemas.update(schema.pop("$defs"))
            schemas[ProblemDocument.__name__] = schema
            for product_schemas in schemas_of_products:
                schemas.update(product_schemas)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


class TokenRoute(APIRoute):
    """A route that needs a valid access token; `request.state` then has its `claims`, and of these
    its `client_id` and `scopes`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what FastAPI runs for a request: the token is checked before the endpoint."""
        handle = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            await _authenticate(request)
            self.authorise(request)
            return await handle(LimitedRequest(request))

        return guarded

    def authorise(self, request: Request) -> None:
        """Let in any valid token: the endpoint checks its scope."""


class OperatorRoute(TokenRoute):
    """A route for operators, who have a right to read, a right to change, or both."""

    def authorise(self, request: Request) -> None:
        """Check the right that the method needs, then the media type of a body."""
        scope = MANAGEMENT_READ if request.method == "GET" else MANAGEMENT_WRITE
        require_scope(request, scope)
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
    """Check that the access token has a scope (RFC 6750 §3.1). Raises RefusedRequest: 403."""
    if scope not in request.state.scopes:
        raise RefusedRequest(
            403,
            f"The access token lacks scope {scope}; have it granted to {request.state.client_id},"
            " and request a new token.",
            headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
        )


def require_audience(request: Request, product: ProductSettings) -> None:
    """Check that the access token is for a product's API. Raises RefusedRequest: 401."""
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
    """Return the client-IDs of the APIs that the access token is for (RFC 7519 §4.1.3)."""
    aud = request.state.claims["aud"]
    audiences = [aud] if isinstance(aud, str) else aud
    return frozenset(audiences)


async def _authenticate(request: Request) -> None:
    """Check the access token of a request, and put its claims, client-ID and scopes into
    `request.state`. Raises RefusedRequest: 401, without a token or with one that is not valid; 503
    where another issuer gives no keys."""
    portal: Portal = request.app.state.portal
    source = portal.settings.external_issuer or portal.settings.token_endpoint
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        # RFC 6750 §3.1: no error code for a request without authentication.
        raise RefusedRequest(
            401,
            f"The request carries no access token; get one at {source} and send it as"
            " Authorization: Bearer.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    claims = await portal.access_tokens.validate(token.strip())
    if claims is None:
        raise _invalid_token(
            "The access token has expired, was revoked, or was not issued here; get a new one at"
            f" {source}.",
            "expired, revoked, or not issued here",
        )
    request.state.claims = claims
    request.state.client_id = claims["client_id"]
    request.state.scopes = frozenset(claims["scope"].split())


def _invalid_token(detail: str, reason: str) -> RefusedRequest:
    """Return the 401 of a bad token, with a reason for WWW-Authenticate (RFC 6750 §3)."""
    challenge = f'Bearer error="invalid_token", error_description="{reason}"'
    return RefusedRequest(401, detail, headers={"WWW-Authenticate": challenge})
