"""Documents as plain JSON values that every reader can read, whatever lies in the database."""

import math
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

# More than a document that comes in may have (`limits.MOST_LEVELS`), with the page around it.
_MOST_LEVELS = 32


def plain(value: Any, levels: int = _MOST_LEVELS) -> Any:
    """The value with objects for its models; null for what is too deep or no number, and U+FFFD for half a character."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, BaseModel):
        value = vars(value)  # not dict(value), which takes a field that is named keys for the method
    if isinstance(value, Mapping):
        return {plain(name): plain(part, levels - 1) for name, part in value.items()} if levels else None
    if isinstance(value, list):
        return [plain(part, levels - 1) for part in value] if levels else None
    return value
