"""What is kept of a token request that was refused: enough to explain it, and nothing secret."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Error
from joserfc.util import urlsafe_b64decode
from pydantic_core import from_json

from acmidm_sandbox.beheerportaal.documents import Refusal
from acmidm_sandbox.beheerportaal.limits import LONGEST_OF_REFUSAL, LONGEST_TEXT

_HEADER = ("alg", "kid", "typ")
_CLAIMS = ("iss", "sub", "aud", "iat", "exp", "nbf", "jti")
_FIELDS = (
    "grant_type",
    "client_assertion_type",
    "client_id",
    "scope",
    "scope[]",
    "audience",
    "resource",
)
_SECRET = "client_secret"
_MOST_ITEMS = 5
_LARGEST = 10**15
_NOT_KEPT = "…"
_MARKED_SECRET = re.compile(r"-----BEGIN.*|\beyJ[\w-]*\.[\w.-]*", re.DOTALL | re.ASCII)
"""PEM, to its end; and a JSON Web Token, such as an assertion in the wrong field: it was refused
unused, and still works."""


def refusal_of(
    pairs: Iterable[tuple[str, str]], authenticated_as: str | None, error: OAuth2Error
) -> Refusal:
    """Return what is kept of a request with these parameters; `authenticated_as` is the client-ID
    of Basic."""
    fields: dict[str, list[str]] = {}
    assertion = ""
    for name, value in pairs:
        if name in _FIELDS:
            fields.setdefault(name, []).append(_without_secrets(value))
        elif name == _SECRET:
            fields.setdefault(name, []).append(_NOT_KEPT)
        elif name == "client_assertion":
            assertion = value
    header, claims = (objects_in(assertion) or ({}, {}))[:2]
    named = [claims.get("sub"), authenticated_as, *fields.get("client_id", ()), claims.get("iss")]
    return Refusal(
        at=datetime.now(UTC).isoformat(),
        client_id=next(
            (
                _without_secrets(name)[:LONGEST_TEXT]
                for name in named
                if isinstance(name, str) and name
            ),
            "",
        ),
        proven=getattr(error, "proven", False),
        rule=getattr(error, "rule", error.error),
        said=_without_secrets(error.description),
        header={name: _kept(header[name]) for name in _HEADER if name in header},
        claims={name: _kept(claims[name]) for name in _CLAIMS if name in claims},
        fields={name: values[:_MOST_ITEMS] for name, values in fields.items()},
    )


def objects_in(assertion: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Return header and claims of a JWT that nobody has verified yet; None where it is none."""
    try:
        header, claims = (
            from_json(urlsafe_b64decode(part.encode())) for part in assertion.split(".")[:-1]
        )
    except ValueError:
        return None
    return (header, claims) if isinstance(header, dict) and isinstance(claims, dict) else None


def _kept(value: object) -> Any:
    if isinstance(value, str):
        return _without_secrets(value)
    if isinstance(value, list):
        return [_kept(item) if isinstance(item, str) else _NOT_KEPT for item in value[:_MOST_ITEMS]]
    is_small = value is None or (isinstance(value, int | float) and abs(value) < _LARGEST)
    return value if is_small else _NOT_KEPT


def _without_secrets(text: str) -> str:
    """Return the first part of a text of others, without the keys and tokens that can be recognised
    in it."""
    return _MARKED_SECRET.sub(_NOT_KEPT, text[:LONGEST_OF_REFUSAL])
