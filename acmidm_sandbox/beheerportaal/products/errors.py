"""The products' own form of errors, the ProductError of `errors.yaml`, for whatever is refused
below `/api/`: also a token, a path or a media type."""

import re
from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import JSONResponse

from acmidm_sandbox.beheerportaal.problems import Problem

PREFIX = "/api/"
_OF_THE_DOCUMENT = (413, 422)
_PART = re.compile(r"/([^/]*)")


def response(_: Request, problem: Problem) -> JSONResponse:
    """Return a problem as the product's answer."""
    mistakes = problem.errors or [{"detail": problem.detail.rstrip(".")}]
    errors = [_field_error(mistake) for mistake in mistakes]
    headers = dict(problem.headers or {})
    if problem.status_code in _OF_THE_DOCUMENT:
        listed = "; ".join(error["description"] for error in errors)
        content = {
            "code": "2001",
            "message": "Validatiefouten",
            "description": f"The request is refused: {listed}.",
            "errors": errors,
        }
        return JSONResponse(content, 400, headers)
    content = {
        "code": problem.members.get("code", str(problem.status_code)),
        "message": problem.detail,
        "description": problem.detail,
        "errors": [],
    }
    if problem.status_code == 403:
        content["field"] = errors[0]["field"]
    return JSONResponse(content, problem.status_code, headers)


def _field_error(mistake: Mapping[str, str]) -> dict[str, str]:
    field = dotted(mistake.get("pointer", "")) or mistake.get("parameter", "")
    detail = mistake["detail"]
    description = f"{field or 'the document'}: {detail}"
    return {"code": "1100", "message": detail, "description": description, "field": field}


def dotted(pointer: str) -> str:
    """Return a JSON Pointer as the products write it: `/SleutelWaardeParen/0/Waarde` is
    `SleutelWaardeParen[0].Waarde`."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in _PART.findall(pointer)]
    joined = "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in parts)
    return joined.removeprefix(".")
