"""Refusals of the token endpoint (RFC 6749 §5.2): each says exactly what is wrong."""

import re
from typing import Any

from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
)

_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_LONGEST = 400


def _description(sentence: str) -> str:
    # Parts of the sentence come from the request: RFC 6749 §5.2 allows ASCII without quotes and backslashes only.
    return _NOT_ALLOWED.sub("?", sentence)[:_LONGEST]


def invalid_client(sentence: str) -> Any:
    """The client could not be authenticated; 401, as RFC 6749 §5.2 requires where the Authorization header was used."""
    return InvalidClientError(description=_description(sentence), status_code=401)


def invalid_request(sentence: str) -> Any:
    """The request itself is malformed."""
    return InvalidRequestError(description=_description(sentence))


def invalid_scope(sentence: str) -> Any:
    """The request is for more than the client was granted."""
    return InvalidScopeError(description=_description(sentence))
