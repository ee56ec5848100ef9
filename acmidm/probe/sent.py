"""An assertion, or the body of a token request, that somebody's code made: it is read, never sent,
and never shown."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from acmidm_onboarding.values.problems import Failure

_LONGEST = 64 * 1024
_MOST_FIELDS = 50
_GIVE = "give a JWT, or the form-encoded body of a token request that has one as client_assertion"


@dataclass(frozen=True)
class SentRequest:
    """A token request by its parts: header and claims of its assertion ``jwt``, and the ``fields``
    of its body, each with all of its values; None where somebody gave the assertion alone."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    jwt: str = field(repr=False)
    fields: Mapping[str, Sequence[str]] | None = field(default=None, repr=False)

    def first(self, name: str) -> str | None:
        """Return the first value of a field of the request."""
        return next(iter((self.fields or {}).get(name, ())), None)

    @property
    def client_id(self) -> object:
        """The client-ID of the assertion, of whatever type somebody gave it."""
        return self.claims.get("sub", self.claims.get("iss"))


def parse_request(text: str) -> SentRequest:
    """Return the parts of an assertion, or of the form-encoded body of a token request.

    Raises:
        Failure: where the text is neither; the sentence repeats nothing of it.
    """
    text = text.strip().replace("\r", "").replace("\n", "")  # as a mail folds it
    if len(text) > _LONGEST:
        raise Failure(f"this is larger than {_LONGEST} characters, and no token request; {_GIVE}")
    if "=" not in text:
        return SentRequest(*_header_and_claims(text), text)
    fields: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise Failure(f"this is no form-encoded body; {_GIVE}") from None
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    jwt = next(iter(fields.get("client_assertion", ())), None)
    if not jwt:
        if "client_secret" in fields:
            raise Failure(
                "the request has a client secret and no assertion, of which nothing can be checked;"
                " it has been shown here: renew it"
            )
        raise Failure(f"the request has no client_assertion; {_GIVE}")
    return SentRequest(*_header_and_claims(jwt), jwt, fields)


def _json_in(part: str) -> Any:
    """Return the JSON in a part of a JWT, which is in base64url without padding (RFC 7515 §2)."""
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _header_and_claims(jwt: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the claims of a JWT, whose signature is not verified. Raises
    Failure."""
    parts = jwt.split(".")
    try:
        if len(parts) != len(("header", "claims", "signature")):
            raise ValueError("not three parts")
        header, claims = map(_json_in, parts[:2])
    except (ValueError, binascii.Error, RecursionError):
        raise Failure(
            "the assertion is no JWT (RFC 7519), which has three parts in base64url with dots"
            f" between; {_GIVE}"
        ) from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Failure(
            f"the assertion is no JWT (RFC 7519): its header and claims are no objects; {_GIVE}"
        )
    return header, claims
