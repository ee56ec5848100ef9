"""Refusals of the token endpoint (RFC 6749 §5.2), each with a sentence."""

import re
from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, InvalidScopeError

_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_LONGEST = 400


def fit_for_a_line(sentence: str) -> str:
    """Return a sentence with parts of a request in the characters of RFC 6749 §5.2: ASCII without
    quotes and backslashes."""
    return _NOT_ALLOWED.sub("?", sentence)[:_LONGEST]


def invalid_client(sentence: str) -> Any:
    """Return the error of a client that fails to authenticate: 401, for RFC 6749 §5.2 requires it
    after an Authorization header."""
    return InvalidClientError(description=fit_for_a_line(sentence), status_code=401)


def invalid_request(sentence: str) -> Any:
    """Return the error of a malformed request."""
    return InvalidRequestError(description=fit_for_a_line(sentence))


def invalid_scope(sentence: str) -> Any:
    """Return the error of a request for more than the client was granted."""
    return InvalidScopeError(description=fit_for_a_line(sentence))
