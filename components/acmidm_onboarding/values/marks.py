"""Pulumi's own marks: texts that the engine and its SDK take for something else than a text.

The SDK reads a map with the key of the first group as a secret, an asset or a resource, and a text
of the second as a value that is not known yet. The program then ends, or loses a value, without a
message. Hence marks are refused in what people write, and renamed in what servers answer.
"""

from __future__ import annotations

import re

_SIGNATURES = (
    "4dabf18193072939515e22adb298388d",  # the key itself; the others are its possible values
    "1b47061264138c4ac30d75fd1eb44270",
    "5cf8f73096256a8f31e491e813e4eb8e",
    "d0e6a833031e9bbcd3f4e8bde6ca49a4",
    "803fd3297a5875dc03ca845dda5d2a98",
    "c44067f5952c0a294b673a41bacd8c17",
    "0def7320c3a5731c473e5ecbe6d01bc7",
)
_UNKNOWN_VALUES = (
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
)
MARKS = (*_SIGNATURES, *_UNKNOWN_VALUES)
_MARK = re.compile("|".join(MARKS), re.IGNORECASE)
_SHOWN = 8


def has_mark(text: str) -> bool:
    """Return whether a text has one of the engine's marks in it."""
    return _MARK.search(text) is not None


def without_marks(text: str) -> str:
    """Return a text whose marks of the engine are renamed, so that they are none."""
    return _MARK.sub(lambda mark: f"mark of the engine {mark[0][:_SHOWN]}", text)
