"""Reports as Markdown: the headline, a table that is read at a glance, details folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from acmidm.report.changes import Change, ConnectionChanges, FieldChange, Review
from acmidm.report.escape import code, in_tag, markdown, pieces_in_markdown
from acmidm.report.fit import (
    DETAILS,
    DIFFERENCES,
    KEYS,
    LIMIT,
    PROBLEMS,
    ROWS,
    SHORTENED,
    STAYS,
    UNMANAGED,
    Part,
    detail_rank,
    fitted,
    problem_rank,
    row_rank,
    stays_rank,
)
from acmidm.report.kinds import Kind, Severity
from acmidm.report.words import WHOLE, by_one, fields_below, heading, named, pieces, values, who
from acmidm.terminal import counted
from components.model.form import Environment, Platform

_CHANGES_IN_ROW = 4
_FIELDS_SHOWN = 40
_SHORTEST_FOLD = 2_000
"""Characters that a client's details may take however many clients there are."""
_FEW_CLIENTS = 10
"""Up to so many, the tables themselves say how much of which kind there is."""


_LEFT_OUT = {
    PROBLEMS: "refusal|refusals",
    ROWS: "client of the tables|clients of the tables",
    DETAILS: "client's details|clients' details",
    SHORTENED: "client's details in part|clients' details in part",
    STAYS: "client's list of what stays|clients' lists of what stays",
    KEYS: "key that ends soon|keys that end soon",
    UNMANAGED: "client that nobody declares|clients that nobody declares",
    DIFFERENCES: "difference|differences",
}


def review_as_markdown(review: Review, limit: int = LIMIT) -> str:
    """A review as a pull-request comment, at most ``limit`` characters."""
    parts = [Part(f"### {review.headline}\n\n")]
    parts += refusals(review.problems)
    for environment in (Environment.PROD, Environment.TNI):
        parts += _environment(review, environment)
    parts.append(Part(_untouched(review)))
    parts += [Part(f"{markdown(note, WHOLE)}\n\n") for note in review.notes]
    parts += details(review.connections)
    parts.append(Part(_totals(review.counts) if len(review.connections) > _FEW_CLIENTS else ""))
    return fitted(parts, lambda missing: left_out(missing, "the same command with `--output text`"), limit)


def left_out(missing: Counter[str], remedy: str, which: str = "the least dangerous first") -> str:
    """What a page says of what did not fit."""
    said = ", ".join(f"{missing[what]:,} {words.split('|')[missing[what] != 1]}" for what, words in _LEFT_OUT.items() if missing[what])
    return f"\n**Left out for length**, {which}: {said}. All of it: {remedy}\n"


def refusals(problems: Sequence[str]) -> Iterator[Part]:
    for place, problem in enumerate(problems):
        yield Part(f"> **refused** {markdown(problem, WHOLE)}\n>\n", problem_rank(place), PROBLEMS)
    if problems:
        yield Part("\n")


def _environment(review: Review, environment: Environment) -> Iterator[Part]:
    connections = [one for one in review.connections if one.environment is environment]
    if not connections:
        return
    stay = review.unchanged.get(environment, 0)
    stays = f", {stay:,} {'stays as it is' if stay == 1 else 'stay as they are'}" if stay else ""
    change = f"{counted(len(connections), 'client')} {'changes' if len(connections) == 1 else 'change'}"
    yield Part(f"#### {heading(environment)}: {change}{stays}\n\n")
    yield from table(connections, review.connections.index(connections[0]))


def _untouched(review: Review) -> str:
    """One line about the environments where nothing changes; one without a client is not worth a word."""
    changed = {connection.environment for connection in review.connections}
    said = [
        f"{heading(environment)}: no change, {counted(stay, 'client')} {'stays as it is' if stay == 1 else 'stay as they are'}."
        for environment in (Environment.PROD, Environment.TNI)
        if environment not in changed and (stay := review.unchanged.get(environment, 0))
    ]
    return "".join(f"{line}\n\n" for line in said)


def table(connections: Sequence[ConnectionChanges], first: int = 0, *, undone: bool = False) -> Iterator[Part]:
    """The clients, most dangerous first; ``first`` is the place of the first of them in the whole report.

    ``undone`` where what changed is over, and no danger any more.
    """
    if not connections:
        return
    yield Part("| | client | what changes |\n|---|---|---|\n")
    for place, connection in enumerate(connections, start=first):
        severity = "" if undone or connection.severity is Severity.NOTICE else f"**{connection.severity}**"
        told = "<br>".join(_in_row(connection, emphasised=bool(severity)))
        more = len(connection.changes) - _CHANGES_IN_ROW
        told += f"<br>and {more} more" if more > 0 else ""
        told += f"<br>{pieces_in_markdown(list(by_one(connection)))}" if connection.sole_author else ""
        yield Part(f"| {severity} | {_client(connection)} | {told} |\n", row_rank(place), ROWS)
    yield Part("\n")


def _in_row(connection: ConnectionChanges, *, emphasised: bool) -> Iterator[str]:
    """The sentences of a row; where the first is not what makes it dangerous, those that do stand out."""
    emphasised &= connection.changes[0].severity is not connection.severity
    for change in connection.changes[:_CHANGES_IN_ROW]:
        told = _sentence(change, connection)
        if emphasised and change.severity is connection.severity:
            words = next(named(change)).text.strip()
            told = f"**{words}**{told.removeprefix(words)}"
        yield told


def details(connections: Sequence[ConnectionChanges]) -> Iterator[Part]:
    """What is known of each client beside its row, folded; nothing of one whose row says it all."""
    told = [(place, connection, lines) for place, connection in enumerate(connections) if (lines := list(_details(connection)))]
    for place, connection, lines in told:
        # Where not all fits, all of them get as much, in half of the page.
        short = _folded(connection, _shortened(lines, max(LIMIT // 2 // len(told), _SHORTEST_FOLD)))
        whole = _folded(connection, lines)
        yield Part(whole, detail_rank(place), DETAILS, short=short if len(short) < len(whole) else "")
    yield from _stays(connections)


def _folded(connection: ConnectionChanges, lines: Sequence[str]) -> str:
    summary = f"{in_tag(connection.organisation)} · {in_tag(connection.application)} on {connection.environment}"
    platform = f" ({connection.platform})" if connection.platform is not Platform.ACMIDM else ""
    return "\n".join((f"<details><summary>Details: {summary}{platform}</summary>\n", *lines, "\n</details>\n"))


def _shortened(lines: Sequence[str], longest: int) -> list[str]:
    shown: list[str] = []
    for line in lines:
        if sum(map(len, shown)) + len(line) > longest:
            return [*shown, f"- and {counted(len(lines) - len(shown), 'more line')}"]
        shown.append(line)
    return shown


def _details(connection: ConnectionChanges) -> Iterator[str]:
    for place, change in enumerate(connection.changes):
        in_row, fields = place < _CHANGES_IN_ROW, [] if _told_whole(change) else change.fields
        if not in_row:
            yield f"- {_sentence(change, connection)}"
        elif fields:
            yield f"- {pieces_in_markdown(list(named(change)))}"
        yield from (f"  - {_field(field)}" for field in fields[:_FIELDS_SHOWN])
        if len(fields) > _FIELDS_SHOWN:
            yield f"  - and {len(fields) - _FIELDS_SHOWN} more fields"


def _stays(connections: Sequence[ConnectionChanges]) -> Iterator[Part]:
    """What the clients keep, in one fold."""
    told = [(place, connection) for place, connection in enumerate(connections) if any(connection.stays.names)]
    if not told:
        return
    yield Part("<details><summary>What stays as it is</summary>\n\n", around=STAYS)
    for place, connection in told:
        kept = "; ".join(f"{word} {_listed(names)}" for word, names in zip(_KEPT, connection.stays.names, strict=True) if names)
        yield Part(f"- {_name(connection)} on {connection.environment}: {kept}\n", stays_rank(place), STAYS)
    yield Part("\n</details>\n", around=STAYS)


_KEPT = ("scopes", "keys", "products")
_NAMES_SHOWN = 10


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMES_SHOWN
    return ", ".join(code(name) for name in names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _told_whole(change: Change) -> bool:
    """Whether its sentence holds its fields already."""
    return not fields_below(change) and all(len(_field(one)) < 100 for one in change.fields)


def _sentence(change: Change, connection: ConnectionChanges) -> str:
    by = "" if connection.sole_author else pieces_in_markdown(list(who(change.changed_by, change.changed_at)))
    return f"{pieces_in_markdown(list(pieces(change)))}{f' ({by})' if by else ''}"


def _field(field: FieldChange) -> str:
    told = " → ".join(code(value, WHOLE) for value in values(field) if value is not None)
    return f"{markdown(field.field)} {told}"


def _client(connection: ConnectionChanges) -> str:
    known_as = f"<br>{code(connection.client_id)}" if connection.client_id else ""
    return f"{_name(connection)}<br>{code(connection.form)}{known_as}"


def _name(connection: ConnectionChanges) -> str:
    platform = f" ({connection.platform})" if connection.platform is not Platform.ACMIDM else ""
    return f"**{markdown(connection.organisation)}** · {markdown(connection.application)}{platform}"


def _totals(counts: dict[Kind, int]) -> str:
    listed = ", ".join(f"{number:,} `{kind}`" for kind, number in counts.items())
    return f"\nBy kind: {listed}\n" if listed else ""
