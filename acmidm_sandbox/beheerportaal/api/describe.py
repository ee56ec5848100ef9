"""What all endpoints share: answers that carry a document, and what the OpenAPI document says about
them."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query, Response, Security
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from acmidm_sandbox.beheerportaal.documents import ProblemDocument
from acmidm_sandbox.beheerportaal.http import etag
from acmidm_sandbox.beheerportaal.problems import MEDIA_TYPE

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


def _problems(*statuses: int) -> Responses:
    schema = {"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


def _header(description: str) -> dict[str, Any]:
    return {"schema": {"type": "string"}, "description": description}


PROBLEMS = _problems(401, 403, 404, 422, 503)
"""The errors of every endpoint that needs an access token."""
CHANGE_PROBLEMS = _problems(400, 409, 412, 413, 415, 428)
"""Those of one that changes something, besides."""
_ETAG = {"ETag": _header("The version of the document (RFC 9110 §8.8.3).")}
READ: Responses = {200: {"headers": _ETAG}}
CREATED: Responses = {
    201: {"headers": {**_ETAG, "Location": _header("Where the new document is.")}}
}


def answer(body: BaseModel, version: int, *, location: str | None = None) -> Response:
    """Return a document under its ETag; 201 with a Location where it is new."""
    headers = {"ETag": etag(version)}
    if location is not None:
        headers["Location"] = location
    status = 200 if location is None else 201
    return Response(body.model_dump_json(), status, headers, "application/json")


def answer_page(body: BaseModel) -> Response:
    """Return a page of a list."""
    return Response(body.model_dump_json(), media_type="application/json")


def install(app: FastAPI, more: Sequence[Mapping[str, Any]]) -> None:
    """Add what FastAPI can't know: the problem document, which no endpoint returns by itself, and
    the schemas of the products' documents, by name."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas: dict[str, Any] = document["components"]["schemas"]
            schemas.update(schema.pop("$defs"))
            schemas[ProblemDocument.__name__] = schema
            for of_product in more:
                schemas.update(of_product)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
