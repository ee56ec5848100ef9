"""Who changed a client, when and how: the entries of an authority's audit trail, in the words of
every other report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from acmidm.report.compare import Comparison
from acmidm.report.connection import ClientName, client_name
from acmidm.report.document import Document, Line, Piece, Section, Tone, notes
from acmidm.report.fields import field_changes
from acmidm.report.kinds import Change, Kind, Report
from acmidm.words import day, plain, with_search
from acmidm_onboarding.authorities.port import RecordedChange
from acmidm_onboarding.texts import ntr, tr
from acmidm_onboarding.values.client import Client, Grant, Secret, fields_in
from acmidm_onboarding.values.keys import PublicKeys, keys_of
from acmidm_onboarding.values.metadata import ProductDocument
from acmidm_onboarding.values.problems import both
from acmidm_onboarding.values.terms import Environment

_SECRET = "client_secret_updated_at"


class HistoryEntry(ClientName):
    """One line of a trail: who did what to one client."""

    stack: str
    environment: Environment
    at: datetime
    actor: str
    changes: tuple[Change, ...]

    @property
    def when(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} UTC"


class History(Report):
    """The changes since a moment, newest first."""

    stacks: tuple[str, ...]
    since: datetime
    search: str = ""
    clients: int
    entries: tuple[HistoryEntry, ...]
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        facts = {
            "since": day(self.since),
            "clients": ntr("{count} client", "{count} clients", self.clients),
            "stacks": both(self.stacks),
        }
        if self.entries:
            title = ntr(
                "{count} change since {since} of {clients} on {stacks}",
                "{count} changes since {since} of {clients} on {stacks}",
                len(self.entries),
                **facts,
            )
        else:
            title = tr("no change is recorded since {since} of {clients} on {stacks}", **facts)
        return with_search(title, self.search)

    def as_document(self) -> Document:
        """Return who did what, newest first."""
        entries = [self._entry(entry) for entry in self.entries]
        sections = [
            Section(entries, is_spaced=True),
            notes(self.notes, is_spaced=True),
        ]
        return Document(self.title, sections)

    def _entry(self, entry: HistoryEntry) -> Line:
        on_stack = f" {tr('on {stack}', stack=entry.stack)}" if len(self.stacks) > 1 else ""
        pieces = [
            Piece(f"{entry.when}  ", Tone.STRONG),
            Piece(plain(entry.actor), Tone.VALUE),
            Piece(f"  {entry.title}{on_stack}"),
        ]
        return Line(pieces, lines=[change.as_line() for change in entry.changes])


def entry_of(stack: str, client: Client, recorded: RecordedChange) -> HistoryEntry | None:
    """Return the entry of a recorded change; None where nothing differs that reports show."""
    comparison = Comparison(recorded.at, expiring_days=None)
    before = after = None
    if recorded.action != "client.created":
        before = _state(client, recorded, recorded.before)
    if recorded.action != "client.removed":
        after = _state(client, recorded, recorded.after)
    connection = comparison.between(before, after)
    changes = connection.changes if connection else ()
    if not changes and before and after and (fields := field_changes(before.fields, after.fields)):
        # The stack that manages the client: reviews show that as a take-over.
        changes = (Change(kind=Kind.CLIENT_UPDATED, fields=fields),)
    if not changes:
        return None
    name, at, actor = client_name(client), recorded.at, recorded.actor
    return HistoryEntry(**name, stack=stack, at=at, actor=actor, changes=changes)


def in_order(entries: Iterable[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Newest first."""
    return tuple(sorted(entries, key=lambda entry: entry.at, reverse=True))


def _state(client: Client, recorded: RecordedChange, document: Mapping[str, Any] | None) -> Client:
    """Return a client as far as one document of the trail has it, with the present reasons for its
    scopes."""
    values, client_key, grants = document or {}, client.client_key, client.granted
    scopes, by_default = {}, _texts(values, "default")
    for scope in _texts(values, "scopes"):
        scopes[scope] = replace(grants.get(scope, Grant()), default=scope in by_default)
    match recorded.action.partition(".")[0]:
        case "scopes":
            return Client(*client_key, scopes=scopes)
        case "jwks":
            return Client(*client_key, keys=PublicKeys(_keys(values)))
        case "product":
            configuration, products = values.get("configuration"), {}
            if isinstance(configuration, Mapping):
                products[_product(recorded.document)] = ProductDocument(configuration)
            return Client(*client_key, products=products)
    renewed = {(recorded.before or {}).get(_SECRET), (recorded.after or {}).get(_SECRET)}
    is_there = None
    if len(renewed) > 1 and None not in renewed:
        is_there = document is recorded.before
    described = Client(*client_key, fields=fields_in(values), secret=Secret(is_there))
    if recorded.action not in ("client.created", "client.removed"):
        return described
    keys = _keys(values.get("jwks") or {})
    return replace(described, scopes=scopes, keys=PublicKeys(keys))


def _product(path: str) -> str:
    """``dosis`` of ``/products/v1/dosis/configurations/…``."""
    product, marker, _ = path.partition("/configurations/")
    return product.rpartition("/")[2] if marker else path


def _keys(document: Mapping[str, Any]) -> dict[str, Any]:
    keys = [key for key in document.get("keys") or () if isinstance(key, Mapping)]
    return keys_of({key["kid"]: key for key in keys if isinstance(key.get("kid"), str)})


def _texts(document: Mapping[str, Any], name: str) -> list[str]:
    value = document.get(name)
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
