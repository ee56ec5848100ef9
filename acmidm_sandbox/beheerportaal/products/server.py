"""Answers the calls of the products, as their files say."""

import logging
from collections.abc import Awaitable, Callable, Iterator
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from acmidm_sandbox.beheerportaal.api.endpoints import (
    ACCESS_TOKEN,
    TokenRoute,
    require_audience,
    require_scope,
)
from acmidm_sandbox.beheerportaal.context import Portal
from acmidm_sandbox.beheerportaal.http import LimitedRequest, require_json
from acmidm_sandbox.beheerportaal.problems import RefusedRequest, first_of, not_found, refused
from acmidm_sandbox.beheerportaal.products import dosis, notificaties
from acmidm_sandbox.beheerportaal.products.documents import mistakes_in_document
from acmidm_sandbox.beheerportaal.products.product import (
    PREFIX,
    Call,
    Sent,
    ServedProduct,
    dotted,
    not_set,
    texts_at,
)

# Bytes that are read at all, so that of a notification the value that is too long can be named.
LONGEST_CALL = 128 * 1024

log = logging.getLogger(__name__)

_MODULES = {"dosis": dosis, "notificaties": notificaties}


def route_calls(product: ServedProduct) -> APIRouter:
    """Return the routes of a product. The token is looked at before the body is."""
    router = APIRouter(
        prefix=PREFIX.rstrip("/"),
        route_class=TokenRoute,
        dependencies=[ACCESS_TOKEN],
        tags=[product.name],
    )
    for line, call in product.calls.items():
        method, path = line.split()
        kind = JSONResponse if call.returns else Response
        router.add_api_route(
            path,
            _endpoint(product, call),
            methods=[method],
            name=call.does or product.name,
            description=call.about,
            status_code=call.status,
            response_class=kind,
            response_model=None,
            openapi_extra=_description(call),
        )
    return router


def _authorise(request: Request, product: str) -> None:
    """Check that the product is offered here, and that the token is for it.

    Raises:
        RefusedRequest: 404, 401, 403; 415 for XML, which the real platform takes.
    """
    portal: Portal = request.app.state.portal
    settings = portal.settings.products.get(product)
    if settings is None:
        raise not_found(f"product {product} in environment {portal.settings.environment}")
    require_audience(request, settings)
    require_scope(request, settings.scope)
    if request.method == "POST" and "xml" in request.headers.get("content-type", "").lower():
        raise RefusedRequest(
            415,
            "XML is not read here, though the real platform may take it; send the same document"
            " as JSON, with Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )


def _endpoint(product: ServedProduct, call: Call) -> Callable[[Request], Awaitable[Response]]:
    """Return what FastAPI runs for a call: it authorises the request, reads the document or the
    parameters that it sends, and answers by `_carry_out`."""
    operation = getattr(_MODULES[product.name], call.does) if call.does else None

    async def endpoint(request: Request) -> Response:
        _authorise(request, product.name)
        # An empty parameter is none.
        document = {name: value for name, value in request.query_params.items() if value}
        size = 0
        if call.body:
            require_json(request)
            limited = LimitedRequest(request, LONGEST_CALL)
            size = len(await limited.body())
            if not size:
                raise refused([{"pointer": "", "detail": "field required"}])
            document = await limited.json()
        sent = Sent(request.app.state.portal, product, call, request.state.client_id, document)
        return await run_in_threadpool(_carry_out, sent, size, operation)

    return endpoint


def _carry_out(sent: Sent, size: int, operation: Callable[[Sent], Any] | None) -> Response:
    """Carry out a call that is authorised, by the `operation` of its product if it has one, and
    return its answer. Without one, or where that returns None, the product's file has the answer.
    `size` is that of the body, in bytes.

    Raises:
        RefusedRequest: 422, 413, 403; what the operation raises.
    """
    call = sent.call
    schema = sent.product.schemas[call.body] if call.body else call.query
    if wrong := mistakes_in_document(schema, sent.product.schemas, sent.document):
        raise refused(wrong)
    if call.longest_body and size > call.longest_body:
        raise RefusedRequest(413, f"The body is larger than {call.longest_body} bytes; send less.")
    if call.configured is not None and (mistakes := not_set(sent)):
        shown = first_of(mistakes)
        details = "; ".join(mistake["detail"] for mistake in shown)
        raise RefusedRequest(
            403,
            f"{details}; offer the same message again, unchanged, once the Aansluitingenteam has"
            " set it (here the operator does, by the form).",
            errors=shown,
        )
    answer = operation(sent) if operation else None
    _note(sent)
    if not call.returns:
        return Response(status_code=call.status)
    if answer is None:
        answer = {name: text.format_map(sent.document) for name, text in call.answer.items()}
    return JSONResponse(answer, call.status)


def _note(sent: Sent) -> None:
    """Log what is accepted here and may be refused elsewhere: no code list is public as a whole."""
    for pattern, seen in sent.call.noted.items():
        for pointer, text in texts_at(sent.document, pattern):
            if text not in seen:
                log.info(
                    "%s: %s %a was not seen in public: what depends on it was not checked, and %s"
                    " may refuse it",
                    sent.client_id,
                    dotted(pointer),
                    text[:80],
                    sent.product.name,
                )


def _description(call: Call) -> dict[str, Any]:
    """Return what the OpenAPI document says of a call besides its path."""
    error = _json({"$ref": "#/components/schemas/ProductError"})
    described: dict[str, Any] = {"x-basis": call.basis, "x-source": call.source, "responses": {}}
    if call.returns:
        described["responses"][str(call.status)] = _json(call.returns)
    statuses = [400, 401, 403, 404]
    if call.body:
        statuses.append(415)
    for status in (*statuses, 503):
        phrase = HTTPStatus(status).phrase
        described["responses"][str(status)] = {"description": phrase, **error}
    if call.body:
        body = {"$ref": f"#/components/schemas/{call.body}"}
        described["requestBody"] = {**_json(body), "required": True}
    described["parameters"] = list(_parameters(call))
    return described


def _parameters(call: Call) -> Iterator[dict[str, Any]]:
    """Yield what the OpenAPI document says of each parameter of the query."""
    for name, schema in call.query.get("properties", {}).items():
        yield {
            "name": name,
            "in": "query",
            "required": name in call.query["required"] and "x-also-written" not in schema,
            "description": schema["description"],
            "schema": schema,
        }


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}
