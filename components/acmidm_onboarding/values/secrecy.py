"""Keys and tokens, which no message repeats, recognised by their form (PEM, JSON Web Key, JSON Web
Token)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "[hidden: a key or a token]"
"""What stands in a message where a key, a secret or a token was written, into whatever field."""

NOT_SHOWN = "a private key or a token, which is not shown"
"""What replaces a private key or token that an authority has: it is compared, and gets into no
state or preview."""

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""The private members of a JSON Web Key: RFC 7518 §6.2.2, §6.3.2 and §6.4."""

_MARKED_SECRET = re.compile(r"-----BEGIN.*|\beyJ[\w-]{8}[\w.=-]*", re.DOTALL)
"""PEM, to its end; and a JSON Web Token, of which ``eyJ`` is ``{"`` in base64url."""
_SHORTEST_MEMBER = 16
"""Characters that a private member of a key has at least."""
_MEMBER_OF_KEY = re.compile(r'"(?:d|p|q|dp|dq|qi|k)"\s*:')
"""A private member of a JSON Web Key, in a text."""


def is_private_key_or_token(text: str) -> bool:
    """Return whether a text has a private key (PEM or JSON Web Key) or a JSON Web Token in it."""
    begin = _begin_of_secret(text)
    if begin is None:
        return False
    # A certificate or a public key in PEM is no secret.
    return not text[begin:].startswith("-----BEGIN") or "PRIVATE KEY" in text


def _begin_of_secret(text: str) -> int | None:
    """Return where the first recognisable key or token begins; None where there is none."""
    if (secret := _MARKED_SECRET.search(text)) is not None:
        return secret.start()
    if (member := _MEMBER_OF_KEY.search(text)) is not None:
        brace = text.find("{", 0, member.start())
        return brace if brace >= 0 else member.start()
    return None


def without_keys_and_tokens(text: str) -> str:
    """Return a text with ``HIDDEN`` for each private key or token that can be recognised in it."""
    if _begin_of_secret(text) is None:
        return text
    text = _MARKED_SECRET.sub(HIDDEN, text)
    begin = _begin_of_secret(text)  # of a JSON Web Key: where that ends, nobody can tell
    return text if begin is None else f"{text[:begin]}{HIDDEN}"


def private_members_in(value: Any) -> set[str]:
    """Return the names of the private members of keys, anywhere in a value."""
    names: set[str] = set()
    unsearched = [value]
    while unsearched:
        part = unsearched.pop()
        if isinstance(part, Mapping):
            names |= PRIVATE_MEMBERS & part.keys()
            unsearched += part.values()
        elif isinstance(part, list | tuple):
            unsearched += part
    return names


def is_private_jwk(value: Mapping[str, Any]) -> bool:
    """Return whether an object is a private JSON Web Key, or the private half of one alone."""
    private = PRIVATE_MEMBERS & value.keys()
    members = [value[name] for name in private if isinstance(value[name], str)]
    return bool(private) and (
        "kty" in value or any(len(member) >= _SHORTEST_MEMBER for member in members)
    )


def without_private_keys(value: Any) -> Any:
    """Return a value with ``NOT_SHOWN`` for each private key or token in it."""
    if isinstance(value, Mapping):
        private = PRIVATE_MEMBERS if is_private_jwk(value) else frozenset()
        shown = {}
        for name, part in value.items():
            shown[name] = NOT_SHOWN if name in private else without_private_keys(part)
        return shown
    if isinstance(value, list):
        return list(map(without_private_keys, value))
    return NOT_SHOWN if isinstance(value, str) and is_private_key_or_token(value) else value
