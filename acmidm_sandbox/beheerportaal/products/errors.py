"""The products' own errors, for whatever is refused below `/api/`: also a token, a path or a media
type."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel

from acmidm_sandbox.beheerportaal.problems import Problem
from acmidm_sandbox.beheerportaal.products.basis import CONNECTOR, ERRORS, REFUSALS, documented

PREFIX = "/api/"
_OF_THE_DOCUMENT = (413, 422)
_PART = re.compile(r"/([^/]*)")


class FieldError(BaseModel):
    """One of several mistakes."""

    code: Annotated[
        str,
        documented(
            ERRORS, "`1100`, also for other mistakes than a length, whose codes are not public"
        ),
    ]
    message: Annotated[str, documented(ERRORS, "what is wrong; the sentences are ours")]
    description: Annotated[str, documented(ERRORS, "where, and what is wrong")]
    field: Annotated[
        str,
        documented(
            ERRORS, "the member, such as `SleutelWaardeParen[0].Waarde`, or the query parameter"
        ),
    ]


class ProductError(BaseModel):
    """Why a request was refused."""

    code: Annotated[
        str,
        documented(
            REFUSALS,
            "`2001`: members have mistakes; `1071`: the `Id` exists; else, not public: the status",
        ),
    ]
    message: Annotated[
        str,
        documented(
            ERRORS,
            f"`Validatiefouten` where the document has mistakes; else a sentence, for {CONNECTOR}",
        ),
    ]
    description: Annotated[str, documented(ERRORS, "one sentence: what is wrong, and what to do")]
    errors: Annotated[
        list[FieldError],
        documented(
            REFUSALS, f"with `2001` all mistakes; else empty, and not absent, for {CONNECTOR}"
        ),
    ]
    field: Annotated[
        str | None,
        documented(REFUSALS, "with 403 alone: the first member that is not set, empty for none"),
    ] = None


def response(problem: Problem) -> JSONResponse:
    """Return a problem as the product's answer."""
    is_of_document = problem.status_code in _OF_THE_DOCUMENT
    status = 400 if is_of_document else problem.status_code
    errors = [
        _field_error(error) for error in problem.errors or [{"detail": problem.detail.rstrip(".")}]
    ]
    content = ProductError(
        code="2001" if is_of_document else problem.members.get("code", str(status)),
        message="Validatiefouten" if is_of_document else problem.detail,
        description=(
            f"The request is refused: {'; '.join(error.description for error in errors)}."
            if is_of_document
            else problem.detail
        ),
        errors=errors if is_of_document else [],
        field=errors[0].field if status == 403 else None,
    )
    return JSONResponse(content.model_dump(exclude_none=True), status, dict(problem.headers or {}))


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of an endpoint's errors: those named, and those of
    every endpoint."""
    every = sorted({400, 401, 403, 404, 503, *statuses})
    return {
        status: {"model": ProductError, "description": HTTPStatus(status).phrase}
        for status in every
    }


def _field_error(mistake: Mapping[str, str]) -> FieldError:
    field, detail = (
        dotted(mistake.get("pointer", "")) or mistake.get("parameter", ""),
        mistake["detail"],
    )
    return FieldError(
        code="1100", message=detail, description=f"{field or 'the document'}: {detail}", field=field
    )


def dotted(pointer: str) -> str:
    """Return a JSON Pointer as the products write it: `/SleutelWaardeParen/0/Waarde` is
    `SleutelWaardeParen[0].Waarde`."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in _PART.findall(pointer)]
    return "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts).removeprefix(
        "."
    )
