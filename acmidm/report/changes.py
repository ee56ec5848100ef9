"""The model of changes: what every source makes, every renderer shows, and the JSON output is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from acmidm.report.kinds import Kind, Severity
from components.model.form import Environment, Platform


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldChange(_Part):
    """One field, its old value and its new one as people read them; None where there is none."""

    field: str
    old: str | None = None
    new: str | None = None


class Change(_Part):
    """One change. ``subject`` is the scope, the ``kid``, the product, the policy, or the client-ID taken over."""

    kind: Kind
    severity: Severity
    text: Annotated[str, Field(description="The change as a sentence, without its client.")]
    subject: str | None = None
    note: Annotated[str | None, Field(description="Why a scope or an exemption was asked: reason (reference).")] = None
    owner: Annotated[str | None, Field(description="Who decides about a scope, from the catalogue.")] = None
    verified: Annotated[bool | None, Field(description="Whether the scope's name was found in a public source.")] = None
    thumbprint: Annotated[str | None, Field(description="RFC 7638, of a key.")] = None
    old_thumbprint: str | None = None
    expires: datetime | None = None
    fields: tuple[FieldChange, ...] = ()
    by_hand: Annotated[bool, Field(description="Made at the authority, past the forms.")] = False
    changed_by: Annotated[str | None, Field(description="Who changed it by hand, where the authority tells.")] = None
    changed_at: datetime | None = None


class Stays(_Part):
    """What a changed client keeps as it is."""

    scopes: tuple[str, ...] = ()
    keys: Annotated[tuple[str, ...], Field(description="By kid.")] = ()
    products: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        return (self.scopes, self.keys, self.products)


class ConnectionChanges(_Part):
    """The changes of one connection: one client of one application."""

    environment: Environment
    organisation: str
    organisation_code: str
    application: str
    platform: Platform
    form: Annotated[str, Field(description="The form's place under the folder of forms, without its suffix.")]
    client_id: Annotated[str | None, Field(description="Where the engine knows it.")] = None
    changes: tuple[Change, ...]
    stays: Stays = Stays()

    @property
    def danger(self) -> tuple[int, int, int]:
        """What reports are ordered by, most dangerous first: production, severity, kind."""
        worst = min((_SEVERITIES[change.severity], change.kind.rank) for change in self.changes)
        return (0 if self.environment is Environment.PROD else 1, *worst)

    @property
    def sole_author(self) -> str | None:
        """Who made all of several changes: reports then say so once."""
        authors = {change.changed_by for change in self.changes}
        return authors.pop() if len(authors) == 1 and len(self.changes) > 1 else None

    @property
    def last_changed_at(self) -> datetime | None:
        return max((change.changed_at for change in self.changes if change.changed_at), default=None)

    @property
    def severity(self) -> Severity:
        return min((change.severity for change in self.changes), key=_SEVERITIES.__getitem__)


class Review(_Part):
    """What a change of forms comes to, in one or more environments."""

    headline: str
    environments: tuple[Environment, ...]
    connections: tuple[ConnectionChanges, ...]
    unchanged: Annotated[dict[Environment, int], Field(description="How many clients stay as they are, per environment.")]
    counts: Annotated[dict[Kind, int], Field(description="How many changes there are of each kind.")]
    problems: Annotated[tuple[str, ...], Field(description="What the engine refused; the review may then be incomplete.")] = ()
    notes: Annotated[tuple[str, ...], Field(description="What changes beside the clients.")] = ()

    def of_kinds(self, kinds: Iterable[Kind]) -> list[tuple[ConnectionChanges, Change]]:
        wanted = set(kinds)
        return [(connection, change) for connection in self.connections for change in connection.changes if change.kind in wanted]


_SEVERITIES = {severity: place for place, severity in enumerate(Severity)}


_FIRST = (Kind.CLIENT_REMOVED, Kind.CLIENT_REPLACED, Kind.CLIENT_ADOPTED, Kind.CLIENT_CREATED, Kind.CLIENT_MOVED)
"""What becomes of the client itself is told before what becomes of its parts."""


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes of one client as they are read."""
    return tuple(
        sorted(
            changes,
            key=lambda change: (change.kind not in _FIRST, _SEVERITIES[change.severity], change.kind.rank, change.subject or ""),
        )
    )


def connections_in_order(connections: Iterable[ConnectionChanges]) -> tuple[ConnectionChanges, ...]:
    return tuple(sorted(connections, key=lambda one: (one.danger, one.organisation, one.application, one.platform, one.form)))


def counted(connections: Iterable[ConnectionChanges]) -> dict[Kind, int]:
    """How many changes there are of each kind, in the order of the kinds."""
    found = [change.kind for connection in connections for change in connection.changes]
    return {kind: found.count(kind) for kind in Kind if kind in found}
