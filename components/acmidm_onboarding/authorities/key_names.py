"""A JWK Set as the map that resources have of it, without losing a key on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from acmidm_onboarding.authorities.port import Jwks
from acmidm_onboarding.model.secrecy import PRIVATE_MEMBERS


def by_name(keys: Iterable[object]) -> Jwks:
    """Each key under its ``kid``; another with the same one under ``<kid> (2)``; one without under its place in the set.

    RFC 7517 §4.5 lets a set have a ``kid`` twice, and a key have none. No form does either: a key that was slipped in under the
    name of a declared one would hide behind it, or hide it, and one without a name would hide the whole set.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for kid, key in (_named(number, key) for number, key in enumerate(keys, 1)):
        names = (f"{kid} ({number})" if number > 1 else kid for number in count(1))
        found[next(name for name in names if name not in found)] = key
    return found


def _named(number: int, key: object) -> tuple[str, Mapping[str, Any]]:
    """A name for a key, and the key without the members that must get into no state."""
    if not isinstance(key, dict):
        return f"unreadable {number}", {"unreadable": "no JSON Web Key"}
    public = {name: value for name, value in key.items() if name not in PRIVATE_MEMBERS}
    if len(public) < len(key):
        public["private"] = "this key has private members, which are not shown"
    kid = key.get("kid")
    return kid if isinstance(kid, str) and kid else f"without kid {number}", public
