"""Refusals of the token endpoint (RFC 6749 §5.2), each with a sentence."""

import re
from typing import Any

from authlib.oauth2.rfc6749 import (
    InvalidClientError,
    InvalidRequestError,
    InvalidScopeError,
)

_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_LONGEST = 400
# For whoever fails to authenticate, whatever the reason: it would also tell which clients there are, and how they
# authenticate.
UNEXPLAINED = (
    "the client could not be authenticated; check the client_id, the key or secret, the assertion, and the environment"
)


def fit_for_a_line(sentence: str) -> str:
    """A sentence of which parts come from the request: RFC 6749 §5.2 allows ASCII without quotes and backslashes
    only."""
    return _NOT_ALLOWED.sub("?", sentence)[:_LONGEST]


def invalid_client(sentence: str) -> Any:
    """The client could not be authenticated; 401, as RFC 6749 §5.2 requires where the Authorization header was used."""
    return InvalidClientError(description=fit_for_a_line(sentence), status_code=401)


def invalid_request(sentence: str) -> Any:
    """The request itself is malformed."""
    return InvalidRequestError(description=fit_for_a_line(sentence))


def invalid_scope(sentence: str) -> Any:
    """The request is for more than the client was granted."""
    return InvalidScopeError(description=fit_for_a_line(sentence))
