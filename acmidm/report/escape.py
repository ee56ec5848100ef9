"""Makes texts that others chose harmless where they are shown: a form's author controls names, reasons and settings.

Markdown here is what GitHub, GitLab and Azure DevOps share. Nothing of such a text may end a table's cell, start HTML, load an
image, link elsewhere, mention a person or refer to another issue.
"""

from __future__ import annotations

import html
import re

from acmidm.report.words import LONGEST, WHOLE, Piece, plain

_TAME_CODE = re.compile(r"[^`|<>]*[^`|<>\s]", re.ASCII)
_PUNCTUATION = re.compile(r"[\\`*\[\]~|]|(?<!\w)_|_(?!\w)")
_NOTHING = "&#8203;"
"""A space of no width: what a mention or a reference is broken with."""


def markdown(text: str, longest: int = LONGEST) -> str:
    """A text as running text of Markdown, on one line."""
    text = html.escape(plain(text, longest), quote=False)
    text = _PUNCTUATION.sub(lambda found: f"\\{found[0]}", text).replace("$", f"&#36;{_NOTHING}")
    return _without_references(text)


def code(text: str, longest: int = LONGEST) -> str:
    """A value as code of Markdown; in backticks where that is safe, in a tag where it is not."""
    text = plain(text, longest) or " "
    if _TAME_CODE.fullmatch(text):
        return f"`{text}`"
    return f"<code>{''.join(char if char.isalnum() or char in ' -' else f'&#{ord(char)};' for char in text)}</code>"


def in_tag(text: str) -> str:
    """A text inside a tag such as ``<summary>``, where Markdown is not read but mentions are."""
    return _without_references(html.escape(plain(text)))


def pieces_in_markdown(pieces: list[Piece]) -> str:
    return "".join(code(piece.text, WHOLE) if piece.value else markdown(piece.text, WHOLE) for piece in pieces)


def _without_references(text: str) -> str:
    """Without what is made a link after the Markdown is read: there an entity is a character again, hence something between."""
    text = text.replace("@", f"@{_NOTHING}")
    text = re.sub(r":(?=//|[\w+-]+:)", f":{_NOTHING}", text)
    text = re.sub(r"(?i)www(?=\.)", lambda found: f"{found[0]}{_NOTHING}", text)
    text = re.sub(r"(?<!&)#(?=\d)", f"#{_NOTHING}", text)
    return re.sub(r"(?i)\bGH-(?=\d)", lambda found: f"{found[0]}{_NOTHING}", text)
