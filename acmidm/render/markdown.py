"""Reviews and drift as Markdown: the headline, a table that is read at a glance, details folded;
never longer than a comment may be.

A page that would be too long ends where it is full: what is most dangerous is at its top, and its
last sentence says what is left out.

What others chose is made harmless: Markdown here is what GitHub, GitLab and Azure DevOps share.
Nothing of such a text may end a table's cell, start HTML, load an image, link elsewhere, mention a
person or refer to another issue.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from acmidm.orders.listed import Orders
from acmidm.report.alike import Group, Together, Unlike, together, together_beside
from acmidm.report.connection import ClientName, ConnectionChanges, environment_name
from acmidm.report.drift import Drift
from acmidm.report.kinds import Change, FieldChange, Part, Piece, Severity, severity_name
from acmidm.report.review import Review
from acmidm.words import LONGEST, WHOLE, capitalised, plain
from acmidm_onboarding.texts import say, say_counted

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

_TAME_CODE = re.compile(r"[^`|<>]*[^`|<>\s]", re.ASCII)
_PUNCTUATION = re.compile(r"[\\`*\[\]~|]|(?<![^\W_])_|_(?![^\W_])")
_NOTHING = "&#8203;"
"""A space of no width: what a mention or a reference is broken with."""
_BREAK = "\u200b"
"""The same as a character, which a text of others has no more once it is plain."""
_REFERENCE = re.compile(r"!(?=\d)|&(?=\d)|[%~](?=[\w\"])|\[(?=\w+:)")
"""What GitLab makes a link of: a merge request, an epic, a milestone, a label, a vulnerability."""
_BEGINNING = re.compile(r"^(?=[#+\-=/:*\s]|\d+[.)](?:\s|$))")
"""What at the start of a line makes it a title, a list, code, a diagram; or a command to GitLab,
such as ``/close``."""


@dataclass(frozen=True)
class Section:
    """A piece of a page: without lines it is always there; of lines, and of the frame around them,
    those that there is room for."""

    top: str
    lines: Sequence[str] = ()
    bottom: str = ""
    what: str = ""
    """What each of the lines is about: its name among the sentences that count what is left out."""
    most: int = LIMIT
    """How much room they may take where the page is too long."""

    @property
    def text(self) -> str:
        return "".join((self.top, *self.lines, self.bottom))


def as_markdown(report: Part) -> str:
    """Return what a comment or an issue is made of, at most ``LIMIT`` characters: a review, a drift
    report, or orders."""
    match report:
        case Review():
            return _fitted(_review(report), say("report.whole_text"))
        case Drift():
            return _fitted(_drift(report), f"`acmidm drift --stack {report.stack}`")
        case Orders():
            return _fitted(_orders(report), report.room("whole_list", stack=report.stack))
    raise TypeError(f"{type(report).__name__} has no Markdown")


def _fitted(sections: Iterable[Section], remedy: str) -> str:
    """Return the page; one that is too long ends at the first line that there is no room for, and
    with what is missing."""
    sections = [section for section in sections if section.lines or not section.what]
    if len(page := "".join(section.text for section in sections)) <= LIMIT:
        return page
    room = LIMIT - _SENTENCE - sum(len(section.text) for section in sections if not section.what)
    page, missing = "", Counter[str]()
    for section in sections:
        shown = list(
            _first(section.lines, min(room, section.most) - len(section.top + section.bottom))
        )
        missing[section.what] += len(section.lines) - len(shown)
        if shown or not section.what:
            text = replace(section, lines=shown).text
            room -= len(text) if section.what else 0
            page += text
    left_out = ", ".join(
        say_counted(f"report.left_out.{what}", count) for what, count in missing.items() if count
    )
    return f"{page}\n{say('report.left_out', what=left_out, remedy=remedy)}\n"


def _first(lines: Iterable[str], room: int) -> Iterator[str]:
    """Yield the lines up to the first that there is no room for."""
    for line in lines:
        room -= len(line)
        if room < 0:
            return
        yield line


def _review(review: Review) -> Iterator[Section]:
    """Yield a pull-request comment."""
    yield Section(f"### {review.headline}\n\n")
    yield _refusals(review.refusals)
    yield _other_changes(review.other_changes)
    for environment, connections, stay in review.in_environments():
        name = capitalised(environment_name(environment))
        if connections:
            also = f", {say_counted('report.stay', stay)}" if stay else ""
            yield Section(
                f"#### {name}: {say_counted('report.change', len(connections))}{also}\n\n"
            )
            yield table(together(connections))
        else:
            yield Section(f"{name}: {say_counted('report.no_change', stay)}.\n\n")
    yield _notes(review.notes)
    yield _details(together(review.connections))


def _drift(report: Drift) -> Iterator[Section]:
    """Yield the body of an issue. Anybody can make clients with long names that nobody declares:
    they are at the end."""
    yield Section(f"### {report.headline}\n\n")
    if report.healed is not None:
        yield Section(f"{capitalised(report.repair)}:\n\n")
        yield table(report.repaired, undone=report.healed)
    yield _refusals(report.problems)
    for title, connections in report.differing:
        yield Section(f"#### {capitalised(title)}\n\n")
        yield table(connections)
    keys = [
        f"| {key.ends} | {_name(key)} | {code(key.kid)} | {code(key.thumbprint or '?')} |\n"
        for key in report.expiring
    ]
    columns = (
        say("report.ends"),
        say("report.client"),
        say("report.key"),
        say("report.thumbprint"),
    )
    top = (
        f"#### {capitalised(say('report.drift.expiring'))}\n\n| {' | '.join(columns)}"
        " |\n|---|---|---|---|\n"
    )
    yield Section(top, keys, "\n", "key")
    yield _notes(report.notes)
    yield _details((*report.by_hand, *report.not_applied))
    for group, title, undeclared in report.not_declared:
        clients = [
            f"- {markdown(client.title)}: "
            f"{say('report.drift.client_on', client_id=code(client.client_id), platform=client.platform)}"  # noqa: E501
            f"{say('report.drift.made_by', name=code(client.made_by)) if client.made_by else ''}\n"
            for client in undeclared
        ]
        is_open = " open" if undeclared is report.left_behind else ""
        yield Section(
            f"\n<details{is_open}><summary>{capitalised(title)}: {len(clients):,}</summary>\n\n",
            clients,
            "\n</details>\n",
            group,
        )
    if report.by_hand:
        yield Section(f"\n{say('report.drift.remedy', stack=report.stack)}\n")
    yield Section(f"\n{report.checked}\n")


def _orders(report: Orders) -> Iterator[Section]:
    """Yield the body of an issue: who carries what out, and since when each is open."""
    room = report.room
    yield Section(f"### {report.title}\n\n")
    yield _notes(report.unknown)
    for doer, orders in report.by_doer.items():
        lines = [
            f"- {code(order.whole_name)} {_name(order)}: {markdown(order.act_title)}"
            f"{f' ({order.since:%Y-%m-%d})' if order.since else ''}\n"
            for order in orders
        ]
        yield Section(f"#### {room(f'doer.{doer}')}\n\n", lines, "\n", "order")


def _refusals(problems: Sequence[str]) -> Section:
    lines = [
        f"> **{say('report.refused')}** {markdown(problem, WHOLE)}\n>\n" for problem in problems
    ]
    return Section("", lines, "\n", "refusal", most=LIMIT // 4)


def _notes(notes: Iterable[str]) -> Section:
    return Section("", [f"{markdown(note, WHOLE)}\n\n" for note in notes], what="note")


def _other_changes(changes: Sequence[Change]) -> Section:
    """Return what changes beside the clients, a line each; of one that is too long for that, its
    first values."""
    lines = []
    for group in together_beside(changes):
        change = group.changes[0]
        if group.members:
            lines.append(_several(group))
            continue
        fields = list(
            _first((f"  - {_field(field)}\n" for field in change.fields if change.has_lines), _CELL)
        )
        more = len(change.fields) - len(fields)
        fields += [f"  - {say('report.more', count=f'{more:,}')}\n"] if fields and more > 0 else []
        sentence = _in_markdown(change.named if fields else change.pieces)
        lines.append(f"- **{severity_name(change.severity)}** {sentence}\n{''.join(fields)}")
    return Section("", lines, "\n", "beside", most=LIMIT // 4)


def _several(group: Group) -> str:
    """Return what several new organisations share, with what each has, folded."""
    label = f"**{severity_name(group.changes[0].severity)}**"
    members = "".join(f"  - {markdown(member, WHOLE)}\n" for member in group.members)
    summary = f"<details><summary>{in_tag(group.text)}</summary>"
    return f"- {label} {summary}\n\n{members}\n  </details>\n"


def table(connections: Iterable[ConnectionChanges], *, undone: bool = False) -> Section:
    """Return the clients, most dangerous first; ``undone`` where what changed is over, and no
    danger any more."""
    rows = []
    for connection in connections:
        severity = connection.worst.severity
        mark = "" if undone or severity is Severity.NOTICE else f"**{severity_name(severity)}**"
        sentences = []
        for change in connection.changes[: _in_row(connection)]:
            text, words = _sentence(change, connection), change.named[0].text.strip()
            # Where the first change is not the most dangerous one, the most dangerous ones are
            # bold.
            stands_out = mark and change.severity is severity is not connection.changes[0].severity
            sentences.append(f"**{words}**{text.removeprefix(words)}" if stands_out else text)
        more = len(connection.changes) - len(sentences)
        sentences += [say("report.more", count=more)] if more else []
        sentences += [_in_markdown(connection.by_one)] if connection.by_one else []
        sentences += [markdown(connection.else_as, WHOLE)] if isinstance(connection, Unlike) else []
        names = [
            _name(connection),
            *(
                code(name)
                for name in (connection.key, connection.form, connection.client_id)
                if name
            ),
        ]
        rows.append(f"| {mark} | {'<br>'.join(names)} | {'<br>'.join(sentences)} |\n")
    return Section(
        f"| | {say('report.client')} | {say('report.what_changes')} |\n|---|---|---|\n",
        rows,
        "\n",
        "client",
        most=LIMIT * 3 // 4,
    )


def _in_row(connection: ConnectionChanges) -> int:
    """Return how many of its changes a client's row has: all of them, but where that is too long
    for a glance."""
    return max(
        1,
        len(list(_first((_sentence(change, connection) for change in connection.changes), _CELL))),
    )


def _details(connections: Iterable[ConnectionChanges]) -> Section:
    """Return what is known of each client beside its row, folded; nothing of one whose row has it
    all."""
    folds = [
        _folded(connection, lines)
        for connection in connections
        if (lines := list(_detail_lines(connection)))
    ]
    return Section("", folds, what="details")


def _folded(connection: ConnectionChanges, lines: Sequence[str]) -> str:
    name = f"{in_tag(connection.organisation)} · {in_tag(connection.name)}"
    shown = list(_first(lines, _FOLD))
    left = len(lines) - len(shown)
    more = (
        [f"- {say_counted('report.more_lines', left, remedy=say('report.whole_text'))}"]
        if left
        else []
    )
    summary = say("report.details", name=name, environment=connection.environment)
    return "\n".join((f"<details><summary>{summary}</summary>\n", *shown, *more, "\n</details>\n"))


def _detail_lines(connection: ConnectionChanges) -> Iterator[str]:
    if isinstance(connection, Together):
        yield from (f"- {markdown(member, WHOLE)}" for member in connection.members)
    in_row = _in_row(connection)
    for number, change in enumerate(connection.changes):
        in_sentence = not change.has_lines and all(
            len(_field(field)) < 100 for field in change.fields
        )
        fields = () if in_sentence else change.fields
        if number >= in_row:
            yield f"- {_sentence(change, connection)}"
        elif fields:
            yield f"- {_in_markdown(change.named)}"
        yield from (f"  - {_field(field)}" for field in fields)


def _sentence(change: Change, connection: ConnectionChanges) -> str:
    by = _in_markdown(connection.author_of(change))
    return f"{_in_markdown(change.pieces)}{f' ({by})' if by else ''}"


def _field(field: FieldChange) -> str:
    return (
        f"{markdown(field.field)}"
        f" {' → '.join(code(value, WHOLE) for value in field.values() if value is not None)}"
    )


def _name(client: ClientName) -> str:
    return f"**{markdown(client.organisation)}** · {markdown(client.name)}"


def markdown(text: str, longest: int = LONGEST) -> str:
    """Return a text as running text of Markdown, on one line, which it may begin."""
    return _BEGINNING.sub(_NOTHING, _inside(text, longest))


def _inside(text: str, longest: int) -> str:
    """Return a text as running text of Markdown that follows other text."""
    text = html.escape(_REFERENCE.sub(_broken, plain(text, longest)), quote=False)
    text = _PUNCTUATION.sub(lambda match: f"\\{match[0]}", text).replace("$", f"&#36;{_NOTHING}")
    return _without_references(text)


def code(text: str, longest: int = LONGEST) -> str:
    """Return a value as code of Markdown; in backticks where that is safe, in a tag where it is
    not."""
    text = plain(text, longest) or " "
    if _TAME_CODE.fullmatch(text):
        return f"`{text}`"
    return f"<code>{''.join(char if char.isalnum() or char in ' -' else f'&#{ord(char)};' for char in text)}</code>"  # noqa: E501


def in_tag(text: str) -> str:
    """Return a text inside a tag such as ``<summary>``, where Markdown is not read but mentions
    are."""
    return _without_references(html.escape(_REFERENCE.sub(_broken, plain(text))))


def _in_markdown(pieces: Iterable[Piece]) -> str:
    return "".join(
        code(piece.text, WHOLE) if piece.value else _inside(piece.text, WHOLE) for piece in pieces
    )


def _broken(match: re.Match[str]) -> str:
    return f"{match[0]}{_BREAK}"


def _without_references(text: str) -> str:
    """Break what GitHub makes a link of after it has read the Markdown: entities are characters
    again by then."""
    text = text.replace(_BREAK, _NOTHING).replace("@", f"@{_NOTHING}")
    text = re.sub(r":(?=//|[\w+-]+:)", f":{_NOTHING}", text)
    text = re.sub(r"(?i)www(?=\.)", lambda match: f"{match[0]}{_NOTHING}", text)
    text = re.sub(r"(?<!&)#(?=\d)", f"#{_NOTHING}", text)
    return re.sub(r"(?i)\bGH-(?=\d)", lambda match: f"{match[0]}{_NOTHING}", text)
