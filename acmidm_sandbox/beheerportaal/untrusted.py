"""Checks of text that people will read: no character of it may be invisible."""

import re
from collections.abc import Mapping
from typing import Any

# Default_Ignorable_Code_Point (Unicode's DerivedCoreProperties) where `str.isprintable` sees a
# letter or a mark, and the blank of Braille.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def require_visible(text: str) -> str:
    """Check that all of a text can be seen, and return it unchanged.

    Raises:
        ValueError: where it has a control, bidirectional or invisible character, or a space at an
            end; the sentence goes on after the name of the field.
    """
    if not text.isprintable() or _IGNORABLE.search(text):
        raise ValueError(
            "has a character that cannot be seen, or that turns the direction of the text; write it"
            " without"
        )
    if text != text.strip():
        raise ValueError("begins or ends with a space; write it without")
    return text


def require_all_visible(value: Any) -> Any:
    """Return a JSON value unchanged. Raises ValueError as `require_visible` does, for each name and
    text in it."""
    if isinstance(value, str):
        require_visible(value)
    elif isinstance(value, Mapping):
        require_all_visible([*value, *value.values()])
    elif isinstance(value, list):
        for part in value:
            require_all_visible(part)
    return value
