"""One connection in reports: how it is named, its changes and their order, and the headline over
several."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from acmidm.report.document import Line, Piece, Tone, as_text
from acmidm.report.kinds import Change, Kind, ReportPart, Scale, sentence_of, who
from acmidm.words import plain
from acmidm_onboarding.texts import N_, ntr, tr, translated
from acmidm_onboarding.values.client import Client
from acmidm_onboarding.values.terms import Environment, Platform

ENVIRONMENTS = (Environment.PROD, Environment.TNI)
"""In the order of reports: production first."""
_MOST_PHRASES = 4

_ENVIRONMENT = {"prod": N_("production"), "tni": N_("TNI")}


def environment_name(environment: Environment) -> str:
    """Return what reports call an environment."""
    return translated(_ENVIRONMENT[environment])


class ClientName(ReportPart):
    """How reports name a client: its organisation and application for people, its key for all
    else."""

    key: str
    organisation: str
    application: str
    platform: Platform
    client_id: str | None = None
    form: str | None = None

    @property
    def name(self) -> str:
        """``loket``, or ``loket (geosecure)``: the platform is named where it is not ACM/IDM."""
        if self.platform is Platform.ACMIDM:
            return self.application
        return f"{self.application} ({self.platform})"

    @property
    def title(self) -> str:
        """``Stad Gent · loket``."""
        return as_text(self.pieces)

    @property
    def pieces(self) -> list[Piece]:
        """Its title, of which the organisation stands out."""
        return [Piece(plain(self.organisation), Tone.STRONG), Piece(f" · {plain(self.name)}")]


class ConnectionChanges(ClientName):
    """The changes of one connection: one client of one application."""

    environment: Environment
    supplier: str | None = None
    """The folder of the supplier whose keys it has before and after; None where the keys are
    others, or become so."""
    changes: tuple[Change, ...]

    @property
    def is_new(self) -> bool:
        """Whether its client is made."""
        return any(change.kind is Kind.CLIENT_CREATED for change in self.changes)

    @property
    def worst(self) -> Change:
        """The most dangerous of its changes."""
        return min(self.changes, key=lambda change: change.danger)

    @property
    def names(self) -> list[Piece]:
        """``OVO002067/loket, form stad-gent/loket, client 8b1f…``, as far as they are known."""
        names = [Piece(plain(self.key), Tone.VALUE)]
        if self.form:
            names += [Piece(", "), *sentence_of(N_("form {form}"), form=self.form)]
        if self.client_id:
            names += [Piece(", "), *sentence_of(N_("client {client_id}"), client_id=self.client_id)]
        return names

    def as_line(self, *, undone: bool = False) -> Line:
        """Return its name with a line for each change beneath; ``undone`` where a repair has undone
        them, so that nobody has to look closely."""
        author = self._author_of_all()
        lines = [change.as_line(undone=undone, with_author=not author) for change in self.changes]
        if author:
            lines.append(Line(author))
        return Line([*self.pieces, Piece("  "), *self.names], lines=lines)

    def _author_of_all(self) -> list[Piece]:
        """Return ``all by jan, last at 2026-11-30 14:05 UTC`` where one author made all of two or
        more changes; else nothing, for then each change names its author."""
        authors = {change.changed_by for change in self.changes}
        author = authors.pop() if len(authors) == 1 and len(self.changes) > 1 else None
        moments = (change.changed_at for change in self.changes if change.changed_at)
        return who(author, max(moments, default=None), of_all=True) if author else []

    def with_changes(self, changes: Iterable[Change]) -> ConnectionChanges:
        return self.model_copy(update={"changes": changes_in_order(changes)})


def changes_in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Sort the changes of one client: those of the gate, of exemptions and of mandates that ended,
    then those of the client as a whole, then all else; in each the most dangerous first."""
    first = (
        Kind.EXEMPTION_GRANTED,
        Kind.EXEMPTION_STANDS,
        Kind.MANDATE_ENDED,
        Kind.UNPROVEN,
        Kind.HELD_BACK,
    )

    def rank(change: Change) -> tuple[Any, ...]:
        return (
            change.kind not in first,
            change.kind.row.scale is not Scale.WHOLE,
            change.danger,
            change.subject or "",
        )

    return tuple(sorted(changes, key=rank))


def connections_in_order(connections: Iterable[ConnectionChanges]) -> tuple[ConnectionChanges, ...]:
    """Sort connections: production first, then the most dangerous."""

    def rank(connection: ConnectionChanges) -> tuple[Any, ...]:
        name = connection.organisation, connection.key, connection.platform
        return ENVIRONMENTS.index(connection.environment), connection.worst.danger, *name

    return tuple(sorted(connections, key=rank))


def headline(connections: Iterable[ConnectionChanges]) -> str:
    """Return what happens to how many clients, most dangerous first: ``1 client gains 1 scope, 2
    clients lose 2 keys``; an empty text where nothing counts."""
    clients = Counter[Kind]()
    parts = defaultdict[Kind, set[object]](set)
    """Per kind its scopes, keys and so on. A key is one whoever gets it, such as a supplier's."""
    for number, connection in enumerate(connections):
        changes: Sequence[Change] = connection.changes
        if connection.is_new:  # then its parts go without saying
            changes = [change for change in changes if change.kind.row.scale is not Scale.NEW_PART]
        clients.update({change.kind for change in changes if change.kind.entry.counted})
        for index, change in enumerate(changes):
            parts[change.kind].add(change.thumbprint or (number, index))
    phrases: list[str] = []
    for kind in Kind:
        if count := clients[kind]:
            whose = ntr("{count} client", "{count} clients", count)
            phrases.append(f"{whose} {kind.headlined(count, len(parts[kind]))}")
    if len(phrases) > _MOST_PHRASES:
        unlisted = len(phrases) - _MOST_PHRASES + 1
        phrases[-unlisted:] = [tr("{count} more kinds of change", count=unlisted)]
    return ", ".join(phrases)


def client_name(client: Client) -> dict[str, Any]:
    """Return the fields of a ``ClientName`` for a client, and its environment."""
    names = ("key", "organisation", "application", "platform", "environment", "client_id")
    return {"form": client.form.path, **{name: getattr(client, name) for name in names}}
