"""What a search finds, in lists and in mails."""

from __future__ import annotations

import re
from collections.abc import Callable


def searched(search: str) -> Callable[[str], bool]:
    """Return what says whether a text, in lower case, has a word that begins with each one of
    ``search``."""
    wanted = []
    for word in search.casefold().split():
        before = r"(?<![^\W_])" if word[0].isalnum() else ""
        wanted.append(re.compile(before + re.escape(word)))
    return lambda text: all(pattern.search(text) for pattern in wanted)
