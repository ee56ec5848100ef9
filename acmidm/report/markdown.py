"""Reports as Markdown: the headline, a table that is read at a glance, details folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from acmidm.report.changes import Change, ConnectionChanges, FieldChange, Review
from acmidm.report.escape import code, in_tag, markdown, pieces_in_markdown
from acmidm.report.fit import LIMIT, Part, detail_rank, fitted, row_rank
from acmidm.report.kinds import Kind, Severity
from acmidm.report.words import pieces
from components.model.form import Environment, Platform

ENVIRONMENTS = {Environment.PROD: "Production", Environment.TNI: "TNI"}
_ROWS, _DETAILS = "rows", "details"
_CHANGES_IN_ROW = 4
_FIELDS_SHOWN = 40


def review_as_markdown(review: Review, limit: int = LIMIT) -> str:
    """A review as a pull-request comment, at most ``limit`` characters."""
    parts = [Part(f"### {review.headline}\n\n")]
    parts += [Part(f"> **refused** {markdown(problem)}\n>\n") for problem in review.problems[:20]]
    parts.append(Part("\n" if review.problems else ""))
    for environment in (Environment.PROD, Environment.TNI):
        if environment in review.environments:
            parts += _environment(review, environment)
    parts += details(review.connections)
    parts.append(Part(_totals(review.counts) if len(review.connections) > 1 else ""))
    return fitted(parts, lambda missing: left_out(missing, "acmidm review --output text"), limit)


def left_out(missing: Counter[str], command: str, which: str = "the least dangerous first") -> str:
    """What a page says of what did not fit."""
    said = [
        f"{missing[what]:,} {words}" for what, words in ((_ROWS, "clients of the tables"), (_DETAILS, "clients' details")) if missing[what]
    ]
    return f"\n**Left out for length**, {which}: {' and '.join(said)}. All of it: `{command}`\n"


def _environment(review: Review, environment: Environment) -> Iterator[Part]:
    connections = [one for one in review.connections if one.environment is environment]
    stay = review.unchanged.get(environment, 0)
    stays = f"{_clients(stay)} {'stays as it is' if stay == 1 else 'stay as they are'}"
    yield Part(
        f"#### {ENVIRONMENTS[environment]}: {_clients(len(connections))} {'changes' if len(connections) == 1 else 'change'}, {stays}\n\n"
    )
    first = review.connections.index(connections[0]) if connections else 0
    yield from table(connections, first)


def table(connections: Sequence[ConnectionChanges], first: int = 0) -> Iterator[Part]:
    """The clients, most dangerous first; ``first`` is the place of the first of them in the whole report."""
    if not connections:
        return
    yield Part("| | client | what changes |\n|---|---|---|\n")
    for place, connection in enumerate(connections, start=first):
        severity = "" if connection.severity is Severity.NOTICE else f"**{connection.severity}**"
        told = "<br>".join(_sentence(change) for change in connection.changes[:_CHANGES_IN_ROW])
        more = len(connection.changes) - _CHANGES_IN_ROW
        told += f"<br>and {more} more" if more > 0 else ""
        yield Part(f"| {severity} | {_client(connection)} | {told} |\n", row_rank(place), _ROWS)
    yield Part("\n")


def details(connections: Sequence[ConnectionChanges]) -> Iterator[Part]:
    """All that is known of each client, folded."""
    for place, connection in enumerate(connections):
        yield Part(_details(connection), detail_rank(place), _DETAILS)


def _details(connection: ConnectionChanges) -> str:
    number = len(connection.changes)
    summary = f"{in_tag(connection.organisation)} · {in_tag(connection.application)} on {connection.environment}"
    platform = f" ({connection.platform})" if connection.platform is not Platform.ACMIDM else ""
    lines = [f"<details><summary>{summary}{platform}: {number} change{'' if number == 1 else 's'}</summary>\n"]
    for change in connection.changes:
        lines.append(f"- {_sentence(change)}")
        lines += [f"  - {_field(field)}" for field in change.fields[:_FIELDS_SHOWN]] if not _told_whole(change) else []
        if len(change.fields) > _FIELDS_SHOWN:
            lines.append(f"  - and {len(change.fields) - _FIELDS_SHOWN} more fields")
    stays = [
        f"{word} {', '.join(code(name) for name in names[:10])}{f' and {len(names) - 10} more' if len(names) > 10 else ''}"
        for word, names in (
            ("scopes", connection.stays.scopes),
            ("keys", connection.stays.keys),
            ("products", connection.stays.products),
        )
        if names
    ]
    lines += [f"- stays: {'; '.join(stays)}"] if stays else []
    client = f", client {code(connection.client_id)}" if connection.client_id else ""
    lines.append(f"\nForm {code(connection.form)}{client}\n\n</details>\n")
    return "\n".join(lines)


_IN_SENTENCE = 3
_LISTED = frozenset({Kind.CLIENT_REMOVED, Kind.PRODUCT_CONFIGURED, Kind.PRODUCT_REMOVED})


def _told_whole(change: Change) -> bool:
    """Whether its sentence holds its fields already."""
    return change.kind not in _LISTED and len(change.fields) <= _IN_SENTENCE and all(len(_field(one)) < 100 for one in change.fields)


def _sentence(change: Change) -> str:
    who = f" by {code(change.changed_by)}" if change.changed_by else ""
    when = f" at {change.changed_at:%Y-%m-%d %H:%M} UTC" if change.changed_at else ""
    return f"{pieces_in_markdown(list(pieces(change)))}{f' ({(who + when).strip()})' if who or when else ''}"


def _field(field: FieldChange) -> str:
    if field.new is None:
        return f"{markdown(field.field)} {code(field.old or '')}"
    if field.old is None:
        return f"{markdown(field.field)} {code(field.new)}"
    return f"{markdown(field.field)} {code(field.old)} → {code(field.new)}"


def _client(connection: ConnectionChanges) -> str:
    platform = f" ({connection.platform})" if connection.platform is not Platform.ACMIDM else ""
    return f"**{markdown(connection.organisation)}** · {markdown(connection.application)}{platform}"


def _totals(counts: dict[Kind, int]) -> str:
    listed = ", ".join(f"{number:,} `{kind}`" for kind, number in counts.items())
    return f"\nBy kind: {listed}\n" if listed else ""


def _clients(number: int) -> str:
    return "1 client" if number == 1 else f"{number:,} clients"
