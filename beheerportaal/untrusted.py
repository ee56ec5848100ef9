"""What comes from outside, read within bounds: JSON, JWTs, and text that people will look at."""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from beheerportaal.limits import LARGEST_INTEGER, LONGEST_JWT, MOST_LEVELS

# Default_Ignorable_Code_Point (Unicode's DerivedCoreProperties) where `str.isprintable` sees a letter or a mark, and the blank of Braille.
_IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
UNSEEN = "has a character that cannot be seen, or that turns the direction of the text; write it without"


class Unreadable(ValueError):
    """What was sent is not JSON; the text goes on after its subject. Nothing of what was sent is in it."""


class OutOfBounds(Unreadable):
    """It is JSON, but more than is read."""


def read_json(text: bytes | str, as_object: Callable[[list[tuple[str, Any]]], Any] = dict) -> Any:
    """A JSON text in UTF-8 (RFC 8259), with numbers that every reader keeps (RFC 7493 §2.2), at most `MOST_LEVELS` deep.

    `as_object` makes an object of its members.

    Raises:
        Unreadable
    """
    try:
        decoded = text if isinstance(text, str) else text.decode()
        value = json.loads(decoded, object_pairs_hook=as_object, parse_constant=_no_number, parse_float=_finite, parse_int=_integer)
    except UnicodeDecodeError:
        raise Unreadable("is not in UTF-8") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"is not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise OutOfBounds(_TOO_DEEP) from None
    for depth, part in _parts(value):
        if depth > MOST_LEVELS:
            raise OutOfBounds(_TOO_DEEP)
        if isinstance(part, str) and ("\0" in part or not _is_unicode(part)):
            raise OutOfBounds("has a text with a NUL or half a character")
    return value


def read_jwt(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims of a JWT (RFC 7519) that nobody has verified yet.

    Raises:
        Unreadable
    """
    parts = text.split(".")
    if len(text) > LONGEST_JWT or len(parts) != 3:
        raise Unreadable("needs a header, a payload and a signature")
    header, claims = (read_json(octets(part)) for part in parts[:2])
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise Unreadable("has a header or a payload that is no JSON object")
    return header, claims


def visible(text: str) -> str:
    """The text itself, where all of it can be seen: no control, bidirectional or invisible character, no space around it.

    Raises:
        ValueError: with a sentence that goes on after the name of the field.
    """
    if not text.isprintable() or _IGNORABLE.search(text):
        raise ValueError(UNSEEN)
    if text != text.strip():
        raise ValueError("begins or ends with a space; write it without")
    return text


def all_visible(value: Any) -> Any:
    """A JSON value itself, where each name and text in it is `visible`.

    Raises:
        ValueError
    """
    for _, part in _parts(value):
        if isinstance(part, str):
            visible(part)
    return value


_TOO_DEEP = f"is more than {MOST_LEVELS} levels deep"


def _parts(value: Any) -> Iterator[tuple[int, Any]]:
    """Every value and every name in a JSON value, with its depth; without recursion."""
    waiting = [(0, value)]
    while waiting:
        depth, part = waiting.pop()
        yield depth, part
        if isinstance(part, Mapping):
            waiting += [(depth + 1, inner) for pair in part.items() for inner in pair]
        elif isinstance(part, list):
            waiting += [(depth + 1, inner) for inner in part]


def octets(text: str) -> bytes:
    """What base64url without padding stands for (RFC 7515 §2).

    Raises:
        Unreadable
    """
    if not _BASE64URL.fullmatch(text):
        raise Unreadable("has a part that is not base64url")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise Unreadable("has a part that is not base64url") from None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        return False
    return True


def _no_number(_: str) -> float:
    raise Unreadable("has a number that JSON does not know, such as NaN")


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise OutOfBounds("has a number that is too large")
    return value


def _integer(text: str) -> int:
    if len(text) > len(str(-LARGEST_INTEGER)) or abs(value := int(text)) > LARGEST_INTEGER:
        raise OutOfBounds("has a number that is too large")
    return value
