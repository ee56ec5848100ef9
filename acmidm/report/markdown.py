"""Reports as Markdown: the headline, a table that is read at a glance, details folded; never longer than a comment may be.

What others chose is made harmless: Markdown here is what GitHub, GitLab and Azure DevOps share. Nothing of such a text may end a
table's cell, start HTML, load an image, link elsewhere, mention a person or refer to another issue.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from acmidm.report.drift import Drift
from acmidm.report.kinds import Severity, fields_below, named, pieces, values
from acmidm.report.model import Change, ConnectionChanges, FieldChange, Review
from acmidm.report.promotion import Promotion, Side
from acmidm.report.status import ListedConnection, Status
from acmidm.report.words import LONGEST, WHOLE, Piece, heading, number, plain, who
from components.model.form import Platform

LIMIT = 64_000
"""Characters: what a pull-request comment or an issue of GitHub allows (65,536), with a margin for what a pipeline adds."""
_CHANGES_IN_ROW = 4
_FIELDS_SHOWN = 40
_NAMES_SHOWN = 10
_LISTED = 100
_SHORTEST_FOLD = 2_000
"""Characters that a client's details may take however many clients there are."""
_FEW_CLIENTS = 10
"""Up to so many, the tables themselves show how much of which kind there is."""
_WHOLE_TEXT = "the same command with `--output text`"

_TAME_CODE = re.compile(r"[^`|<>]*[^`|<>\s]", re.ASCII)
_PUNCTUATION = re.compile(r"[\\`*\[\]~|]|(?<!\w)_|_(?!\w)")
_NOTHING = "&#8203;"
"""A space of no width: what a mention or a reference is broken with."""

ROWS, DETAILS, STAYS, PROBLEMS, KEYS, UNDECLARED, DIFFERENCES = "rows", "details", "stays", "problems", "keys", "undeclared", "differences"
_PLACES = {
    PROBLEMS: (4, -1),
    ROWS: (1, 0),
    DETAILS: (4, 0.5),
    STAYS: (8, 1),
    KEYS: (4, 0.5),
    UNDECLARED: (1, 1_000_000),
    DIFFERENCES: (1, 0),
}
"""The rank of the ``n``th of each, ``n`` times the one plus the other; the lower goes in first. Details come after a few rows, what stays
is worth least, and anybody can make clients with long names that nobody declares."""
_SHORTENED = "shortened"
_LEFT_OUT = {
    PROBLEMS: "refusal|refusals",
    ROWS: "client of the tables|clients of the tables",
    DETAILS: "client's details|clients' details",
    _SHORTENED: "client's details in part|clients' details in part",
    STAYS: "client's list of what stays|clients' lists of what stays",
    KEYS: "key that ends soon|keys that end soon",
    UNDECLARED: "client that nobody declares|clients that nobody declares",
    DIFFERENCES: "difference|differences",
}


@dataclass(frozen=True)
class Part:
    """A piece of a page. Without ``what`` it must be there; else it is the ``place``th of these, and goes in by its rank."""

    text: str
    what: str = ""
    place: int = 0
    short: str = ""
    """The text where the page does not fit whole: one part must not take the room of all others."""
    around: str = ""
    """What it is the frame of, for a part that is nothing without: it must be there only where one of these is."""

    @property
    def rank(self) -> float:
        factor, start = _PLACES[self.what]
        return factor * self.place + start


def as_markdown(report: Review | Drift | Status | Promotion, limit: int = LIMIT) -> str:
    """Any report, at most ``limit`` characters."""
    match report:
        case Review():
            return review_as_markdown(report, limit)
        case Drift():
            return drift_as_markdown(report, limit)
        case Status():
            return status_as_markdown(report, limit)
    return promotion_as_markdown(report, limit)


def review_as_markdown(review: Review, limit: int = LIMIT) -> str:
    """A review as a pull-request comment, at most ``limit`` characters."""
    parts = [Part(f"### {review.headline}\n\n"), *_refusals(review.refusals)]
    untouched = ""
    for environment, connections, stay in review.in_environments():
        stays = f"{number(stay, 'client|clients')} {'stays as it is' if stay == 1 else 'stay as they are'}"
        if not connections:
            untouched += f"{heading(environment)}: no change, {stays}.\n\n"
            continue
        change = number(len(connections), "client changes|clients change")
        also = f", {stays.replace(' client ', ' ').replace(' clients ', ' ')}" if stay else ""
        parts.append(Part(f"#### {heading(environment)}: {change}{also}\n\n"))
        parts += table(connections, review.connections.index(connections[0]))
    parts.append(Part(untouched))
    parts += [Part(f"{markdown(note, WHOLE)}\n\n") for note in review.notes]
    parts += _details(review.connections)
    if len(review.connections) > _FEW_CLIENTS:
        parts.append(Part(f"\nBy kind: {', '.join(f'{count:,} `{kind}`' for kind, count in review.counts.items())}\n"))
    return _fitted(parts, _WHOLE_TEXT, limit)


def drift_as_markdown(report: Drift, limit: int = LIMIT) -> str:
    """A drift report as the body of an issue, at most ``limit`` characters."""
    parts = [Part(f"### {report.headline}\n\n")]
    if report.healed is not None:
        said = "Repaired" if report.healed else "Not all of it could be repaired"
        parts += [Part(f"{said}:\n\n"), *table(report.repaired, undone=report.healed)]
    parts += _refusals(report.problems)
    if report.by_hand:
        parts += [Part("#### Changed by hand\n\n"), *table(report.by_hand)]
    if report.not_applied:
        parts += [Part("#### Declared, not applied yet\n\n"), *table(report.not_applied, len(report.by_hand))]
    parts += _details((*report.by_hand, *report.not_applied))
    parts += _lines(
        KEYS,
        "\n#### Keys that end soon\n\n| ends | client | key | thumbprint |\n|---|---|---|---|\n",
        [
            f"| {key.ends} | **{markdown(key.organisation)}** · {markdown(key.application)} | {code(key.kid)} | "
            f"{code(key.thumbprint or '?')} |\n"
            for key in report.expiring
        ],
    )
    parts += _lines(
        UNDECLARED,
        f"\n<details><summary>Clients that nobody declares: {len(report.undeclared):,}</summary>\n\n",
        [
            f"- {markdown(client.client_name)}: {code(client.client_id)} on {client.platform}"
            f"{f', made by {code(client.made_by)}' if client.made_by else ''}\n"
            for client in report.undeclared
        ],
        "\n</details>\n",
    )
    if report.by_hand:
        parts.append(Part(f"\nRepair what was changed by hand: `acmidm drift --stack {report.stack} --heal`, or change the forms.\n"))
    parts += [Part(f"\n{markdown(note, WHOLE)}\n") for note in report.notes]
    parts.append(Part(f"\n{number(report.clients, 'client|clients')}, checked at {report.checked_at:%Y-%m-%d %H:%M} UTC\n"))
    return _fitted(parts, f"`acmidm drift --stack {report.stack}`", limit)


def status_as_markdown(status: Status, limit: int = LIMIT) -> str:
    """A table, at most ``limit`` characters; the last rows are left out first."""
    top = "\n| where | client | client-ID | scopes | keys | products |\n|---|---|---|---|---|---|\n"
    parts = [Part(f"### {markdown(status.title)}\n"), Part(top, around=ROWS)]
    parts += [Part(_row(one), ROWS, place) for place, one in enumerate(status.connections)]
    return _fitted(parts, _WHOLE_TEXT, limit, "the last ones")


def promotion_as_markdown(report: Promotion, limit: int = LIMIT) -> str:
    """What differs and what is checked, at most ``limit`` characters."""
    parts = [Part(f"### {markdown(report.title, WHOLE)}\n\n")]
    for title, differences in report.grouped:
        parts.append(Part(f"#### {title[0].upper()}{title[1:]}\n\n"))
        for one in differences:
            both = f": {code(one.tni or 'nothing')} → {code(one.prod or 'nothing')}" if one.side is Side.BOTH else ""
            line = f"- {one.what} {code(one.name)}{both}{' (offered there only)' if one.expected else ''}\n"
            parts.append(Part(line, DIFFERENCES, len(parts)))
        parts.append(Part("\n"))
    parts.append(Part(f"#### Ready for production: {'yes' if report.ready else 'not yet'}\n\n"))
    for check in report.checks:
        condition = "" if check.required else " (no condition)"
        parts.append(Part(f"- [{'x' if check.passed else ' '}] {markdown(check.text, WHOLE)}{condition}\n"))
    parts.append(Part(f"\n{markdown(report.same)}\n"))
    return _fitted(parts, _WHOLE_TEXT, limit, "the last ones")


def _refusals(problems: Sequence[str]) -> Iterator[Part]:
    for place, problem in enumerate(problems):
        yield Part(f"> **refused** {markdown(problem, WHOLE)}\n>\n", PROBLEMS, place)
    if problems:
        yield Part("\n")


def _lines(what: str, top: str, lines: Sequence[str], bottom: str = "") -> Iterator[Part]:
    if not lines:
        return
    yield Part(top, around="" if bottom else what)
    yield from (Part(line, what, place) for place, line in enumerate(lines[:_LISTED]))
    yield Part((f"\nand {len(lines) - _LISTED:,} more\n" if len(lines) > _LISTED else "") + bottom)


def table(connections: Sequence[ConnectionChanges], first: int = 0, *, undone: bool = False) -> Iterator[Part]:
    """The clients, most dangerous first; ``first`` is the place of the first of them in the whole report.

    ``undone`` where what changed is over, and no danger any more.
    """
    if not connections:
        return
    yield Part("| | client | what changes |\n|---|---|---|\n")
    for place, connection in enumerate(connections, start=first):
        severity = "" if undone or connection.severity is Severity.NOTICE else f"**{connection.severity}**"
        cell = "<br>".join(_in_row(connection, emphasised=bool(severity)))
        more = len(connection.changes) - _CHANGES_IN_ROW
        cell += f"<br>and {more} more" if more > 0 else ""
        cell += f"<br>{_in_markdown(connection.by_one)}" if connection.by_one else ""
        names = "<br>".join(code(name) for name in filter(None, (connection.key, connection.form, connection.client_id)))
        yield Part(f"| {severity} | {_name(connection)}<br>{names} | {cell} |\n", ROWS, place)
    yield Part("\n")


def _in_row(connection: ConnectionChanges, *, emphasised: bool) -> Iterator[str]:
    """The sentences of a row; where the first is not what makes it dangerous, those that do stand out."""
    emphasised &= connection.changes[0].severity is not connection.severity
    for change in connection.changes[:_CHANGES_IN_ROW]:
        said = _sentence(change, connection)
        if emphasised and change.severity is connection.severity:
            words = next(named(change)).text.strip()
            said = f"**{words}**{said.removeprefix(words)}"
        yield said


def _details(connections: Sequence[ConnectionChanges]) -> Iterator[Part]:
    """What is known of each client beside its row, folded; nothing of one whose row has it all. Then what all of them keep."""
    found = [(place, connection, lines) for place, connection in enumerate(connections) if (lines := list(_detail_lines(connection)))]
    for place, connection, lines in found:
        # Where not all fits, all of them get as much, in half of the page.
        short = _folded(connection, _shortened(lines, max(LIMIT // 2 // len(found), _SHORTEST_FOLD)))
        whole = _folded(connection, lines)
        yield Part(whole, DETAILS, place, short=short if len(short) < len(whole) else "")
    staying = [(place, connection) for place, connection in enumerate(connections) if any(connection.stays.names)]
    if staying:
        yield Part("<details><summary>What stays as it is</summary>\n\n", around=STAYS)
        for place, connection in staying:
            kinds = zip(("scopes", "keys", "products"), connection.stays.names, strict=True)
            kept = "; ".join(f"{word} {_listed(names)}" for word, names in kinds if names)
            yield Part(f"- {_name(connection)} on {connection.environment}: {kept}\n", STAYS, place)
        yield Part("\n</details>\n", around=STAYS)


def _folded(connection: ConnectionChanges, lines: Sequence[str]) -> str:
    summary = f"{in_tag(connection.organisation)} · {in_tag(connection.application)} on {connection.environment}"
    platform = f" ({connection.platform})" if connection.platform is not Platform.ACMIDM else ""
    return "\n".join((f"<details><summary>Details: {summary}{platform}</summary>\n", *lines, "\n</details>\n"))


def _shortened(lines: Sequence[str], longest: int) -> list[str]:
    shown: list[str] = []
    for line in lines:
        if sum(map(len, shown)) + len(line) > longest:
            return [*shown, f"- and {number(len(lines) - len(shown), 'more line|more lines')}"]
        shown.append(line)
    return shown


def _detail_lines(connection: ConnectionChanges) -> Iterator[str]:
    for place, change in enumerate(connection.changes):
        in_sentence = not fields_below(change) and all(len(_field(one)) < 100 for one in change.fields)
        fields = () if in_sentence else change.fields
        if place >= _CHANGES_IN_ROW:
            yield f"- {_sentence(change, connection)}"
        elif fields:
            yield f"- {_in_markdown(named(change))}"
        yield from (f"  - {_field(field)}" for field in fields[:_FIELDS_SHOWN])
        if len(fields) > _FIELDS_SHOWN:
            yield f"  - and {len(fields) - _FIELDS_SHOWN} more fields"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(code(name) for name in names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _sentence(change: Change, connection: ConnectionChanges) -> str:
    by = "" if connection.sole_author else _in_markdown(who(change.changed_by, change.changed_at))
    return f"{_in_markdown(pieces(change))}{f' ({by})' if by else ''}"


def _field(field: FieldChange) -> str:
    return f"{markdown(field.field)} {' → '.join(code(value, WHOLE) for value in values(field) if value is not None)}"


def _name(connection: ConnectionChanges) -> str:
    platform = f" ({connection.platform})" if connection.platform is not Platform.ACMIDM else ""
    return f"**{markdown(connection.organisation)}** · {markdown(connection.application)}{platform}"


def _row(one: ListedConnection) -> str:
    keys = "<br>".join(f"**{markdown(key.text)}**" if key.ends_soon else markdown(key.text) for key in one.keys or ())
    cells = (
        markdown(one.where),
        f"**{markdown(one.organisation)}** · {markdown(one.application)}",
        code(one.client_id or ""),
        "<br>".join(code(scope) for scope in one.scopes),
        (keys + (" (in the portal)" if one.keys_in_portal else "")) if keys else one.without_keys,
        "<br>".join(markdown(product) for product in one.products),
    )
    return f"| {' | '.join(cells)} |\n"


def _fitted(parts: Sequence[Part], remedy: str, limit: int, which: str = "the least dangerous first") -> str:
    """The page, at most ``limit`` characters, with a sentence about what is not there; its length counts."""
    everything = Counter(part.what for part in parts if part.what)
    if sum(len(part.text) for part in parts) <= limit:
        return _joined(parts, set(range(len(parts))))
    shortened = {place for place, part in enumerate(parts) if part.short}
    parts = [replace(part, text=part.short or part.text) for part in parts]
    room = limit - sum(len(part.text) for part in parts if not part.what)
    room -= len(_left_out(everything + Counter({_SHORTENED: len(shortened)}), remedy, which))
    taken: set[int] = set()
    full: set[str] = set()
    for place in sorted((place for place, part in enumerate(parts) if part.what), key=lambda place: parts[place].rank):
        part = parts[place]
        if len(part.text) > room and part.what == ROWS:
            break  # details without their row would be about nobody
        if len(part.text) > room or part.what in full:
            full.add(part.what)  # a gap in the order would look as if there were nothing
            continue
        taken.add(place)
        room -= len(part.text)
    missing = everything - Counter(parts[place].what for place in taken)
    missing[_SHORTENED] = len(shortened & taken)
    return _joined(parts, taken) + _left_out(missing, remedy, which)


def _left_out(missing: Counter[str], remedy: str, which: str) -> str:
    said = ", ".join(number(missing[what], words) for what, words in _LEFT_OUT.items() if missing[what])
    return f"\n**Left out for length**, {which}: {said}. All of it: {remedy}\n"


def _joined(parts: Sequence[Part], taken: set[int]) -> str:
    """The parts that must be there and those at the places that were ``taken``, in their order."""
    there = {parts[place].what for place in taken} | {""}
    return "".join(part.text for place, part in enumerate(parts) if (place in taken or not part.what) and part.around in there)


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


def _in_markdown(found: Iterable[Piece]) -> str:
    return "".join(code(piece.text, WHOLE) if piece.value else markdown(piece.text, WHOLE) for piece in found)


def _without_references(text: str) -> str:
    """Without what is made a link after the Markdown is read: there an entity is a character again, hence something between."""
    text = text.replace("@", f"@{_NOTHING}")
    text = re.sub(r":(?=//|[\w+-]+:)", f":{_NOTHING}", text)
    text = re.sub(r"(?i)www(?=\.)", lambda found: f"{found[0]}{_NOTHING}", text)
    text = re.sub(r"(?<!&)#(?=\d)", f"#{_NOTHING}", text)
    return re.sub(r"(?i)\bGH-(?=\d)", lambda found: f"{found[0]}{_NOTHING}", text)
