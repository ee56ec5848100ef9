"""The list of an API's owner: who has access to it, why, until when, and whether it is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from acmidm.desk.status import ListedConnection, in_order
from acmidm.report.connection import ClientName
from acmidm.report.document import Document, Line, Piece, Section, Table, Tone
from acmidm.report.kinds import Part, Report
from acmidm.words import day, plain
from acmidm_onboarding.texts import ntr, tr
from acmidm_onboarding.values.problems import both
from acmidm_onboarding.values.terms import Environment


def labels() -> dict[str, str]:
    """Return what people read above or before each column of an access."""
    return {
        "scope": tr("scope"),
        "why": tr("why"),
        "until": tr("last day"),
        "last_token": tr("last token"),
    }


class Api(Part):
    """A product of the catalogue, or one of its scopes."""

    name: str
    product: str | None = None
    """None where the catalogue has neither."""
    scopes: frozenset[str]
    """Its scopes, by each name that a platform has for one."""

    def is_of(self, connection: ListedConnection) -> bool:
        """Return whether a client has access to it, or is configured for it."""
        return bool(self.scopes.intersection(connection.scopes)) or (
            self.name == self.product and self.product in connection.products
        )


class Access(ClientName):
    """One scope that a client has."""

    stack: str
    environment: Environment
    codes: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    scope: str | None = None
    """None where the client is configured for the product, and has none of its scopes."""
    why: str | None = None
    """The reason in its form, with the reference behind it."""
    until: date | None = None
    """The last day, where one is known."""
    use_is_known: bool = False
    """Whether its authority tells when the client got a token."""
    last_token_at: datetime | None = None
    """Of the client, for whatever API: no authority tells more. None where it got none."""

    @property
    def last_token(self) -> str:
        if not self.use_is_known:
            return tr("unknown")
        return day(self.last_token_at) if self.last_token_at else tr("never")

    @property
    def values(self) -> dict[str, str]:
        """What people read of it, by column."""
        return {
            "scope": self.scope or tr("none: it is configured alone"),
            "why": self.why or tr("none given"),
            "until": str(self.until) if self.until else tr("no end"),
            "last_token": self.last_token,
        }

    @property
    def words(self) -> str:
        """All that a search looks in."""
        own = (self.key, self.organisation, self.application, self.client_id or "", self.why or "")
        return " ".join((*own, *self.codes, *self.contacts, self.scope or "")).casefold()

    def as_line(self) -> Line:
        values = self.values
        lines = [
            Line([Piece(plain(values[name]))], Piece(label, Tone.NOTICE))
            for name, label in labels().items()
        ]
        client_id = Piece(plain(self.client_id or tr("no client yet")), Tone.VALUE)
        return Line([*self.pieces, Piece(f" ({self.stack})  "), client_id], lines=lines)


class AccessList(Report):
    """Who has access to an API, as the last ``up`` of some stacks left it."""

    page = "access"
    api: str
    checked_at: datetime
    stacks: tuple[str, ...]
    search: str = ""
    accesses: tuple[Access, ...]

    @property
    def title(self) -> str:
        clients = {(access.stack, access.key, access.platform) for access in self.accesses}
        title = ntr(
            "{count} client has access to {api} on {stacks}",
            "{count} clients have access to {api} on {stacks}",
            len(clients),
            api=plain(self.api),
            stacks=both(self.stacks),
        )
        return (
            tr('{title} with "{search}"', title=title, search=plain(self.search))
            if self.search
            else title
        )

    @property
    def labels(self) -> dict[str, str]:
        return labels()

    @property
    def scopes(self) -> list[str]:
        return sorted({access.scope for access in self.accesses if access.scope})

    def as_document(self) -> Document:
        """Return the scopes of each client."""
        lines = [access.as_line() for access in self.accesses]
        width = max(map(len, self.labels.values())) + 1
        section = Section("line", lines, label_width=width)
        return Document(
            self.title,
            [section],
            foot=[
                tr(
                    "The last token is the client's, for whatever API: no authority tells more,"
                    " and some nothing."
                )
            ],
        )

    def as_table(self) -> Table:
        """Return a row per scope of a client."""
        columns = (
            *("organisation", "codes", "application", "environment", "platform", "stack"),
            *("client_id", "contacts", *self.labels),
        )
        rows = []
        for access in self.accesses:
            named = {
                name: str(getattr(access, name) or "")
                for name in ("organisation", "application", "environment", "platform", "stack")
            }
            lists = {"codes": ", ".join(access.codes), "contacts": ", ".join(access.contacts)}
            rows.append({**named, **lists, "client_id": access.client_id or "", **access.values})
        return Table(columns, rows)


def accesses_of(
    api: Api,
    connections: Iterable[ListedConnection],
    last_tokens: Mapping[tuple[str, str, str], datetime | None],
) -> tuple[Access, ...]:
    """Return who has access to an API. ``last_tokens`` is per stack, key and platform; one that is
    lacking is not known."""
    accesses: list[Access] = []
    for connection in in_order(connections):
        client = connection.stack, connection.key, connection.platform
        names = ("key", "organisation", "application", "platform", "client_id", "form", "stack")
        same = {
            name: getattr(connection, name) for name in (*names, "environment", "codes", "contacts")
        }
        scopes = [scope for scope in connection.scopes if scope in api.scopes]
        accesses += [
            Access(
                **same,
                scope=scope,
                why=connection.reasons.get(scope or ""),
                until=last_day(connection, api.product, scope),
                use_is_known=client in last_tokens,
                last_token_at=last_tokens.get(client),
            )
            for scope in scopes or (None,)
        ]
    return tuple(accesses)


def last_day(connection: ListedConnection, product: str | None, scope: str | None) -> date | None:
    """Return the last day on which a client has a scope of a product, by the scope's own end, by
    its supplier's mandate and by what its form retires; None where none says one."""
    mandate, leaves = connection.mandate, connection.leaves
    days = [end.until for end in connection.scopes_until if end.scope == scope]
    if mandate and mandate.until:
        days.append(mandate.until)
    first_without = [leaves[name] for name in (connection.platform, product) if name in leaves]
    days += [date.fromisoformat(first) - timedelta(days=1) for first in first_without]
    return min(days, default=None)
