"""Answers that carry a document."""

import json

from fastapi import Response
from pydantic import BaseModel

from beheerportaal.conditions import etag
from beheerportaal.plain import plain


def document(body: BaseModel, version: int, *, location: str | None = None) -> Response:
    """A document under its ETag; 201 with a Location where it is new."""
    headers = {"ETag": etag(version)}
    if location is not None:
        headers["Location"] = location
    return Response(_json(body), 200 if location is None else 201, headers, "application/json")


def page(body: BaseModel) -> Response:
    """A page of a list."""
    return Response(_json(body), media_type="application/json")


def gone() -> Response:
    """The answer to a removal."""
    return Response(status_code=204)


def _json(body: BaseModel) -> bytes:
    return json.dumps(plain(body), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
