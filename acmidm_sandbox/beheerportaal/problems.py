"""Errors as `application/problem+json` (RFC 9457), each with one sentence for the person who reads
it."""

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


# How a problem becomes an answer.
Form = Callable[[Request, RefusedRequest], Response]


def not_found(what: str) -> RefusedRequest:
    """Return the 404 of a client, a document or a product that isn't there."""
    return RefusedRequest(404, f"There is no {what}; check the identifier.")


def first_of(mistakes: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return the first mistakes, and how many more there are: an answer is not much larger than
    what it refuses."""
    first = list(mistakes[:MOST_MISTAKES])
    number = len(mistakes) - MOST_MISTAKES
    if number > 0:
        first.append({"pointer": "", "detail": f"there are {number:,} more mistakes"})
    return first


def refused(errors: Sequence[Mapping[str, str]]) -> RefusedRequest:
    """Return the 422 of a document with mistakes: `detail` sums them up."""
    errors = first_of(errors)
    summary = "; ".join(map(_described, errors))
    return RefusedRequest(422, f"The request is refused: {summary}.", errors=errors)


def _described(error: Mapping[str, str]) -> str:
    place = error.get("pointer") or error.get("parameter") or "the document"
    return f"{place}: {error['detail']}"


def pointer(path: Sequence[str | int]) -> str:
    """Return a JSON Pointer (RFC 6901 §3)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def response(problem: RefusedRequest) -> JSONResponse:
    """Return a problem as an answer."""
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


def _of_validation(error: RequestValidationError) -> RefusedRequest:
    """Return a 422. The value that was sent is never repeated: it may be a secret."""
    errors = []
    for details in error.errors():
        where, *path = details["loc"]
        message = details["msg"].removeprefix("Value error, ")
        message = message[:1].lower() + message[1:]
        location = {"pointer": pointer(path)} if where == "body" else {"parameter": str(path[0])}
        errors.append({**location, "detail": message})
    return refused(errors)


def _of_http(request: Request, error: HTTPException) -> RefusedRequest:
    """Give the framework's own refusals (no route, wrong method, unreadable body) a sentence that
    helps."""
    path = request.scope["path"]  # not of the URL, which is made of the Host header too
    sentences = {
        404: f"There is nothing at {path}; /openapi.json lists what there is.",
        405: f"{request.method} is not offered at {path}; the header Allow says what is.",
        400: "The body can't be read as JSON; correct it.",
    }
    detail = sentences.get(error.status_code, error.detail)
    return RefusedRequest(error.status_code, detail, headers=error.headers)


def install(app: FastAPI, forms: Mapping[str, Form]) -> None:
    """Make every error of the application a problem document, or what `forms` has for the beginning
    of the path."""

    def answer(request: Request, error: Exception) -> Response:
        problem = _problem(request, error)
        for beginning, form in forms.items():
            if request.scope["path"].startswith(beginning):
                return form(request, problem)
        return response(problem)

    for kind in (HTTPException, RequestValidationError, OperationalError, Exception):
        app.add_exception_handler(kind, answer)


def _problem(request: Request, error: Exception) -> RefusedRequest:
    """Return the problem document of an error; a 500 for one that nobody expected."""
    match error:
        case RefusedRequest():
            return error
        case HTTPException():
            return _of_http(request, error)
        case RequestValidationError():
            return _of_validation(error)
        case OperationalError():
            log.error("the database refused: %s", error.orig)
            detail = "The database can't do it now; nothing was changed, try again."
            return RefusedRequest(503, detail, headers={"Retry-After": "1"})
    return RefusedRequest(500, "The portal failed; its log says more.")
