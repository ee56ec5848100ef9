"""What may be a key, a secret or a token, so that no message repeats it.

Two measures. Keys and tokens with marks (PEM, JSON Web Key, JSON Web Token) are hidden in whatever is shown. What only looks random is
hidden where an author's text is repeated: a thumbprint, which reports show, looks the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

HIDDEN = "[hidden: it may be a secret]"
"""What stands in a message where a key, a secret or a token was written, into whatever field."""

NOT_SHOWN = "a private key or a token, which is not shown"
"""What stands for one that an authority has: it is compared, and gets into no state and no preview."""

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""The private members of a JSON Web Key: RFC 7518 §6.2.2, §6.3.2 and §6.4."""

_MARKED_SECRET = re.compile(r"-----BEGIN.*|\beyJ[\w-]{8}[\w.=-]*", re.DOTALL)
"""PEM, to its end; and a JSON Web Token, of which ``eyJ`` is ``{"`` in base64url."""
_MEMBER_OF_KEY = re.compile(r'"(?:d|p|q|dp|dq|qi|k)"\s*:')
"""A private member of a JSON Web Key, in a text."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""The client-IDs of the authorities are such ones, and no secret."""
_ESCAPED = re.compile(r"\\(?:[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")
"""A control character, as messages spell it out."""
_LONG_SEGMENT = re.compile(r"[A-Za-z0-9]{12,}")
_LONG_WORD = re.compile(r"\S{16,}")
_WORD = re.compile(r"[^\s\"',;()\[\]{}]{12,}")
_LETTERS_AND_NUMBER = re.compile(r"([A-Za-z]*)[0-9]{0,16}")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_CLASS = re.compile(r"[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+")


def may_be_secret(text: str) -> bool:
    """Return whether a text has a key, a token, or something random in it."""
    return _marked(text) is not None or looks_random(text)


def is_private_key_or_token(text: str) -> bool:
    """Return whether a text has a private key (PEM or JSON Web Key) or a JSON Web Token in it."""
    marked = _marked(text)
    return marked is not None and (not text[marked:].startswith("-----BEGIN") or "PRIVATE KEY" in text)


def without_secrets(sentence: str, public: Collection[str] = ()) -> str:
    """Return a sentence without the words in it that may be a key, a secret or a token.

    ``public`` has words that look like one and are none: thumbprints, as they were computed from public keys.
    """
    return _WORD.sub(lambda word: HIDDEN if word[0] not in public and looks_random(word[0]) else word[0], without_keys_and_tokens(sentence))


def _marked(text: str) -> int | None:
    """Return where a key or token begins that can be told by its marks; None where there is none."""
    if (found := _MARKED_SECRET.search(text)) is not None:
        return found.start()
    if (member := _MEMBER_OF_KEY.search(text)) is not None:
        brace = text.find("{", 0, member.start())
        return brace if brace >= 0 else member.start()
    return None


def without_keys_and_tokens(text: str) -> str:
    """Return a text without the private keys and tokens in it that can be told by their marks."""
    text = _MARKED_SECRET.sub(HIDDEN, text)
    begins = _marked(text)
    return text if begins is None else f"{text[:begins]}{HIDDEN}"


def looks_random(text: str) -> bool:
    """Return whether a text has base64, hexadecimal digits or a password in it, and not names alone.

    Names are words: their letters come in runs of one case, their digits at the end. Chance mixes them.
    """
    text = _UUID.sub("", _ESCAPED.sub("", text))
    return any(not _is_word(segment) for segment in _LONG_SEGMENT.findall(text)) or any(
        len(_CLASS.findall(word)) > 0.55 * len(word) for word in _LONG_WORD.findall(text)
    )


def _is_word(segment: str) -> bool:
    """Return whether letters and digits are words in one, such as ``DosisImport2026``."""
    found = _LETTERS_AND_NUMBER.fullmatch(segment)
    return found is not None and len(found[1]) >= 4 * (len(_HUMP.findall(found[1])) - 1)


def private_members_in(value: Any) -> set[str]:
    """Return the names of private members that an object has anywhere in it."""
    found: set[str] = set()
    left = [value]
    while left:
        part = left.pop()
        if isinstance(part, Mapping):
            found |= PRIVATE_MEMBERS & part.keys()
            left += part.values()
        elif isinstance(part, list | tuple):
            left += part
    return found


def is_private_jwk(value: Mapping[str, Any]) -> bool:
    """Return whether an object is a private JSON Web Key, or the private half of one alone."""
    private = PRIVATE_MEMBERS & value.keys()
    return bool(private) and ("kty" in value or any(isinstance(value[name], str) and looks_random(value[name]) for name in private))


def without_private_keys(value: Any) -> Any:
    """Return a value without the private keys and tokens in it, whose places say what was there."""
    if isinstance(value, Mapping):
        private = PRIVATE_MEMBERS if is_private_jwk(value) else frozenset()
        return {name: NOT_SHOWN if name in private else without_private_keys(part) for name, part in value.items()}
    if isinstance(value, list):
        return [without_private_keys(part) for part in value]
    return NOT_SHOWN if isinstance(value, str) and is_private_key_or_token(value) else value
