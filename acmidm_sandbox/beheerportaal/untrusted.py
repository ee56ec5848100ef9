"""Text that people will look at: all of it can be seen."""

import re
from collections.abc import Mapping
from typing import Any

# Default_Ignorable_Code_Point (Unicode's DerivedCoreProperties) where `str.isprintable` sees a
# letter or a mark, and the blank of Braille.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def visible(text: str) -> str:
    """Return the text itself, where all of it can be seen: no control, bidirectional or invisible
    character, no space around it.

    Raises:
        ValueError: with a sentence that goes on after the name of the field.
    """
    if not text.isprintable() or _IGNORABLE.search(text):
        raise ValueError(
            "has a character that cannot be seen, or that turns the direction of the text; write it"
            " without"
        )
    if text != text.strip():
        raise ValueError("begins or ends with a space; write it without")
    return text


def all_visible(value: Any) -> Any:
    """Return a JSON value itself, where each name and text in it is `visible`.

    Raises:
        ValueError
    """
    if isinstance(value, str):
        visible(value)
    elif isinstance(value, Mapping):
        all_visible([*value, *value.values()])
    elif isinstance(value, list):
        for part in value:
            all_visible(part)
    return value
