"""Answers that carry a document."""

from fastapi import Response
from pydantic import BaseModel

from acmidm_sandbox.beheerportaal.conditions import etag


def document(body: BaseModel, version: int, *, location: str | None = None) -> Response:
    """Return a document under its ETag; 201 with a Location where it is new."""
    headers = {"ETag": etag(version)}
    if location is not None:
        headers["Location"] = location
    return Response(
        body.model_dump_json(), 200 if location is None else 201, headers, "application/json"
    )


def page(body: BaseModel) -> Response:
    """Return a page of a list."""
    return Response(body.model_dump_json(), media_type="application/json")
