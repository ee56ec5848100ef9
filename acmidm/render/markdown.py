"""Reports as Markdown: the headline, a table that is read at a glance, details folded; never
longer than a comment may be.

A page that would be too long ends where it is full: what is most dangerous is at its top, and its
last sentence says what is left out.

What others chose is made harmless: Markdown here is what GitHub, GitLab and Azure DevOps share.
Nothing of such a text may end a table's cell, start HTML, load an image, link elsewhere, mention a
person or refer to another issue.
"""

from __future__ import annotations

import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from acmidm.report.document import Document, Line, Piece, Section, Shape, Tone
from acmidm.words import WHOLE, capitalised, counted, plain
from acmidm_onboarding.texts import Counted, ntr, tr

LIMIT = 64_000
"""Characters: what a pull-request comment or an issue of GitHub allows (65,536), with a margin for
what a pipeline adds."""
_SENTENCE = 500
"""Characters that the last sentence may take."""
_FOLD = 12_000
"""Characters that the details of one client take at most: they are not to push out those of
others."""
_CELL = 4_000
"""Characters that what changes of one client, or in one file, takes at most in the part of a page
that is not folded."""
_SHORT = 100
"""Characters of a value that the sentence about it has in full."""

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
_BEGINNING = re.compile(r"^(?=[#+\-=/:*\s]|\d+[.)](?:\s|$))")
"""What at the start of a line makes it a title, a list, code, a diagram; or a command to GitLab,
such as ``/close``."""


@dataclass(frozen=True)
class Block:
    """A piece of a page, as Markdown: lines between a top and a bottom. Of a page that is too long,
    lines are left out, and top and bottom with the last of them."""

    top: str
    lines: Sequence[str] = ()
    bottom: str = ""
    left_out: Counted | None = None
    """What its lines are called in the sentence that counts those left out; None where the block is
    always there."""
    share: float = 1
    """How much of a page that is too long it may take."""

    @property
    def text(self) -> str:
        return "".join((self.top, *self.lines, self.bottom))


def as_markdown(document: Document) -> str:
    """Return a report as the text of a comment or an issue, at most ``LIMIT`` characters."""
    return _within_limit(_blocks(document), document.whole)


def _within_limit(blocks: Iterable[Block], remedy: str) -> str:
    """Return the page that blocks make. In one that is too long each block has only the lines that
    there is room for, and a sentence at the end counts what is missing; ``remedy`` says where all
    of it is."""
    blocks = [block for block in blocks if block.lines or not block.left_out]
    page = "".join(block.text for block in blocks)
    if len(page) <= LIMIT:
        return page
    room = LIMIT - _SENTENCE - sum(len(block.text) for block in blocks if not block.left_out)
    page, missing = "", Counter[Counted]()
    for block in blocks:
        if not block.left_out:
            page += block.text
            continue
        most = min(room, int(LIMIT * block.share)) - len(block.top + block.bottom)
        shown = list(_fitting_lines(block.lines, most))
        missing[block.left_out] += len(block.lines) - len(shown)
        if shown:
            text = replace(block, lines=shown).text
            room -= len(text)
            page += text
    ending = tr(
        "**Left out for length**, from the end: {what}. All of it: {remedy}",
        what=", ".join(counted(missing)),
        remedy=remedy,
    )
    return f"{page}\n{ending}\n"


def _fitting_lines(lines: Iterable[str], room: int) -> Iterator[str]:
    """Yield the lines up to the first that makes them longer than ``room`` characters."""
    for line in lines:
        room -= len(line)
        if room < 0:
            return
        yield line


def _blocks(document: Document) -> Iterator[Block]:
    """Yield the title, the open sections, the details of clients, the folded sections and the foot.

    Folded sections come last, for anybody can make clients that nobody declares, with long names,
    and these must not push others out.
    """
    yield Block(f"### {document.title}\n\n")
    for section in document.sections:
        if not section.is_folded:
            yield from _blocks_of_section(section)
    details = defaultdict[Counted, list[str]](list)
    for section in document.sections:
        if section.shape is Shape.TABLE:
            details[section.details_left_out] += filter(None, map(_folded_details, section.lines))
    for left_out, folded in details.items():
        yield Block("", folded, left_out=left_out)
    for section in document.sections:
        if section.is_folded:
            yield from _blocks_of_section(section)
    for sentence in document.foot:
        yield Block(f"\n{sentence}\n")


def _blocks_of_section(section: Section) -> Iterator[Block]:
    """Yield the heading of a section, then its lines in its shape. The heading of a folded section
    is its summary, above the lines."""
    heading = capitalised(section.heading)
    top, item, bottom = "", _list_item, "\n"
    if section.is_folded:
        is_open = " open" if section.shape is Shape.OPEN_FOLD else ""
        top = f"\n<details{is_open}><summary>{heading}</summary>\n\n"
        bottom = "\n</details>\n"
    elif heading:
        yield Block(f"#### {heading}\n\n" if section.lines else f"{heading}.\n\n")
    match section.shape:
        case Shape.TABLE:
            top, item = f"| | {' | '.join(section.columns)} |\n|---|---|---|\n", _row
        case Shape.QUOTES:
            item = _quote
        case Shape.PARAGRAPHS:
            item, bottom = _paragraph, ""
    lines = list(map(item, section.lines))
    yield Block(top, lines, bottom, section.left_out, section.share)


def _list_item(line: Line) -> str:
    """Return an item of a list, with the lines beneath it as items; where these are too long
    together, the first ones and how many more there are."""
    if line.members:
        return _list_item_of_several(line)
    values = [f"  - {_named_value(value)}\n" for value in line.beneath]
    shown = list(_fitting_lines(values, _CELL))
    if not shown:
        return f"- {_labelled(line)}\n"
    if left_out := len(values) - len(shown):
        shown.append(f"  - {tr('and {count} more', count=f'{left_out:,}')}\n")
    return f"- {_labelled(replace(line, pieces=line.sentence))}\n{''.join(shown)}"


def _list_item_of_several(line: Line) -> str:
    """Return an item about several clients or organisations, in which each is folded."""
    members = "".join(f"  - {markdown(member)}\n" for member in line.members)
    summary = "".join(in_tag(piece.text) for piece in line.pieces)
    shared = replace(line, pieces=())
    return (
        f"- {_labelled(shared)}<details><summary>{summary}</summary>\n\n{members}\n  </details>\n"
    )


def _labelled(line: Line) -> str:
    """Return the sentence of a line behind its label, harmless at the beginning of a line."""
    text = _in_markdown(line.pieces)
    if line.label.text:
        return f"**{_running_text(line.label.text)}** {text}"
    if line.pieces and line.pieces[0].tone in (Tone.STRONG, Tone.VALUE):  # begins with ** or `
        return text
    return _BEGINNING.sub(_NOTHING, text)


def _quote(line: Line) -> str:
    return f"> {_labelled(line)}\n>\n"


def _paragraph(line: Line) -> str:
    return f"{_labelled(line)}\n\n"


def _row(line: Line) -> str:
    """Return a row of the table of clients: the label of the most dangerous change, the client, its
    changes."""
    mark = ""
    if loudest := line.loudest:
        mark = f"**{loudest.text}**"
    names = [_in_markdown(line.pieces)]
    names += [code(plain(name.text)) for name in line.names if name.tone is Tone.VALUE]
    return f"| {mark} | {'<br>'.join(names)} | {'<br>'.join(_changes_in_row(line))} |\n"


def _changes_in_row(line: Line) -> Iterator[str]:
    """Yield the changes of a client that its row has, how many more there are, and remarks on it.

    Where the first change is not among the most dangerous ones, these begin in bold.
    """
    changes, loudest, in_row = line.changes, line.loudest, _count_in_row(line)
    for change in changes[:in_row]:
        text = _in_markdown(change.pieces)
        if loudest and change.label == loudest != changes[0].label:
            words = change.brief[0].text.strip()
            text = f"**{words}**{text.removeprefix(words)}"
        yield text
    left_out = len(changes) - in_row
    if left_out > 0:
        yield tr("and {count} more", count=left_out)
    for remark in line.lines:
        if not remark.label.text:
            yield _in_markdown(remark.pieces)


def _count_in_row(line: Line) -> int:
    """Return how many of a client's changes its row has: the first ones that fit, at least one."""
    sentences = (_in_markdown(change.pieces) for change in line.changes)
    return max(1, len(list(_fitting_lines(sentences, _CELL))))


def _folded_details(line: Line) -> str:
    """Return what is known of a client beside its row, folded, under ``line.details``; an empty
    text where its row has it all."""
    lines = list(_detail_lines(line)) if line.details else []
    if not lines:
        return ""
    shown = list(_fitting_lines(lines, _FOLD))
    left_out = len(lines) - len(shown)
    if left_out:
        rest = ntr(
            "and {count} more line: {remedy}",
            "and {count} more lines: {remedy}",
            left_out,
            remedy=tr("the same command with `--output text`"),
        )
        shown.append(f"- {rest}")
    summary = in_tag(line.details)
    return "\n".join((f"<details><summary>{summary}</summary>\n", *shown, "\n</details>\n"))


def _detail_lines(line: Line) -> Iterator[str]:
    """Yield what a client's row does not have: its members, the changes that are too many for the
    row, and the values of those whose values are not in their sentence."""
    for member in line.members:
        yield f"- {markdown(member)}"
    in_row = _count_in_row(line)
    for number, change in enumerate(line.changes):
        values = [_named_value(value) for value in change.lines]
        in_sentence = not change.is_listed and all(len(value) < _SHORT for value in values)
        if number >= in_row:
            yield f"- {_in_markdown(change.pieces)}"
        elif values and not in_sentence:
            yield f"- {_in_markdown(change.brief)}"
        if not in_sentence:
            yield from map("  - {}".format, values)


def _named_value(line: Line) -> str:
    return f"{markdown(plain(line.label.text))} {_in_markdown(line.pieces)}"


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


def in_tag(text: str) -> str:
    """Return a text inside a tag such as ``<summary>``, where Markdown is not read but mentions
    are."""
    return _without_github_references(html.escape(_without_gitlab_references(text)))


def _in_markdown(pieces: Iterable[Piece]) -> str:
    return "".join(map(_piece, pieces))


def _piece(piece: Piece) -> str:
    if piece.tone is Tone.VALUE:
        return code(piece.text)
    text = _running_text(piece.text)
    return f"**{text}**" if piece.tone is Tone.STRONG else text


def _without_gitlab_references(text: str) -> str:
    """Return a plain text in which GitLab finds no reference."""
    return _REFERENCE.sub(rf"\g<0>{_BREAK}", plain(text, WHOLE))


def _without_github_references(text: str) -> str:
    """Return Markdown in which GitHub finds no reference once it has made HTML of it: entities are
    characters again by then."""
    return _LINK.sub(rf"\g<0>{_NOTHING}", text.replace(_BREAK, _NOTHING))
