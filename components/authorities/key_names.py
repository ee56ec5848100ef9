"""A JWK Set as the map that resources have of it, without losing a key on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from components.authorities.port import Jwks


def by_name(keys: Iterable[tuple[str, Mapping[str, Any]]]) -> Jwks:
    """Each key under its ``kid``; another with the same one under ``<kid> (2)``.

    RFC 7517 §4.5 lets a set have a ``kid`` twice, and no form does: a key that was slipped in under the name of a declared one
    would hide behind it, or hide it.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for kid, key in keys:
        names = (f"{kid} ({number})" if number > 1 else kid for number in count(1))
        found[next(name for name in names if name not in found)] = key
    return found
