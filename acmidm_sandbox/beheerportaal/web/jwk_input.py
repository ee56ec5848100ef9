"""Reads what somebody uploads as a key: one JSON Web Key, a set of them, or a public key in PEM."""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from joserfc.errors import JoseError
from pydantic_core import from_json

from acmidm_sandbox.beheerportaal.jwk import (
    find_key_mistakes,
    is_in_time,
    jwk_of_pem,
    private_members,
    registered_members,
    thumbprint,
)
from acmidm_sandbox.beheerportaal.limits import LONGEST_UPLOAD, MOST_KEYS

_PUBLIC_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----")


class RefusedKeys(ValueError):
    """Why keys can't be added: pairs of a code, which names a text `jwk.<code>`, and what fills in
    its blanks, never a value of a key."""


def read_keys(text: str, present: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the keys in a text, for a client that has the `present` ones. Raises RefusedKeys."""
    value = _read(text.strip())
    if members := {pointer.rpartition("/")[2] for pointer in private_members(value)}:
        raise _refusal("private", members=", ".join(sorted(members)))
    keys = value.get("keys") if isinstance(value, dict) and "keys" in value else [value]
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        raise _refusal("no_key_object")
    if len(present) + len(keys) > MOST_KEYS:
        raise _refusal("too_many", limit=MOST_KEYS)
    # With those that are present, which have no mistake: for a kid that is used twice.
    mistakes = find_key_mistakes([*present, *keys])
    if refusals := [(mistake.code, mistake.values) for mistake in mistakes]:
        raise RefusedKeys(*refusals)
    if not all(is_in_time(key, time.time()) for key in keys):
        raise _refusal("not_now")
    thumbprints = list(map(thumbprint, (*present, *keys)))
    if len(set(thumbprints)) < len(thumbprints):
        raise _refusal("same_key")
    return list(map(registered_members, keys))


def _read(text: str) -> Any:
    """Return a text as a JSON value, or the JWK of a public key in PEM. Raises RefusedKeys."""
    if not text:
        raise _refusal("empty")
    if len(text) > LONGEST_UPLOAD:
        raise _refusal("too_long", limit=LONGEST_UPLOAD // 1024)
    if "PRIVATE KEY" in text:
        raise _refusal("private_pem")
    try:
        if _PUBLIC_PEM.fullmatch(text):  # and no other text behind the key, which would be lost
            return jwk_of_pem(text)
        return from_json(text, allow_inf_nan=False)
    except (ValueError, JoseError, UnsupportedAlgorithm):
        code = "pem" if text.startswith("-----BEGIN") else "not_json"
        raise _refusal(code) from None


def _refusal(code: str, **values: str | int) -> RefusedKeys:
    return RefusedKeys((code, values))
