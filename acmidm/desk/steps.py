"""The board of the guide: every application at its step, with whom it waits for and what they must
do, in one language."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple

from acmidm.desk.progress import STEPS, Progress, Step, WaitsFor
from acmidm.desk.status import COLUMNS, ListedKey, cells
from acmidm.report.document import Document, Line, Piece, Section, Table, Tone, joined, notes
from acmidm.report.kinds import Report
from acmidm.words import WHOLE, day, plain
from acmidm_onboarding.texts import N_, Language
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform

_LABELS = {
    "step": N_("Step"),
    "to_do": N_("To do"),
    "contacts": N_("Contacts"),
    "keys": N_("Keys"),
    "scopes": N_("Scopes"),
}
_WAITS = {
    WaitsFor.ORGANISATION: N_("the organisation"),
    WaitsFor.US: N_("Digitaal Vlaanderen"),
    WaitsFor.AUTHORITY: N_("the platform"),
    WaitsFor.API_OWNER: N_("the owner of the API"),
    None: N_("nobody"),
}
"""Whom it waits for."""
_SHORT = {"tni": N_("TNI"), "prod": N_("production")}
_PLATFORM = {"acmidm": N_("ACM/IDM"), "geosecure": N_("GeoSecure")}


class Place(Progress):
    """The progress of a connection in the words of one language."""

    language: Language
    text: str
    """What must be done."""

    @property
    def on_card(self) -> str:
        """What must be done, without the command that does it: not everybody who reads a board has
        a shell."""
        return self.to_do(self.language, with_command=False)

    @property
    def title(self) -> str:
        """The step of the guide."""
        return self.language.translated(STEPS[self.step])

    @property
    def whom(self) -> str:
        """Whom it waits for."""
        return self.language.translated(_WAITS[self.waits_for])

    @property
    def to_contact(self) -> tuple[str, ...]:
        """Whom to mail or call about it, where it waits for the organisation."""
        return self.connection.contacts if self.waits_for is WaitsFor.ORGANISATION else ()

    @property
    def from_when(self) -> str:
        """Since when; nothing where that is not known and nobody waits."""
        if self.since is None:
            return self.language.tr("since: not known") if self.waits_for else ""
        return self.language.tr("since {day}", day=self.language.day(self.since))

    @property
    def where(self) -> str:
        """Environment and platform, and the stack where that has another name."""
        connection = self.connection
        parts = [self.language.translated(_SHORT[connection.environment])]
        if connection.platform is not Platform.ACMIDM:
            parts.append(self.language.translated(_PLATFORM[connection.platform]))
        if connection.stack != connection.environment:
            parts.append(f"stack {plain(connection.stack)}")
        return ", ".join(parts)

    @property
    def keys(self) -> list[str]:
        """Its keys, each with its end; or how it authenticates without keys; and by which mandate
        they are a supplier's."""
        if (mandate := self.connection.mandate) is None:
            return self._keys
        supplier = plain(mandate.supplier)
        if mandate.until is None:
            return [
                *self._keys,
                self.language.tr("of {supplier}, without a mandate", supplier=supplier),
            ]
        ends = self.language.day(mandate.until)
        return [
            *self._keys,
            self.language.tr(
                "of {supplier}, by a mandate until {day}", supplier=supplier, day=ends
            ),
        ]

    @property
    def _keys(self) -> list[str]:
        connection = self.connection
        if connection.keys:
            note = (
                f" ({self.language.tr('in the Beheerportaal')})"
                if connection.keys_in_portal
                else ""
            )
            return [f"{self._key(key)}{note}" for key in connection.keys]
        if connection.jwks_uri:
            return [plain(connection.jwks_uri)]
        if connection.keys is None:
            return [self.language.tr("not known")]
        uses_keys = connection.token_endpoint_auth_method == AuthMethod.PRIVATE_KEY_JWT
        return [self.language.translated(N_("none yet") if uses_keys else N_("client secret"))]

    def _key(self, key: ListedKey) -> str:
        if key.expires is None:
            return plain(key.kid)
        return self._until(key.kid, key.expires, has_ended=(key.days_left or 0) < 0)

    def _until(self, name: str, end: date, *, has_ended: bool) -> str:
        """Name a key, or a scope, with its end."""
        sentence = N_("{kid}, expired on {day}") if has_ended else N_("{kid}, until {day}")
        return self.language.translated(sentence, kid=plain(name), day=self.language.day(end))

    @property
    def scopes_until(self) -> list[str]:
        """Its scopes that end, each with its last day."""
        return [
            self._until(ends.scope, ends.until, has_ended=ends.days_left < 0)
            for ends in self.connection.scopes_until
        ]

    def as_line(self) -> Line:
        """Return its step, whom it waits for, and what they must do."""
        connection = self.connection
        codes = f" ({', '.join(connection.codes)})" if connection.codes else ""
        name = f"{plain(connection.organisation)} · {plain(connection.application)}"
        pieces = [Piece(name, Tone.STRONG), Piece(f"{codes}  {self.where}")]
        if connection.client_id:
            pieces += [Piece("  "), Piece(plain(connection.client_id), Tone.VALUE)]
        step = [Piece(f"{self.step.value}. {self.title}")]
        if self.waits_for:
            waits = f" · {self.language.tr('Waits for').lower()} "
            step += [Piece(waits), Piece(self.whom, Tone.STRONG)]
        if self.from_when:
            step.append(Piece(f" · {self.from_when}"))
        lines = {
            "step": step,
            "to_do": [Piece(plain(self.text, WHOLE))],
            "contacts": joined(map(plain, connection.contacts)),
            "keys": joined(self.keys, "; "),
        }
        if self.scopes_until:
            lines["scopes"] = joined(self.scopes_until, "; ")
        shown = [
            Line(text, Piece(self.language.translated(_LABELS[name]), Tone.NOTICE))
            for name, text in lines.items()
        ]
        return Line(pieces, lines=shown)


_COLUMNS: Mapping[str, Callable[[Place], str]] = {
    "step": lambda place: f"{place.step:d}. {place.title}",
    "waits_for": lambda place: place.whom if place.waits_for else "",
    "since": lambda place: day(place.since) if place.since else "",
    "to_do": lambda place: place.text,
}


class Card(NamedTuple):
    """An application of an organisation, with each environment and platform that it is connected
    in."""

    places: tuple[Place, ...]

    @property
    def step(self) -> Step:
        """Where it stands as a whole: at the first step at which somebody must do something, else
        as far as it is."""
        waiting = [place.step for place in self.places if place.waits_for]
        return min(waiting) if waiting else max(place.step for place in self.places)


class Steps(Report):
    """The board: every connection at its place."""

    page = "steps"
    checked_at: datetime
    stacks: tuple[str, ...]
    search: str = ""
    language: Language
    connections: tuple[Place, ...]

    @property
    def title(self) -> str:
        count = self.language.ntr("1 connection", "{count} connections", len(self.connections))
        return f"{self.language.tr('Where each connection stands')}: {count}"

    def as_document(self) -> Document:
        """Return every connection, with what must be done."""
        lines = [place.as_line() for place in self.connections]
        labels = [self.language.translated(name) for name in _LABELS.values()]
        width = max(map(len, labels)) + 2
        sections = [Section("line", lines, label_width=width, is_spaced=True)]
        if not lines:
            sections = [notes([self.language.tr("No connection was found.")], tone=None)]
        return Document(self.title, sections)

    def as_table(self) -> Table:
        """Return a row per connection, with where it stands behind what it is."""
        rows = [
            cells(COLUMNS, place.connection) | cells(_COLUMNS, place) for place in self.connections
        ]
        return Table([*COLUMNS, *_COLUMNS], rows)

    @property
    def checked(self) -> str:
        return self.language.tr(
            "As of {day} at {time} (UTC), by the forms, what was carried out, the platforms and"
            " the evidence.",
            day=self.language.day(self.checked_at),
            time=f"{self.checked_at:%H:%M}",
        )

    @property
    def by_step(self) -> list[tuple[Step, str, list[Card]]]:
        """Each step of the guide with its title and what stands there."""
        by_key = defaultdict[str, list[Place]](list)
        for place in self.connections:
            by_key[place.connection.key].append(place)
        cards = [Card(tuple(places)) for places in by_key.values()]
        return [
            (
                step,
                self.language.translated(STEPS[step]),
                [card for card in cards if card.step is step],
            )
            for step in Step
        ]

    @property
    def waiting(self) -> dict[str, tuple[str, int]]:
        """Per party that connections wait for its word, and how many wait."""
        counts = Counter(place.waits_for for place in self.connections)
        return {
            party.value: (self.language.translated(_WAITS[party]), counts[party])
            for party in WaitsFor
            if counts[party]
        }

    @property
    def environments(self) -> dict[str, str]:
        return {
            environment.value: self.language.translated(_SHORT[environment])
            for environment in Environment
        }

    @property
    def scopes(self) -> list[str]:
        return sorted({scope for place in self.connections for scope in place.connection.scopes})


def steps_of(
    rows: Iterable[Progress],
    language: Language,
    *,
    checked_at: datetime,
    stacks: Iterable[str],
    search: str = "",
) -> Steps:
    """Return the board of these rows in one language."""
    places = tuple(Place(**dict(row), language=language, text=row.to_do(language)) for row in rows)
    return Steps(
        checked_at=checked_at,
        stacks=tuple(stacks),
        search=search,
        language=language,
        connections=places,
    )
