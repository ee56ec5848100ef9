"""The service desk's list: which organisation has which client, with which scopes, keys and
products."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from pydantic import Field

from acmidm.report.compare import SOON_DAYS
from acmidm.report.connection import ClientName, client_name
from acmidm.report.document import Document, Line, Piece, Section, Table, Tone, joined
from acmidm.report.kinds import NO_REASON, Part, Report
from acmidm.words import day, days, plain
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.texts import N_, ntr, tr, translated
from acmidm_onboarding.values.client import Client, afzenders_of
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.end import after
from acmidm_onboarding.values.problems import both
from acmidm_onboarding.values.terms import AuthMethod, Environment

T = TypeVar("T")
L = TypeVar("L", bound="LastDay")

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LABELS = {
    "whose": N_("whose"),
    "scopes": N_("scopes"),
    "keys": N_("keys"),
    "mandate": N_("mandate"),
    "acts_for": N_("acts for"),
    "products": N_("products"),
    "leaves": N_("leaves"),
}


def _tone(days_left: int | None) -> Tone | None:
    """Return how an end stands out that is so many days away."""
    if days_left is None or days_left > SOON_DAYS:
        return None
    return Tone.DANGER if days_left < 0 else Tone.WARNING


class ListedKey(Part):
    kid: str
    thumbprint: str | None = None
    expires: datetime | None = None
    days_left: int | None = None

    @property
    def reminded_as(self) -> str:
        """What tells it from all else of its client that ends, in the ledger of reminders."""
        return f"key {self.thumbprint or self.kid}"

    @property
    def ends_soon(self) -> bool:
        return self.days_left is not None and self.days_left <= SOON_DAYS

    @property
    def in_mails(self) -> str:
        """Name the key in a mail: by its ``kid`` where that is a plain name, and no sentence that
        we would send on."""
        return self.kid if _NAME.fullmatch(self.kid) else self.thumbprint or "?"

    @property
    def text(self) -> str:
        """The key with its end, in words too where that is near: not everybody sees colours."""
        if self.expires is None or self.days_left is None:
            return plain(self.kid)
        if self.days_left < 0:
            return tr("{kid} EXPIRED {day}", kid=plain(self.kid), day=day(self.expires))
        sentence = N_("{kid} until {day} ({left})") if self.ends_soon else N_("{kid} until {day}")
        return translated(
            sentence, kid=plain(self.kid), day=day(self.expires), left=days(self.days_left)
        )


class LastDay(Part):
    """What has a last day."""

    until: date | None = None
    """None where there is none, as of a mandate that was taken out: it has ended."""
    days_left: int = -1

    @property
    def expires(self) -> datetime | None:
        """The first moment at which it does not count; None where there is none."""
        return None if self.until is None else after(self.until)

    @property
    def ends_soon(self) -> bool:
        return self.days_left <= SOON_DAYS

    @property
    def ending(self) -> str:
        """Its end, in words too where that is near."""
        if self.days_left < 0:
            return tr("ENDED {day}", day=self.until)
        if self.ends_soon:
            return tr("until {day} ({left})", day=self.until, left=days(self.days_left))
        return tr("until {day}", day=self.until)


class ListedScope(LastDay):
    """A scope that ends."""

    scope: str
    until: date

    @property
    def reminded_as(self) -> str:
        return f"scope {self.scope}"


class ListedMandate(LastDay):
    """By which a supplier acts for an organisation."""

    supplier: str
    organisation: str = ""
    """Who gave it, where that is not the organisation of the connection."""

    @property
    def reminded_as(self) -> str:
        by = f" by {self.organisation}" if self.organisation else ""
        return f"mandate of {self.supplier}{by}"

    @property
    def ending(self) -> str:
        return tr("NO MANDATE") if self.until is None else super().ending

    @property
    def text(self) -> str:
        return f"{plain(self.supplier)} {self.ending}"


Ending = ListedKey | ListedScope | ListedMandate
"""What may end of a client."""


class UnusedMandate(ListedMandate):
    """One that no form uses, with the organisation that gave it."""

    until: date
    supplier_name: str
    applications: tuple[str, ...]
    reference: str = ""

    @property
    def words(self) -> str:
        """All that a search looks in."""
        names = (self.supplier, self.supplier_name, self.organisation, self.reference)
        return " ".join((*names, *self.applications)).casefold()

    def as_line(self) -> Line:
        allowed = f"{plain(self.organisation)}: {', '.join(self.applications)}"
        return Line(
            [
                Piece(plain(self.supplier_name), Tone.STRONG),
                Piece(f"  {tr('acts for')} {allowed}, "),
                Piece(self.ending, _tone(self.days_left)),
                Piece(f" ({plain(self.reference)})" if self.reference else ""),
            ]
        )


class ListedConnection(ClientName):
    """One client."""

    stack: str
    environment: Environment
    codes: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    token_endpoint_auth_method: str
    scopes: tuple[str, ...]
    # Per scope, with the reference, where its form gives one.
    reasons: dict[str, str] = Field(default_factory=dict)
    # Those that end.
    scopes_until: tuple[ListedScope, ...] = ()
    default_scopes: tuple[str, ...] = ()
    attributes: dict[str, str] = Field(default_factory=dict)
    keys: tuple[ListedKey, ...] | None
    keys_in_portal: bool = False
    jwks_uri: str | None = None
    mandate: ListedMandate | None = None
    acts_for: tuple[str, ...] = ()
    sends_by: tuple[ListedMandate, ...] = ()
    """The mandates by which it sends for others; none where its form is not known."""
    products: tuple[str, ...]
    leaves: dict[str, str] = Field(default_factory=dict)
    """Per platform or product that it leaves, from which day on."""
    keep: bool = False

    @property
    def leaving(self) -> list[str]:
        """The days on which platform and products leave; the day alone where the whole client
        leaves."""
        whole = self.leaves.get(self.platform)
        parts = (
            [f"{plain(name)} {day}" for name, day in sorted(self.leaves.items())]
            if whole is None
            else [whole]
        )
        return [*parts, *([tr("stays at its authority")] if self.keep else [])]

    @property
    def until(self) -> dict[str, ListedScope]:
        """The ends of its scopes, by name."""
        return {ends.scope: ends for ends in self.scopes_until}

    @property
    def granted(self) -> list[Piece]:
        """Its scopes, each with why it has it where that is known, and until when."""
        pieces: list[Piece] = []
        until = self.until
        for name in self.scopes:
            reason = f" ({plain(self.reasons[name])})" if name in self.reasons else ""
            pieces += [Piece(", "), Piece(f"{plain(name)}{reason}")]
            if ends := until.get(name):
                pieces += [Piece(" "), Piece(ends.ending, _tone(ends.days_left))]
        return pieces[1:]

    @property
    def people(self) -> list[str]:
        """Its codes and its contacts, as far as they are known."""
        return [*self.codes, *map(plain, self.contacts)]

    @property
    def endings(self) -> list[Ending]:
        """Its keys, its scopes, and the mandate by which its supplier acts."""
        mandates = [self.mandate] if self.mandate else []
        return [*(self.keys or ()), *self.scopes_until, *mandates]

    @property
    def ends(self) -> datetime | None:
        """When that ends which ends first."""
        ends = (one.expires for one in self.endings)
        return min((end for end in ends if end is not None), default=None)

    @property
    def days_left(self) -> int | None:
        """Of that which ends first."""
        left = (one.days_left for one in self.endings)
        return min((days for days in left if days is not None), default=None)

    @property
    def without_keys(self) -> str:
        """What is listed where there is no key."""
        if self.jwks_uri:
            return tr("at {address}", address=plain(self.jwks_uri))
        if self.keys is None:
            return tr("unknown: in the portal, which cannot be reached")
        has_keys = self.token_endpoint_auth_method == AuthMethod.PRIVATE_KEY_JWT
        return translated(N_("none yet") if has_keys else N_("client secret"))

    def as_line(self, *, with_stack: bool) -> Line:
        """Return four or five short lines, which fit a terminal of 80 columns."""
        client_id = plain(self.client_id or tr("no client yet"))
        where = f" ({self.stack})  " if with_stack else "  "
        mandate = self.mandate
        lines = {
            "whose": joined(self.people),
            "scopes": self.granted,
            "keys": self._keys,
            "mandate": [Piece(mandate.text, _tone(mandate.days_left))] if mandate else [],
            "acts_for": joined(map(plain, self.acts_for)),
            "products": joined(map(plain, self.products)),
            "leaves": [Piece(day, Tone.WARNING) for day in [", ".join(self.leaving)] if day],
        }
        shown = [
            Line(pieces, Piece(translated(_LABELS[name]), Tone.NOTICE))
            for name, pieces in lines.items()
            if pieces
        ]
        return Line([*self.pieces, Piece(where), Piece(client_id, Tone.VALUE)], lines=shown)

    @property
    def _keys(self) -> list[Piece]:
        if not self.keys:
            return [Piece(self.without_keys)]
        pieces: list[Piece] = []
        for key in self.keys:
            pieces += [Piece(", "), Piece(key.text, _tone(key.days_left))]
        del pieces[0]
        if self.keys_in_portal:
            pieces.append(Piece(f" ({tr('in the portal')})", Tone.NOTICE))
        return pieces

    @property
    def words(self) -> str:
        """All that a search looks in."""
        codes = [
            *self.codes,
            *(f"{code[:4]}.{code[4:7]}.{code[7:]}" for code in self.codes if code.isdecimal()),
        ]
        own = (
            self.stack,
            self.key,
            self.organisation,
            self.application,
            self.platform,
            self.client_id or "",
            *codes,
            *self.contacts,
        )
        attributes = (word for pair in self.attributes.items() for word in pair)
        keys = (word for key in self.keys or () for word in (key.kid, key.thumbprint or ""))
        supplier = (self.mandate.supplier,) if self.mandate else ()
        own = (
            *own,
            self.jwks_uri or "",
            self.token_endpoint_auth_method,
            *supplier,
            *self.acts_for,
        )
        return " ".join(
            (*own, *self.scopes, *self.reasons.values(), *attributes, *keys, *self.products)
        ).casefold()


COLUMNS: Mapping[str, Callable[[ListedConnection], str]] = {
    "organisation": lambda client: client.organisation,
    "codes": lambda client: ", ".join(client.codes),
    "application": lambda client: client.application,
    "environment": lambda client: client.environment,
    "platform": lambda client: client.platform,
    "stack": lambda client: client.stack,
    "client_id": lambda client: client.client_id or "",
    "contacts": lambda client: ", ".join(client.contacts),
    "scopes": lambda client: ", ".join(client.scopes),
    "products": lambda client: ", ".join(client.products),
    "keys": lambda client: ", ".join(key.kid for key in client.keys or ()),
    "mandate": lambda client: client.mandate.text if client.mandate else "",
    "first_end": lambda client: day(client.ends) if client.ends else "",
    "leaves": lambda client: ", ".join(client.leaving),
    "scopes_until": lambda client: ", ".join(
        f"{ends.scope} {ends.until}" for ends in client.scopes_until
    ),
}
_MANDATE_COLUMNS: Mapping[str, Callable[[UnusedMandate], str]] = {
    "organisation": lambda mandate: mandate.organisation,
    "application": lambda mandate: ", ".join(mandate.applications),
    "mandate": lambda mandate: mandate.text,
    "first_end": lambda mandate: day(mandate.expires) if mandate.expires else "",
}
"""Which cells they have of the columns of connections."""


def cells(columns: Mapping[str, Callable[[T], str]], row: T) -> dict[str, str]:
    """Return what a spreadsheet has of something."""
    return {name: cell(row) for name, cell in columns.items()}


class Status(Report):
    """The connections of one or more stacks, as the last `up` left them."""

    page = "status"
    checked_at: datetime
    stacks: tuple[str, ...]
    search: str = ""
    connections: tuple[ListedConnection, ...]
    unused_mandates: tuple[UnusedMandate, ...] = ()

    @property
    def scopes(self) -> list[str]:
        """All that its clients have."""
        return sorted({scope for connection in self.connections for scope in connection.scopes})

    @property
    def keys_that_end(self) -> tuple[int, int]:
        """How many keys have expired, and how many end soon."""
        left = [
            key.days_left
            for connection in self.connections
            for key in connection.keys or ()
            if key.days_left is not None and key.ends_soon
        ]
        expired = sum(days < 0 for days in left)
        return expired, len(left) - expired

    @property
    def title(self) -> str:
        title = ntr(
            "{count} connection on {stacks}",
            "{count} connections on {stacks}",
            len(self.connections),
            stacks=both(self.stacks),
        )
        return (
            tr('{title} with "{search}"', title=title, search=plain(self.search))
            if self.search
            else title
        )

    def as_document(self) -> Document:
        """Return every connection, then the mandates that no form uses."""
        with_stack = len(self.stacks) > 1
        lines = [client.as_line(with_stack=with_stack) for client in self.connections]
        width = max(len(translated(name)) for name in _LABELS.values()) + 1
        sections = [Section("line", lines, label_width=width)]
        if unused := [mandate.as_line() for mandate in self.unused_mandates]:
            heading = ntr(
                "{count} mandate that no form uses",
                "{count} mandates that no form uses",
                len(unused),
            )
            sections.append(Section("line", unused, heading))
        return Document(self.title, sections)

    def as_table(self) -> Table:
        """Return a row per connection, and behind these the mandates that no form uses."""
        rows = [cells(COLUMNS, connection) for connection in self.connections]
        rows += [cells(_MANDATE_COLUMNS, mandate) for mandate in self.unused_mandates]
        return Table(list(COLUMNS), rows)


def listed(stack: str, state: Client, now: datetime) -> ListedConnection:
    """Return a client of the state; keys in the portal are listed where they are known
    (``uploaded``)."""
    fields, known_keys = state.fields, state.known_keys
    grants = sorted((state.scopes or {}).items())
    keys = [
        ListedKey(
            kid=kid, thumbprint=key.thumbprint, expires=key.expires, days_left=key.days_left(now)
        )
        for kid, key in sorted((known_keys or {}).items())
    ]
    return ListedConnection(
        **client_name(state),
        stack=stack,
        environment=state.environment,
        codes=tuple(
            fields[name] for name in ("organisation.ovo", "organisation.kbo") if fields.get(name)
        ),
        contacts=tuple(fields.get("contacts") or ()),
        token_endpoint_auth_method=state.auth_method or "",
        scopes=tuple(scope for scope, _ in grants),
        reasons={
            scope: grant.reason for scope, grant in grants if grant.reason not in (None, NO_REASON)
        },
        scopes_until=tuple(
            _until(grant.until, now, ListedScope, scope=scope)
            for scope, grant in grants
            if grant.until
        ),
        default_scopes=tuple(scope for scope, grant in grants if grant.default),
        attributes=dict(state.attributes),
        keys=None if known_keys is None else tuple(keys),
        keys_in_portal=state.keys is None and not state.jwks_uri,
        jwks_uri=state.jwks_uri,
        mandate=_mandate(state.mandate, now),
        acts_for=tuple(state.acts_for),
        products=tuple(sorted(state.products)),
        leaves=state.leaves,
        keep=state.keep,
    )


def unused_mandates(onboardings: Onboardings, now: datetime) -> list[UnusedMandate]:
    """Return the mandates that no form uses, those that end first in front.

    A form with mistakes may use any of its organisation's and of its supplier's: those are left
    out.
    """
    used = {mandate for loaded in onboardings.forms for mandate in loaded.mandates_used}
    faulty = {file.parent.name for file in onboardings.left_out}
    unused = [
        _until(
            mandate.until.isoformat(),
            now,
            UnusedMandate,
            supplier=mandate.supplier,
            supplier_name=onboardings.organisations[mandate.supplier].name,
            organisation=onboardings.organisations[folder].name,
            applications=mandate.allowed,
            reference=mandate.reference or "",
        )
        for folder, mandates in onboardings.mandates.items()
        for mandate in mandates
        if faulty.isdisjoint((folder, mandate.supplier))
        and used.isdisjoint((folder, mandate.supplier, name) for name in mandate.allowed)
    ]
    return sorted(unused, key=lambda mandate: (mandate.until, mandate.words))


def mandates_to_send(connection: Declaration, now: datetime) -> tuple[ListedMandate, ...]:
    """Return the mandates by which a connection sends for others, by the name of each."""
    names = {
        code: name
        for product in connection.products.values()
        for code, name in afzenders_of(product).items()
    }
    own = connection.organisation
    return tuple(
        _until(until, now, ListedMandate, supplier=own, organisation=names.get(code, code))
        for code, until in sorted(connection.afzenders.items())
    )


def _mandate(mandate: Mapping[str, str], now: datetime) -> ListedMandate | None:
    if not mandate:
        return None
    return _until(mandate.get("until", ""), now, ListedMandate, supplier=mandate["supplier"])


def _until(last_day: str, now: datetime, kind: type[L], **facts: Any) -> L:
    """Return what ends after a last day, which is empty where there is none."""
    if not last_day:
        return kind(**facts)
    until = date.fromisoformat(last_day)
    return kind(**facts, until=until, days_left=(after(until) - now).days)


def in_order(connections: Iterable[ListedConnection]) -> tuple[ListedConnection, ...]:
    """Sort connections by organisation and application."""

    def rank(client: ListedConnection) -> tuple[str, ...]:
        return (
            client.organisation.casefold(),
            client.application,
            client.environment,
            client.platform,
            client.stack,
        )

    return tuple(sorted(connections, key=rank))
