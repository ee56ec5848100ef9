"""Reports as Markdown: the headline, then a list for each section, with its most dangerous lines
first; never longer than a comment may be.

Of a report that is too long each section keeps the lines from its top, as many as there is room
for, and says how many more there are. No section takes the room of a shorter one, so that whoever
has long names, or makes many clients that nobody declares, pushes nothing else out.

What others chose is made harmless: Markdown here is what GitHub, GitLab and Azure DevOps share.
Nothing of such a text may end a line, start HTML, load an image, link elsewhere, mention a person
or refer to another issue.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import indent

from acmidm.report.document import Document, Line, Piece, Shape, Tone
from acmidm.words import WHOLE, capitalised, plain
from acmidm_onboarding.texts import tr

LIMIT = 64_000
"""Characters: what a pull-request comment or an issue of GitHub allows (65,536), with a margin for
what a pipeline adds."""
_STEP = 1_000
"""Characters by which the room of each section shrinks until all of them fit."""
_SHARE = 4
"""Of the room of a list the lines beneath one of its lines take a fourth at most: they are not to
push out other lines."""

_BOLD = (Tone.DANGER, Tone.WARNING, Tone.GOOD, Tone.STRONG)
_TAME_CODE = re.compile(r"[^`|<>]*[^`|<>\s]", re.ASCII)
_PUNCTUATION = re.compile(r"[\\`*\[\]~|]|(?<![^\W_])_|_(?![^\W_])")
_NOTHING = "&#8203;"
"""A space of no width: what a mention or a reference is broken with."""
_BREAK = "\u200b"
"""The same as a character, which a text of others has no more once it is plain."""
_REFERENCE = re.compile(r"!(?=\d)|&(?=\d)|[%~](?=[\w\"])|\[(?=\w+:)")
"""What GitLab makes a link of: a merge request, an epic, a milestone, a label, a vulnerability."""
_LINK = re.compile(r"@|:(?=//|[\w+-]+:)|www(?=\.)|(?<!&)#(?=\d)|\bGH-(?=\d)", re.IGNORECASE)
"""What GitHub makes one of: a mention, an address, an emoji, an issue."""
_BEGINNING = re.compile(r"^(?=[#+\-=/:\s]|\d+[.)](?:\s|$))")
"""What at the start of a line makes it a title, a list, code, a diagram; or a command to GitLab,
such as ``/close``."""


@dataclass(frozen=True)
class Item:
    """A line as an item of a list."""

    sentence: str
    beneath: Sequence[Item] = ()
    members: Sequence[Item] = ()


def as_markdown(document: Document) -> str:
    """Return a report as the text of a comment or an issue, at most ``LIMIT`` characters."""
    lists = [list(map(_item, section.lines)) for section in document.sections]
    room = LIMIT
    while len(page := _page(document, lists, room)) > LIMIT and room > 0:
        room -= _STEP
    return page


def _page(document: Document, lists: Iterable[Sequence[Item]], room: int) -> str:
    """Return the page of a report, of whose sections the ``lists`` are. None of these takes more
    than ``room`` characters."""
    page = f"### {document.title}\n\n"
    for section, items in zip(document.sections, lists, strict=True):
        heading = capitalised(section.heading)
        text = _list(items, room, document.whole)
        if section.shape is Shape.FOLD:
            page += _folded(heading, text)
        elif heading and items:
            page += f"\n#### {heading}\n\n{text}"
        elif heading:
            page += f"\n{heading}.\n"
        else:
            page += text
    return page + "".join(f"\n{sentence}\n" for sentence in document.foot)


def _item(line: Line) -> Item:
    members = [Item(f"- {markdown(member)}\n") for member in line.members]
    return Item(f"- {_sentence(line)}\n", list(map(_item, line.lines)), members)


def _list(items: Sequence[Item], room: int, whole: str) -> str:
    """Return the items of a list up to the first that makes it longer than ``room`` characters, and
    how many more there are, which ``whole`` shows. However long its first item is, which is the
    most dangerous one, it is there; but for a list that has no room at all."""
    text = ""
    for number, item in enumerate(items):
        item_text = _text_of_item(item, room // _SHARE, whole)
        is_first = not text and room > 0
        if len(text) + len(item_text) > room and not is_first:
            more = tr("and {count} more", count=f"{len(items) - number:,}")
            return f"{text}- **{more}**: {whole}\n"
        text += item_text
    return text


def _text_of_item(item: Item, room: int, whole: str) -> str:
    """Return an item with what is beneath it, and with its members, which are folded: each of these
    lists in ``room`` characters."""
    beneath = _list(item.beneath, room, whole)
    if item.members:
        beneath += _folded(capitalised(tr("each")), _list(item.members, room, whole))
    return item.sentence + indent(beneath, "  ")


def _folded(heading: str, text: str) -> str:
    return f"\n<details><summary>{heading}</summary>\n\n{text}\n</details>\n"


def _sentence(line: Line) -> str:
    """Return a line behind its label, harmless at the beginning of an item."""
    text = "".join(map(_piece, line.pieces))
    label = _piece(line.label)
    if line.label.tone is Tone.NOTICE:
        label = f"_{label}_"
    return _BEGINNING.sub(_NOTHING, f"{label} {text}" if label else text)


def markdown(text: str) -> str:
    """Return a text as running text of Markdown, on one line, harmless at its beginning too."""
    return _BEGINNING.sub(_NOTHING, _running_text(text))


def _running_text(text: str) -> str:
    """Return a text as running text of Markdown, harmless where it follows other text."""
    text = html.escape(_without_gitlab_references(text), quote=False)
    text = _PUNCTUATION.sub(lambda match: f"\\{match[0]}", text).replace("$", f"&#36;{_NOTHING}")
    return _without_github_references(text)


def code(text: str) -> str:
    """Return a value as code of Markdown; in backticks where that is safe, in a tag where it is
    not."""
    text = plain(text, WHOLE) or " "
    if _TAME_CODE.fullmatch(text):
        return f"`{text}`"
    return f"<code>{''.join(map(_harmless_character, text))}</code>"


def _harmless_character(char: str) -> str:
    """Return a character as it is where it means nothing in Markdown, else as its number."""
    return char if char.isalnum() or char in " -" else f"&#{ord(char)};"


def _piece(piece: Piece) -> str:
    if piece.tone is Tone.VALUE:
        return code(piece.text)
    text = _running_text(piece.text)
    return f"**{text}**" if piece.tone in _BOLD else text


def _without_gitlab_references(text: str) -> str:
    """Return a plain text in which GitLab finds no reference."""
    return _REFERENCE.sub(rf"\g<0>{_BREAK}", plain(text, WHOLE))


def _without_github_references(text: str) -> str:
    """Return Markdown in which GitHub finds no reference once it has made HTML of it: entities are
    characters again by then."""
    return _LINK.sub(rf"\g<0>{_NOTHING}", text.replace(_BREAK, _NOTHING))
