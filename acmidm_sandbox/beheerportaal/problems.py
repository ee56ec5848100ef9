"""Errors as `application/problem+json` (RFC 9457), each with one sentence for the reader."""

import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from acmidm_sandbox.beheerportaal.limits import MOST_MISTAKES

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class RefusedRequest(HTTPException):
    """A request that is refused.

    `detail` is one sentence that says what is wrong and what to do; `errors` name the place of each
    mistake as `pointer` (into the body) or `parameter`; `members` are extension members (RFC 9457
    §3.2).
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.errors = errors
        self.members = members or {}


ErrorAnswer = Callable[[Request, RefusedRequest], Response]
"""Makes the answer to a request from its refusal."""


def not_found(what: str) -> RefusedRequest:
    """Return the 404 of a client, a document or a product that isn't there."""
    return RefusedRequest(404, f"There is no {what}; check the identifier.")


def first_mistakes(mistakes: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return at most `MOST_MISTAKES`, and behind them one that says how many there are besides: no
    answer is much larger than what it refuses."""
    first = list(mistakes[:MOST_MISTAKES])
    further = len(mistakes) - MOST_MISTAKES
    if further > 0:
        first.append({"pointer": "", "detail": f"there are {further:,} more mistakes"})
    return first


def unprocessable(errors: Sequence[Mapping[str, str]]) -> RefusedRequest:
    """Return the 422 (Unprocessable Content) of a request with mistakes, which `detail` names."""
    errors = first_mistakes(errors)
    summary = "; ".join(map(_described, errors))
    return RefusedRequest(422, f"The request is refused: {summary}.", errors=errors)


def _described(error: Mapping[str, str]) -> str:
    place = error.get("pointer") or error.get("parameter") or "the document"
    return f"{place}: {error['detail']}"


def pointer(path: Sequence[str | int]) -> str:
    """Return the JSON Pointer (RFC 6901 §3) of a path: `/keys/0/kid` of ["keys", 0, "kid"]."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def response(problem: RefusedRequest) -> JSONResponse:
    """Return a refusal as an answer in `application/problem+json`."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status_code).phrase,
        "status": problem.status_code,
        "detail": problem.detail,
        **problem.members,
    }
    if problem.errors:
        content["errors"] = problem.errors
    return JSONResponse(content, problem.status_code, dict(problem.headers or {}), MEDIA_TYPE)


def _refusal_by_pydantic(error: RequestValidationError) -> RefusedRequest:
    """Return the 422 of a body or a parameter that FastAPI could not read into its model. The
    values that were sent are not in it: they may be secrets."""
    errors = []
    for details in error.errors():
        where, *path = details["loc"]
        message = details["msg"].removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        location = {"pointer": pointer(path)} if where == "body" else {"parameter": str(path[0])}
        errors.append({**location, "detail": message})
    return unprocessable(errors)


def _refusal_by_framework(request: Request, error: HTTPException) -> RefusedRequest:
    """Return FastAPI's refusal (no route, wrong method, no JSON) with a sentence that helps."""
    path = request.scope["path"]  # `request.url` would depend on the Host header
    sentences = {
        404: f"There is nothing at {path}; /openapi.json lists what there is.",
        405: f"{request.method} is not offered at {path}; the header Allow says what is.",
        400: "The body can't be read as JSON; correct it.",
    }
    detail = sentences.get(error.status_code, error.detail)
    return RefusedRequest(error.status_code, detail, headers=error.headers)


def install(app: FastAPI, answers_by_prefix: Mapping[str, ErrorAnswer]) -> None:
    """Have the application answer every error: below a prefix of the path as `answers_by_prefix`
    says, elsewhere with a problem document."""

    def answer(request: Request, error: Exception) -> Response:
        refusal = _refusal(request, error)
        for prefix, error_answer in answers_by_prefix.items():
            if request.scope["path"].startswith(prefix):
                return error_answer(request, refusal)
        return response(refusal)

    for kind in (HTTPException, RequestValidationError, OperationalError, Exception):
        app.add_exception_handler(kind, answer)


def _refusal(request: Request, error: Exception) -> RefusedRequest:
    """Return an error of whatever kind as a refusal: 500 where nobody expected it."""
    match error:
        case RefusedRequest():
            return error
        case HTTPException():
            return _refusal_by_framework(request, error)
        case RequestValidationError():
            return _refusal_by_pydantic(error)
        case OperationalError():
            log.error("the database refused: %s", error.orig)
            detail = "The database can't do it now; nothing was changed, try again."
            return RefusedRequest(503, detail, headers={"Retry-After": "1"})
    return RefusedRequest(500, "The portal failed; its log says more.")
