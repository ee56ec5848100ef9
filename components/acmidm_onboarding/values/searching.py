"""What a search finds, in lists and in mails."""

from __future__ import annotations

import re
from collections.abc import Callable


def word_matcher(search: str) -> Callable[[str], bool]:
    """Return a function that says whether a text, in lower case, has for each word of ``search`` a
    word that begins with it."""
    wanted = []
    for word in search.casefold().split():
        before = r"(?<![^\W_])" if word[0].isalnum() else ""
        wanted.append(re.compile(before + re.escape(word)))
    return lambda text: all(pattern.search(text) for pattern in wanted)
