"""The products' own errors, for whatever is refused below `/api/`: also a token, a path or a media type."""

import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from beheerportaal.problems import Problem
from beheerportaal.products.basis import CONNECTOR, ERRORS, assumed, documented

PREFIX = "/api/"
_INVALID = 422
_PART = re.compile(r"/([^/]*)")


class FieldError(BaseModel):
    """One of several mistakes."""

    code: Annotated[str, documented(ERRORS, "`1100` for a mistake in the document; else the HTTP status")]
    message: Annotated[str, documented(ERRORS, "what is wrong; the sentences are ours")]
    description: Annotated[str, documented(ERRORS, "where, and what is wrong")]
    field: Annotated[str, documented(ERRORS, "the member, such as `SleutelWaardeParen[0].Waarde`, or the query parameter")]


class ProductError(BaseModel):
    """Why a request was refused."""

    code: Annotated[str, documented(ERRORS, "`2001` where the document has mistakes; other codes are not public: the HTTP status")]
    message: Annotated[str, documented(ERRORS, f"`Validatiefouten` where the document has mistakes; else a sentence, for {CONNECTOR}")]
    description: Annotated[str, documented(ERRORS, "one sentence: what is wrong, and what to do")]
    errors: Annotated[list[FieldError], assumed("all mistakes; empty where no member is wrong")]


def response(problem: Problem) -> JSONResponse:
    """A problem as the product's answer."""
    status = problem.status_code
    message, of_field = ("Validatiefouten", "1100") if status == _INVALID else (problem.detail, str(status))
    errors = [
        _field_error(of_field, dotted(error.get("pointer", "")) or error.get("parameter", ""), error["detail"]) for error in problem.errors
    ]
    said = f"The request is refused: {'; '.join(error.description for error in errors)}." if errors else problem.detail
    content = ProductError(
        code="2001" if status == _INVALID else str(status),
        message=message,
        description=said,
        errors=errors,
    )
    return JSONResponse(content.model_dump(), status, dict(problem.headers or {}))


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of an endpoint's errors: those named, and those of every endpoint."""
    every = sorted({401, 403, 404, 422, 503, *statuses})
    return {status: {"model": ProductError, "description": HTTPStatus(status).phrase} for status in every}


def _field_error(code: str, field: str, detail: str) -> FieldError:
    return FieldError(code=code, message=detail, description=f"{field or 'the document'}: {detail}", field=field)


def dotted(pointer: str) -> str:
    """A JSON Pointer as the products write it: `/SleutelWaardeParen/0/Waarde` is `SleutelWaardeParen[0].Waarde`."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in _PART.findall(pointer)]
    return "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts).removeprefix(".")
