"""The report of connections: a list, the board of the guide's steps, or the list of an API's owner.
They are views of the same rows, and differ in their columns alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple

from acmidm.desk.progress import to_do
from acmidm.desk.status import STEPS, ListedConnection, Step, UnusedMandate, WaitsFor
from acmidm.report.compare import SOON_DAYS
from acmidm.report.connection import ENVIRONMENTS, environment_name
from acmidm.report.document import (
    Document,
    Filter,
    Group,
    Items,
    Line,
    Piece,
    Row,
    Section,
    Shape,
    Table,
    Tone,
    in_line,
)
from acmidm.report.kinds import Report
from acmidm.words import WHOLE, day, plain, with_search
from acmidm_onboarding.texts import (
    N_,
    NN_,
    Counted,
    ntr,
    ntranslated,
    spoken,
    tr,
    translated,
)
from acmidm_onboarding.values.problems import both
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform

_LONGEST_VALUE = 4_000
_LONG_DAYS = 90
"""The other choice of a page's filter of what ends."""
_WHOM: Mapping[WaitsFor | None, str] = {
    WaitsFor.ORGANISATION: N_("the organisation"),
    WaitsFor.US: N_("Digitaal Vlaanderen"),
    WaitsFor.AUTHORITY: N_("the platform"),
    WaitsFor.API_OWNER: N_("the owner of the API"),
    None: "",
}
"""What people read for whom it waits for."""


class View(StrEnum):
    """What somebody wants to see of connections."""

    LIST = "list"
    BOARD = "board"
    API = "api"


def _items_of(values: Iterable[str]) -> Items:
    return [[Piece(plain(value))] for value in values if value]


def _whose(connection: ListedConnection) -> Items:
    return _items_of([*connection.codes, *connection.contacts])


def _scopes(connection: ListedConnection) -> Items:
    """Return the scopes of a connection, each with its reason where that is known, and its last day
    where it has one."""
    ends = {ending.scope: ending for ending in connection.scopes_until}
    items = []
    for scope in connection.scopes:
        item = [Piece(plain(scope), Tone.VALUE)]
        if scope in connection.reasons:
            item.append(Piece(f" ({plain(connection.reasons[scope])})"))
        if scope in ends:
            item += [Piece(" "), ends[scope].toned_ending]
        items.append(item)
    return items


def _keys(connection: ListedConnection) -> Items:
    """Return the keys of a connection, each with its end; or how it authenticates without keys."""
    where = f" ({tr('in the portal')})" if connection.keys_in_portal else ""
    if connection.keys:
        return [[*key.pieces, Piece(where, Tone.NOTICE)] for key in connection.keys]
    return _items_of([_in_place_of_keys(connection)])


def _in_place_of_keys(connection: ListedConnection) -> str:
    """Return what the list has where it shows no key: how the client authenticates, or that nobody
    knows."""
    if connection.jwks_uri:
        return tr("at {address}", address=connection.jwks_uri)
    if connection.token_endpoint_auth_method != AuthMethod.PRIVATE_KEY_JWT:
        return tr("client secret")
    if connection.keys is not None:
        return tr("none yet")
    if connection.client_id is None:
        return tr("not known")
    return tr("unknown: in the portal, which cannot be reached")


def _mandate(connection: ListedConnection) -> Items:
    return [connection.mandate.pieces] if connection.mandate else []


def _scopes_that_end(connection: ListedConnection) -> Items:
    return [ending.pieces for ending in connection.scopes_until]


def _leaves(connection: ListedConnection) -> Items:
    return [[Piece(when, Tone.WARNING)] for when in connection.leaving]


def _whom(connection: ListedConnection) -> str:
    return translated(_WHOM[connection.waits_for])


def _turn(connection: ListedConnection) -> Items:
    """Return whom a connection waits for, and since when. Where it waits for nobody, return since
    when it is done, if that is known."""
    items = []
    if connection.waits_for:
        whom = tr("waits for {whom}", whom=_whom(connection))
        items.append([Piece(whom, Tone.STRONG)])
    if connection.since:
        since = tr("since {day}", day=spoken().day(connection.since))
        items.append([Piece(since, Tone.NOTICE)])
    elif connection.waits_for:
        items.append([Piece(tr("since: not known"), Tone.NOTICE)])
    return items


def _task(connection: ListedConnection) -> Items:
    """Return what must be done, without the command that does it: not everybody who reads a page
    has a shell."""
    return [[Piece(plain(to_do(connection, spoken(), with_command=False), WHOLE))]]


def _scope(connection: ListedConnection) -> str:
    return ", ".join(connection.scopes) or tr("none: it is configured alone")


def _why(connection: ListedConnection) -> str:
    return ", ".join(connection.reasons.values()) or tr("none given")


def _last_day(connection: ListedConnection) -> str:
    return str(connection.last_day or tr("no end"))


def _last_token(connection: ListedConnection) -> str:
    if connection.last_token_at:
        return day(connection.last_token_at)
    return tr("unknown") if "last_token" in connection.unknown else tr("never")


class Column(NamedTuple):
    """A column of a view: its label, and what it has of a connection."""

    label: str
    items: Callable[[ListedConnection], Items]
    separator: str = ", "
    """Between its items in a line."""
    on_page: str = ""
    """The name of the column that a page has in its place; empty where it has the same."""

    @property
    def title(self) -> str:
        return translated(self.label)


_COLUMNS = {
    "step": Column(
        N_("step"),
        lambda client: [[Piece(client.step_title)], *_turn(client)],
        separator=" · ",
        on_page="turn",
    ),
    "to_do": Column(
        N_("to do"),
        lambda client: [[Piece(plain(client.to_do, WHOLE))]],
        on_page="task",
    ),
    "turn": Column(N_("waits for"), _turn),
    "task": Column(N_("to do"), _task),
    "whose": Column(N_("whose"), _whose),
    "scopes": Column(N_("scopes"), _scopes),
    "keys": Column(N_("keys"), _keys),
    "mandate": Column(N_("mandate"), _mandate),
    "ends": Column(N_("scopes"), _scopes_that_end),
    "acts_for": Column(N_("acts for"), lambda client: _items_of(client.acts_for)),
    "products": Column(N_("products"), lambda client: _items_of(client.products)),
    "leaves": Column(N_("leaves"), _leaves),
    "scope": Column(N_("scope"), lambda client: [[Piece(plain(_scope(client)), Tone.VALUE)]]),
    "why": Column(N_("why"), lambda client: _items_of([_why(client)])),
    "last_day": Column(N_("last day"), lambda client: _items_of([_last_day(client)])),
    "last_token": Column(N_("last token"), lambda client: _items_of([_last_token(client)])),
}
_CELLS: Mapping[str, Callable[[ListedConnection], Any]] = {
    "first_end": lambda client: client.ends,
    "leaves": lambda client: client.leaving,
    "step": lambda client: client.step_title,
    "waits_for": _whom,
    "scope": _scope,
    "why": _why,
    "last_day": _last_day,
    "last_token": _last_token,
}
"""The cells of a spreadsheet that are no field of a connection, or have it in words, by the name
of their column. Every other cell is the field of that name."""
_WHO = ("organisation", "codes", "application", "environment", "platform", "stack", "client_id")
_WHOLE_ROW = (*_WHO, "contacts", "scopes", "products", "keys", "mandate", "first_end", "leaves")


class Layout(NamedTuple):
    """What a view shows: names of columns, in their order."""

    title: Counted
    note: str
    columns: Sequence[str]
    """On a terminal and a page: names in ``_COLUMNS``."""
    folded: Collection[str]
    """Those that are less important: a page shows them once somebody unfolds the row."""
    table: Sequence[str]
    """The columns of a spreadsheet: names in ``_CELLS``, else of fields."""
    foot: str = ""


_MADE = N_("As the last pulumi up left them; made at {at} UTC.")
_LAYOUTS = {
    View.LIST: Layout(
        NN_("{count} connection on {stacks}", "{count} connections on {stacks}"),
        _MADE,
        columns=("whose", "scopes", "keys", "mandate", "acts_for", "products", "leaves"),
        folded=("whose", "mandate", "acts_for", "leaves"),
        table=(*_WHOLE_ROW, "scopes_until"),
    ),
    View.BOARD: Layout(
        NN_(
            "Where each connection stands: 1 connection",
            "Where each connection stands: {count} connections",
        ),
        N_("As of {at} (UTC), by the forms, what was carried out, the platforms and the evidence."),
        columns=("step", "to_do", "whose", "keys", "mandate", "ends"),
        folded=("keys", "mandate", "ends"),
        table=(*_WHOLE_ROW, "scopes_until", "step", "waits_for", "since", "to_do"),
    ),
    View.API: Layout(
        NN_(
            "{count} client has access to {api} on {stacks}",
            "{count} clients have access to {api} on {stacks}",
        ),
        _MADE,
        columns=("whose", "scope", "why", "last_day", "last_token"),
        folded=("whose",),
        table=(*_WHO, "contacts", "scope", "why", "last_day", "last_token"),
        foot=N_(
            "The last token is the client's, for whatever API: no authority tells more, and some"
            " nothing."
        ),
    ),
}


class Status(Report):
    """Connections of one or more stacks, in a view."""

    view: View = View.LIST
    checked_at: datetime
    stacks: tuple[str, ...]
    search: str = ""
    api: str = ""
    """Whose list it is, where it is that of an API's owner."""
    connections: tuple[ListedConnection, ...]
    """In the list of an API's owner one for each scope of a client."""
    unused_mandates: tuple[UnusedMandate, ...] = ()

    @property
    def layout(self) -> Layout:
        return _LAYOUTS[self.view]

    @property
    def title(self) -> str:
        clients = {(row.stack, row.key, row.platform) for row in self.connections}
        title = ntranslated(
            self.layout.title, len(clients), stacks=both(self.stacks), api=plain(self.api)
        )
        return with_search(title, self.search)

    def as_document(self) -> Document:
        """Return every connection, with filters for a page, then the mandates that no form uses."""
        layout = self.layout
        rows = [self._row(connection) for connection in self.connections]
        sections = self._unused_mandates()
        if rows:
            sections.insert(0, Section(rows, shape=Shape.ROWS))
        elif not sections:
            sections.append(Section([Line([Piece(tr("No connection was found."))])]))
        foot = [translated(layout.foot)] if layout.foot else []
        groups = self._groups(rows) if self.view is View.BOARD else []
        return Document(
            self.title,
            sections,
            foot=foot,
            note=translated(layout.note, at=f"{self.checked_at:%Y-%m-%d %H:%M}"),
            summary=[*self._key_ends(), *self._waits()],
            filters=self._offered_filters(),
            groups=groups,
        )

    def as_table(self) -> Table:
        """Return a row per connection, then a row for each mandate that no form uses, in the same
        columns."""
        names = self.layout.table
        rows = [_cells(connection, names) for connection in self.connections]
        rows += map(_mandate_cells, self.unused_mandates)
        return Table(names, rows)

    def _row(self, connection: ListedConnection) -> Row:
        """Return a connection as a heading with a short line per column, for a terminal of 80
        characters, and the same columns as cells, for a page. A terminal has no line for a column
        that is empty."""
        organisation, application = plain(connection.organisation), plain(connection.application)
        code, where = plain(connection.client_id or tr("no client yet")), _where(connection)
        lines: list[Line] = []
        cells: dict[str, Items] = {}
        folded: dict[str, Items] = {}
        for name in self.layout.columns:
            column = _COLUMNS[name]
            if items := column.items(connection):
                label = Piece(column.title, Tone.NOTICE)
                lines.append(Line(in_line(items, column.separator), label))
            page_column = _COLUMNS[column.on_page or name]
            page_cells = folded if name in self.layout.folded else cells
            page_cells[page_column.title] = page_column.items(connection)
        return Row(
            [
                Piece(organisation, Tone.STRONG),
                Piece(f" · {application}  {where}  "),
                Piece(code, Tone.VALUE),
            ],
            lines=lines,
            title=organisation,
            name=application,
            code=code,
            where=where,
            is_production=connection.environment is Environment.PROD,
            cells=cells,
            folded=folded,
            filter_values=_filter_values(connection),
            note=connection.step_title,
        )

    def _groups(self, rows: Sequence[Row]) -> list[Group]:
        """Return each step of the guide with the cards of the board that stand there: a card is an
        application, as the ``rows`` of its connections."""
        by_application: dict[str, list[tuple[ListedConnection, Row]]] = {}
        for connection, row in zip(self.connections, rows, strict=True):
            by_application.setdefault(connection.key, []).append((connection, row))
        cards_by_step: dict[Step, list[Sequence[Row]]] = {step: [] for step in Step}
        for of_application in by_application.values():
            connections, card = zip(*of_application, strict=True)
            cards_by_step[_step_of_application(connections)].append(card)
        return [
            Group(step, translated(STEPS[step]), cards) for step, cards in cards_by_step.items()
        ]

    def _key_ends(self) -> list[Piece]:
        """Return how many keys have expired, and how many end soon, for the summary above the
        rows; nothing of a number that is zero."""
        days_left: list[int] = []
        for connection in self.connections:
            days_left += [key.days_left or 0 for key in connection.keys or () if key.ends_soon]
        expired = sum(days < 0 for days in days_left)
        ending = len(days_left) - expired
        pieces = []
        if expired:
            sentence = ntr("{count} key has expired", "{count} keys have expired", expired)
            pieces.append(Piece(sentence, Tone.DANGER))
        if ending:
            sentence = ntr(
                "{count} key ends within {days} days",
                "{count} keys end within {days} days",
                ending,
                days=SOON_DAYS,
            )
            pieces.append(Piece(sentence, Tone.WARNING))
        return pieces

    def _waits(self) -> list[Piece]:
        """Return how many connections wait for each of whom they wait for, for the summary."""
        counts = Counter(_whom(row) for row in self.connections if row.waits_for)
        return [Piece(f"{tr('Waits for')} {whom}: {count}") for whom, count in counts.items()]

    def _offered_filters(self) -> list[Filter]:
        """Return the filters of the page, each with its choices, as {value: what people read}. A
        filter without a choice is left out."""
        waits = {row.waits_for.value: _whom(row) for row in self.connections if row.waits_for}
        scopes = chain.from_iterable(connection.scopes for connection in self.connections)
        names = {scope: plain(scope) for scope in sorted(set(scopes))}
        ends = {
            "-1": tr("in the past"),
            f"{SOON_DAYS}": tr("within {days} days", days=SOON_DAYS),
            f"{_LONG_DAYS}": tr("within {days} days", days=_LONG_DAYS),
        }
        environments = {each.value: environment_name(each) for each in ENVIRONMENTS}
        filters = [
            Filter("environment", tr("Environment"), environments),
            Filter("waits", tr("Waits for"), waits),
            Filter("scope", tr("Scope"), names),
            Filter("days", tr("With an end"), ends),
        ]
        return [offered for offered in filters if offered.choices]

    def _unused_mandates(self) -> list[Section]:
        if not self.unused_mandates:
            return []
        heading = ntr(
            "{count} mandate that no form uses",
            "{count} mandates that no form uses",
            len(self.unused_mandates),
        )
        return [Section([_line_of_mandate(mandate) for mandate in self.unused_mandates], heading)]


def _line_of_mandate(mandate: UnusedMandate) -> Line:
    """Return the line of a mandate that no form uses."""
    allowed = f"{plain(mandate.organisation)}: {', '.join(mandate.applications)}"
    reference = f" ({plain(mandate.reference)})" if mandate.reference else ""
    return Line(
        [
            Piece(plain(mandate.supplier_name), Tone.STRONG),
            Piece(f"  {tr('acts for')} {allowed}, "),
            mandate.toned_ending,
            Piece(reference),
        ]
    )


def _step_of_application(connections: Sequence[ListedConnection]) -> Step:
    """Return where an application stands as a whole: at the first step of its connections at which
    somebody must do something, else at the last."""
    waiting = [row.step for row in connections if row.step and row.waits_for]
    return min(waiting) if waiting else max(row.step or Step.FORM for row in connections)


def _where(connection: ListedConnection) -> str:
    """Return the environment, the platform where that is GeoSecure, and the stack where its name is
    not that of the environment."""
    parts = [environment_name(connection.environment)]
    if connection.platform is not Platform.ACMIDM:
        parts.append("GeoSecure")
    if connection.stack != connection.environment:
        parts.append(tr("stack {stack}", stack=plain(connection.stack)))
    return ", ".join(parts)


def _filter_values(connection: ListedConnection) -> dict[str, str]:
    """Return the values of a connection that a page's filters and its search compare, such as
    {"environment": "tni", "days": "12"}."""
    days_left = connection.days_left
    days = "" if days_left is None else f"{days_left}"
    values = {
        "words": connection.words,
        "environment": connection.environment,
        "scope": " ".join(connection.scopes),
        "waits": connection.waits_for or "",
        "days": days,
    }
    return {name: plain(value, _LONGEST_VALUE) for name, value in values.items()}


def _cells(connection: ListedConnection, names: Iterable[str]) -> dict[str, str]:
    """Return what a spreadsheet has of a connection, as {name of the column: cell}."""
    cells = {}
    for name in names:
        value = _CELLS[name](connection) if name in _CELLS else getattr(connection, name)
        cells[name] = _in_cell(value)
    return cells


def _mandate_cells(mandate: UnusedMandate) -> dict[str, str]:
    """Return the cells of a mandate that no form uses, in the columns of connections that fit it.
    The rest of its row is empty."""
    return {
        "organisation": mandate.organisation,
        "application": _in_cell(mandate.applications),
        "mandate": str(mandate),
        "first_end": _in_cell(mandate.expires),
    }


def _in_cell(value: Any) -> str:
    """Return a value as a spreadsheet has it: a moment as its day, names with commas."""
    if isinstance(value, datetime):
        return day(value)
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
