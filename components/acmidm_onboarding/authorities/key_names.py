"""A JWK Set as the map that resources have of it, without losing a key on the way.

What stands in for a key or a member that cannot be shown is data in a state, and so the same in
each language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from acmidm_onboarding.values.harmless import harmless
from acmidm_onboarding.values.metadata import Jwks
from acmidm_onboarding.values.secrecy import private_members_in

_MOST_KEYS = 100
_LONGEST_KID = 255
_LONGEST_VALUE = 8_192
_MOST_VALUES = 20
_TEXTS = frozenset(
    {"kty", "use", "alg", "kid", "x5u", "x5t", "x5t#S256", "crv", "x", "y", "n", "e"}
)
_LISTS = frozenset({"key_ops", "x5c"})
_MOMENTS = frozenset({"exp", "nbf", "iat"})
"""The registered members of a public key: RFC 7517 §4, RFC 7518 §6, RFC 8037 §2, OpenID Federation
1.0 §8.7.1."""
_REGISTERED = _TEXTS | _LISTS | _MOMENTS
_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]*")
_LAST_MOMENT = 253_402_300_799
"""The end of the year 9999, in seconds since 1970: no calendar of ours has a later moment."""


def keys_by_name(keys: Iterable[object]) -> Jwks:
    """Return what a state may have of the keys of a JWK Set: each key by its ``kid``, a second key
    with that ``kid`` as ``<kid> (2)``, a key without ``kid`` as ``without kid 3``, by its place in
    the set.

    RFC 7517 §4.5 lets a set have a ``kid`` twice, and a key have none. No form does either. Without
    these names a key that somebody slipped in under a declared ``kid`` would hide, or hide the
    declared key. The keys after the first 100 are one entry, ``and 900 more``.
    """
    unread = iter(keys)
    named: dict[str, Mapping[str, Any]] = {}
    for number, key in enumerate(islice(unread, _MOST_KEYS), 1):
        kid, members = _name_and_members(number, key)
        name = kid
        copies = 1
        while name in named:
            copies += 1
            name = f"{kid} ({copies})"
        named[name] = members
    omitted = sum(1 for _ in unread)
    if omitted:
        named[f"and {omitted:,} more"] = {"unreadable": "this set has more keys than are looked at"}
    return named


def _name_and_members(number: int, key: object) -> tuple[str, Mapping[str, Any]]:
    """Return a key's name and what of it may get into a state: its registered members, such as
    ``("gent-2026", {"kty": "EC", "x": …})``.

    A member of a wrong kind or size reads ``unreadable``. A key without ``kid`` is named by its
    ``number`` in the set.
    """
    if not isinstance(key, dict):
        return f"unreadable {number}", {"unreadable": "no JSON Web Key"}
    public: dict[str, Any] = {}
    for name, value in key.items():
        if name in _REGISTERED:
            public[name] = _without_tokens(value) if _is_readable(name, value) else "unreadable"
    if private_members_in(key):
        public["private"] = "this key has private members, which are not shown"
    kid = key.get("kid")
    if not isinstance(kid, str) or not kid:
        return f"without kid {number}", public
    return _without_tokens(kid[:_LONGEST_KID]), public


def _without_tokens(value: Any) -> Any:
    """Return a member's text, or list of texts, with each token in it masked. Base64 alone is no
    token, however it begins: a token has dots."""
    if isinstance(value, list):
        return list(map(_without_tokens, value))
    if isinstance(value, str) and _BASE64.fullmatch(value):
        return value
    return harmless(value)


def _is_readable(name: str, value: Any) -> bool:
    """Return whether a registered member has a value of its kind: seconds since 1970, a short text,
    or a list of at most 20 short texts."""
    if name in _MOMENTS:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and 0 <= value <= _LAST_MOMENT
    texts = value if name in _LISTS else [value]
    if not isinstance(texts, list) or len(texts) > _MOST_VALUES:
        return False
    return all(map(_is_short_text, texts))


def _is_short_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_VALUE
