"""The model of changes: what every source makes and every renderer shows. A change has no sentence: the table of kinds gives it one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, computed_field

from acmidm.report.kinds import Kind, Scale, Severity, sentence
from acmidm.report.words import ENVIRONMENTS, Piece, number, who
from components.model.form import Environment, Platform

_MOST_PHRASES = 4
_SEVERITIES = {severity: place for place, severity in enumerate(Severity)}


class Part(BaseModel):
    """A part of a report. What its JSON has besides, such as a change's text, is made from the rest."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class FieldChange(Part):
    """One field, its old value and its new one as people read them; None where there is none."""

    field: str
    old: str | None = None
    new: str | None = None


class Change(Part):
    """One change. ``subject`` is the scope, the ``kid``, the product, the policy, or the client-ID taken over."""

    kind: Kind
    subject: str | None = None
    note: str | None = None
    owner: str | None = None
    verified: bool | None = None
    thumbprint: str | None = None
    old_thumbprint: str | None = None
    expires: datetime | None = None
    fields: tuple[FieldChange, ...] = ()
    by_hand: bool = False
    changed_by: str | None = None
    changed_at: datetime | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def severity(self) -> Severity:
        return self.kind.severity_by_hand if self.by_hand else self.kind.severity

    @computed_field  # type: ignore[prop-decorator]
    @property
    def text(self) -> str:
        """The change as a sentence, without its client."""
        return sentence(self)


class Stays(Part):
    """What a changed client keeps as it is."""

    scopes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    products: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        return (self.scopes, self.keys, self.products)


class ClientName(Part):
    """How reports name a client: its organisation and application for people, its key for all else."""

    key: str
    organisation: str
    application: str
    platform: Platform
    client_id: str | None = None
    form: str | None = None


class ConnectionChanges(ClientName):
    """The changes of one connection: one client of one application."""

    environment: Environment
    changes: tuple[Change, ...]
    stays: Stays = Stays()

    @property
    def danger(self) -> tuple[int, int, int]:
        """The order of reports, most dangerous first: production, severity, kind."""
        worst = min((_SEVERITIES[change.severity], change.kind.rank) for change in self.changes)
        return (0 if self.environment is Environment.PROD else 1, *worst)

    @property
    def severity(self) -> Severity:
        return min((change.severity for change in self.changes), key=_SEVERITIES.__getitem__)

    @property
    def sole_author(self) -> str | None:
        """Who made all of several changes: reports then name them once."""
        authors = {change.changed_by for change in self.changes}
        return authors.pop() if len(authors) == 1 and len(self.changes) > 1 else None

    @property
    def known_as(self) -> list[str]:
        """Its key, its form and its client-ID, as far as they are known."""
        form = [f"form {self.form}"] if self.form else []
        return [self.key, *form, *([f"client {self.client_id}"] if self.client_id else [])]

    @property
    def by_one(self) -> list[Piece]:
        """Who made all of its changes, where that was one and the same; else each change has it."""
        author = self.sole_author
        return (
            [Piece("all "), *who(author, max((change.changed_at for change in self.changes if change.changed_at), default=None), ", last")]
            if author
            else []
        )

    def with_changes(self, changes: Iterable[Change]) -> ConnectionChanges:
        return self.model_copy(update={"changes": in_order(changes)})


class Review(Part):
    """What a change of forms does, in one or more environments."""

    headline: str
    environments: tuple[Environment, ...]
    connections: tuple[ConnectionChanges, ...]
    unchanged: dict[Environment, int]
    counts: dict[Kind, int]
    problems: tuple[str, ...] = ()
    too_many: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def refusals(self) -> tuple[str, ...]:
        return self.problems + self.too_many

    def in_environments(self) -> list[tuple[Environment, list[ConnectionChanges], int]]:
        """Per environment, production first, the clients with changes and how many stay; one without a client is left out."""
        parts = [
            (environment, [one for one in self.connections if one.environment is environment], self.unchanged.get(environment, 0))
            for environment in ENVIRONMENTS
            if environment in self.environments
        ]
        return [part for part in parts if part[1] or part[2]]


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes of one client as they are read: what becomes of the client itself is first."""
    return tuple(
        sorted(
            changes,
            key=lambda one: (one.kind.row.scale is not Scale.WHOLE, _SEVERITIES[one.severity], one.kind.rank, one.subject or ""),
        )
    )


def connections_in_order(connections: Iterable[ConnectionChanges]) -> tuple[ConnectionChanges, ...]:
    return tuple(sorted(connections, key=lambda one: (one.danger, one.organisation, one.key, one.platform)))


def counted_kinds(connections: Iterable[ConnectionChanges]) -> dict[Kind, int]:
    """How many changes there are of each kind, in the order of the kinds."""
    found = [change.kind for connection in connections for change in connection.changes]
    return {kind: found.count(kind) for kind in Kind if kind in found}


def headline(connections: Sequence[ConnectionChanges], nothing: str = "Nothing changes") -> str:
    """Such as ``1 client gains 1 scope on prod``. All of it is our own words and numbers."""
    said = [
        f"{found} on {environment}"
        for environment in ENVIRONMENTS
        if (found := phrases([one for one in connections if one.environment is environment]))
    ]
    return "; ".join(said) or nothing


def phrases(connections: Sequence[ConnectionChanges]) -> str:
    """What happens to how many clients, the most dangerous first; empty where nothing does."""
    per_client = [_in_headline(one) for one in connections]
    said = []
    for kind in (kind for kind in Kind if any(kind in changes for changes in per_client)):
        having = [changes[kind] for changes in per_client if kind in changes]
        verb = kind.row.headline.split("|")[len(having) > 1]
        said.append(
            " ".join(filter(None, (number(len(having), "client|clients"), verb, kind.row.parts and number(sum(having), kind.row.parts))))
        )
    if len(said) > _MOST_PHRASES:
        said = [*said[: _MOST_PHRASES - 1], f"{len(said) - _MOST_PHRASES + 1} more kinds of change"]
    return ", ".join(said)


def _in_headline(connection: ConnectionChanges) -> dict[Kind, int]:
    """How many changes of each kind a headline counts of a client."""
    kinds = [change.kind for change in connection.changes]
    new = Kind.CLIENT_CREATED in kinds
    return {kind: kinds.count(kind) for kind in kinds if kind.row.headline and not (new and kind.row.scale is Scale.NEW_PART)}
