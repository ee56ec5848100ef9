"""Serves the calls of the products' APIs, as their files describe them."""

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
from acmidm_sandbox.beheerportaal.problems import (
    RefusedRequest,
    first_mistakes,
    not_found,
    unprocessable,
)
from acmidm_sandbox.beheerportaal.products import dosis, notificaties
from acmidm_sandbox.beheerportaal.products.documents import mistakes_in_document
from acmidm_sandbox.beheerportaal.products.product import (
    PREFIX,
    Call,
    ReceivedCall,
    ServedProduct,
    dotted,
    mistakes_by_configuration,
    texts_at,
)

# Bytes: more than any product takes, so that its answer can name a value that is too long.
LONGEST_CALL = 128 * 1024

log = logging.getLogger(__name__)

_MODULES = {"dosis": dosis, "notificaties": notificaties}


def route_calls(product: ServedProduct) -> APIRouter:
    """Return the routes of a product's calls. The access token is checked before the body."""
    router = APIRouter(
        prefix=PREFIX.rstrip("/"),
        route_class=TokenRoute,
        dependencies=[ACCESS_TOKEN],
        tags=[product.name],
    )
    for method_and_path, call in product.calls.items():
        method, path = method_and_path.split()
        response_class = JSONResponse if call.returns else Response
        router.add_api_route(
            path,
            _endpoint(product, call),
            methods=[method],
            name=call.does or product.name,
            description=call.about,
            status_code=call.status,
            response_class=response_class,
            response_model=None,
            openapi_extra=_description(call),
        )
    return router


def _authorise(request: Request, product: str) -> None:
    """Check that the product is offered here, and that the token is for it. Raises RefusedRequest:
    404, 401 or 403; 415 for XML, which the real platform takes."""
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
    """Return the function that FastAPI runs for a call: it authorises the request, reads its
    document or its parameters, and answers by `_carry_out`."""
    operation = getattr(_MODULES[product.name], call.does) if call.does else None

    async def endpoint(request: Request) -> Response:
        _authorise(request, product.name)
        # The parameters; an empty one counts as absent.
        document = {name: value for name, value in request.query_params.items() if value}
        size = 0
        if call.body:
            require_json(request)
            limited = LimitedRequest(request, LONGEST_CALL)
            size = len(await limited.body())
            if not size:
                raise unprocessable([{"pointer": "", "detail": "field required"}])
            document = await limited.json()
        received = ReceivedCall(
            request.app.state.portal, product, call, request.state.client_id, document
        )
        return await run_in_threadpool(_carry_out, received, size, operation)

    return endpoint


def _carry_out(
    received: ReceivedCall, size: int, operation: Callable[[ReceivedCall], Any] | None
) -> Response:
    """Check a call that is authorised, carry out its `operation`, and return its answer. Without an
    operation, or where that returns None, the product's file has the answer. `size` is that of the
    body, in bytes.

    Raises:
        RefusedRequest: 422 for a document that does not fit its schema, 413, 403 for what is not
            configured for the client; what the operation raises.
    """
    call = received.call
    schema = received.product.schemas[call.body] if call.body else call.query
    if mistakes := mistakes_in_document(schema, received.product.schemas, received.document):
        raise unprocessable(mistakes)
    if call.longest_body and size > call.longest_body:
        raise RefusedRequest(413, f"The body is larger than {call.longest_body} bytes; send less.")
    if call.configured is not None and (not_configured := mistakes_by_configuration(received)):
        errors = first_mistakes(not_configured)
        details = "; ".join(error["detail"] for error in errors)
        raise RefusedRequest(
            403,
            f"{details}; offer the same message again, unchanged, once the Aansluitingenteam has"
            " set it (here the operator does, by the form).",
            errors=errors,
        )
    answer = operation(received) if operation else None
    _log_unknown_texts(received)
    if not call.returns:
        return Response(status_code=call.status)
    if answer is None:
        answer = {name: text.format_map(received.document) for name, text in call.answer.items()}
    return JSONResponse(answer, call.status)


def _log_unknown_texts(received: ReceivedCall) -> None:
    """Log each text that is in none of the public code lists: they are not complete, so that the
    sandbox accepts it, and the real platform may refuse it."""
    for pattern, known_texts in received.call.noted.items():
        for pointer, text in texts_at(received.document, pattern):
            if text not in known_texts:
                log.info(
                    "%s: %s %a was not seen in public: what depends on it was not checked, and %s"
                    " may refuse it",
                    received.client_id,
                    dotted(pointer),
                    text[:80],
                    received.product.name,
                )


def _description(call: Call) -> dict[str, Any]:
    """Return what the OpenAPI document says of a call: source, body, parameters and answers."""
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
