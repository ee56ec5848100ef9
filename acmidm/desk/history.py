"""Who changed a client, when and how: the entries of an authority's audit trail, in the words of
every other report."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from acmidm.report.connection import ClientName, client_name
from acmidm.report.document import Document, Line, Piece, Section, Tone, lines_of, notes
from acmidm.report.kinds import Change, Report
from acmidm.report.trail import changes_in
from acmidm.words import day, plain, with_search
from acmidm_onboarding.authorities.port import RecordedChange
from acmidm_onboarding.texts import ntr, tr
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.problems import both
from acmidm_onboarding.values.terms import Environment


class HistoryEntry(ClientName):
    """What somebody did to one client at one moment."""

    stack: str
    environment: Environment
    at: datetime
    actor: str
    changes: tuple[Change, ...]

    @property
    def when(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} UTC"


class History(Report):
    """The changes of some clients since a moment, newest first. Of a client that nobody changed
    there is no entry; ``clients`` counts it all the same."""

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
        entries = [self._entry_line(entry) for entry in self.entries]
        return Document(self.title, [Section(entries), notes(self.notes)])

    def _entry_line(self, entry: HistoryEntry) -> Line:
        """Return when who did it to which client, with the changes beneath."""
        on_stack = f" {tr('on {stack}', stack=entry.stack)}" if len(self.stacks) > 1 else ""
        pieces = [
            Piece(f"{entry.when}  ", Tone.STRONG),
            Piece(plain(entry.actor), Tone.VALUE),
            Piece(f"  {entry.title}{on_stack}"),
        ]
        return Line(pieces, lines=lines_of(entry.changes))


def entry_of(stack: str, client: Client, recorded: RecordedChange) -> HistoryEntry | None:
    """Return the entry of a change in an authority's audit trail; None where nothing differs that
    reports show, such as after a write of the same values."""
    changes = changes_in(recorded, client)
    if not changes:
        return None
    name, at, actor = client_name(client), recorded.at, recorded.actor
    return HistoryEntry(**name, stack=stack, at=at, actor=actor, changes=changes)


def newest_first(entries: Iterable[HistoryEntry]) -> tuple[HistoryEntry, ...]:
    """Sort entries, the newest first."""
    return tuple(sorted(entries, key=lambda entry: entry.at, reverse=True))
