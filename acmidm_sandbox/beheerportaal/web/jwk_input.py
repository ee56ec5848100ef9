"""What someone gave as a key: one JSON Web Key, a set of them, or a public key in PEM, as text."""

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from pydantic_core import from_json

from acmidm_sandbox.beheerportaal.jwk import (
    Mistake,
    find_mistakes,
    is_in_time,
    private_members,
    registered,
    thumbprint,
)
from acmidm_sandbox.beheerportaal.limits import LONGEST_UPLOAD, MOST_KEYS

_PUBLIC_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----")


@dataclass(frozen=True, slots=True)
class KeyInput:
    """Keys that can be added, or why not: each `code` names a text `jwk.<code>`. A value of a key
    is in none of its blanks.

    `repeatable` is what may be shown again: of a JSON Web Key only what would be kept, as a private
    key can be anywhere else.
    """

    keys: Sequence[dict[str, Any]]
    mistakes: Sequence[Mistake]
    repeatable: str


def read_keys(text: str, present: Sequence[Mapping[str, Any]]) -> KeyInput:
    """Read keys to be added to those that are `present`."""
    text = text.strip().removeprefix("\ufeff")
    if not text:
        return _refused("empty")
    if len(text) > LONGEST_UPLOAD:
        return _refused("too_long", limit=LONGEST_UPLOAD // 1024)
    if "PRIVATE KEY" in text:
        return _refused("private_pem")
    is_pem = _PUBLIC_PEM.fullmatch(text)  # what stands behind it would be lost
    try:
        value = (
            JWK.from_pem(text.encode()).export_public(as_dict=True)
            if is_pem
            else from_json(text, allow_inf_nan=False)
        )
        is_ambiguous = not is_pem and _has_a_member_twice(text)
    except (ValueError, JWException, UnsupportedAlgorithm):
        # It can't be judged, so it isn't shown again: it may be a private key with a comma too
        # many.
        return _refused("pem" if text.startswith("-----BEGIN") else "not_json")
    if members := private_members(value):
        return _refused("private", members=", ".join(sorted(set(members))))
    if is_ambiguous:
        return _refused("member_twice")
    keys = value.get("keys") if isinstance(value, dict) and "keys" in value else [value]
    if not isinstance(keys, list) or not keys or not all(isinstance(key, dict) for key in keys):
        return _refused("no_key_object")
    kept = [registered(key) for key in keys]
    repeatable = (
        text
        if is_pem
        else json.dumps(
            {"keys": kept} if "keys" in value else kept[0], indent=2, ensure_ascii=False
        )
    )
    return KeyInput(kept, _mistakes(keys, present), repeatable)


def _has_a_member_twice(text: str) -> bool:
    repeats: list[bool] = []
    json.loads(
        text, object_pairs_hook=lambda members: repeats.append(len(dict(members)) < len(members))
    )
    return any(repeats)


def _mistakes(
    keys: Sequence[dict[str, Any]], present: Sequence[Mapping[str, Any]]
) -> list[Mistake]:
    if len(present) + len(keys) > MOST_KEYS:
        return [Mistake("", "too_many", {"limit": MOST_KEYS})]
    if mistakes := find_mistakes([*present, *keys]):  # those that are present have none
        return mistakes
    if not all(is_in_time(key, time.time()) for key in keys):
        return [Mistake("", "not_now")]
    thumbprints = [thumbprint(key) for key in (*present, *keys)]
    return [Mistake("", "same_key")] if len(set(thumbprints)) < len(thumbprints) else []


def _refused(code: str, **values: str | int) -> KeyInput:
    return KeyInput([], [Mistake("", code, values)], "")
