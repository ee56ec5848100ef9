"""What is the same for many is shown once, and whoever differs from the many stands before them.

Forty new towns differ in their names, codes and addresses, and a reviewer looks for the one that
differs in more. So each client is compared without what it has of its own: ``contacts
loket@wingene.example`` of Wingene is ``contacts loket@….example``. What was taken out stands in
full behind what they share.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from itertools import chain
from operator import itemgetter
from pathlib import Path

from acmidm.report.connection import ConnectionChanges
from acmidm.report.document import Line, Piece, Tone, lines_of
from acmidm.report.kinds import Change, Kind, Severity
from acmidm.words import WHOLE, first_of, plain, slug
from acmidm_onboarding.texts import N_, ntr, tr, translated

_OWN = "…"
_FEWEST = 3
"""Clients, or organisations, that are shown as one."""
_SHORTEST = 3
"""Characters of a name that is looked for in other values."""
_NOTHING = re.compile(r"(?!)")
"""Matches nowhere: for who has no name that is long enough."""


def together(connections: Iterable[ConnectionChanges]) -> list[Line]:
    """Return a line per connection, and one for several with the same changes, at the place of the
    first; but for dangers, which are shown of each. A new client that differs from most new ones
    stands before these."""
    groups = _group_by_changes(connections)
    norms = _norms(groups)
    first_places: dict[object, int] = {}
    placed = defaultdict[tuple[int, bool], list[Line]](list)
    for place, group in enumerate(groups):
        norm = norms.get(group[0].family)
        where = place if norm is None else first_places.setdefault(group[0].family, place)
        if _may_be_one(group):
            lines = [_as_one(group)]
        elif norm is not None and norm is not group:
            lines = [_unlike(client, norm) for client in group]
        else:
            lines = [client.connection.as_line() for client in group]
        placed[where, norm is group] += lines
    return list(chain.from_iterable(map(placed.__getitem__, sorted(placed))))


def odd(connections: Iterable[ConnectionChanges]) -> tuple[int, int]:
    """Return how many new clients differ from most new ones, and how many those are."""
    groups = _group_by_changes(connections)
    norms = _norms(groups)
    expected = sum(len(group) for group in groups if group[0].family in norms)
    alike = sum(map(len, norms.values()))
    return expected - alike, alike


_TOGETHER = {"organisation_added": N_("also adds {count} organisations, to be verified")}


def together_beside(changes: Sequence[Change]) -> list[Line]:
    """Return a line per change beside the clients, where new organisations that are alike are one,
    behind those that are not."""
    alike: dict[object, list[int]] = {}
    last = 0
    for place, change in enumerate(changes):
        shape: object = place
        if change.kind is Kind.ORGANISATION_ADDED:
            shape = _shape(change, _names_of_organisation(change))
            last = place
        alike.setdefault(shape, []).append(place)
    placed: list[tuple[float, Line]] = []
    for places in alike.values():
        group = [changes[place] for place in places]
        if len(group) >= _FEWEST:
            text = Piece(translated(_TOGETHER[group[0].kind], count=len(group)))
            members = tuple(map(_values_of_organisation, group))
            line = Line([text], group[0].as_line().label, members=members)
            placed.append((last + 0.5, line))
        else:
            placed += zip(places, lines_of(group), strict=True)
    return [line for _, line in sorted(placed, key=itemgetter(0))]


@dataclass(frozen=True)
class _Client:
    """A client and its changes without what it has of its own."""

    connection: ConnectionChanges

    @cached_property
    def own_names(self) -> re.Pattern[str]:
        """What matches the names of its organisation in a value."""
        client = self.connection
        folder = client.form.partition("/")[0] if client.form else slug(client.organisation)
        return _pattern(folder, client.organisation, client.key.partition("/")[0])

    @cached_property
    def shapes(self) -> tuple[Change, ...]:
        return tuple(_shape(change, self.own_names) for change in self.connection.changes)

    @cached_property
    def family(self) -> object:
        """New clients of one environment and platform are expected to be alike; whatever else
        changes is not."""
        if not self.connection.is_new:
            return self.connection
        return self.connection.environment, self.connection.platform

    @property
    def member(self) -> str:
        """Its form, with the words that only it has."""
        return f"{self.connection.form or self.connection.key}{self.words(self.connection.changes)}"

    def words(self, changes: Iterable[Change]) -> str:
        """Return the words of changes that only this client has, in brackets, with a blank before;
        nothing where there are none."""
        values: list[str | None] = []
        for change in changes:
            values.append(change.note)
            for field in change.fields:
                values += [field.old, field.new]
        words = [word.strip(",;") for word in " ".join(filter(None, values)).split()]
        own_words = dict.fromkeys(filter(self.own_names.search, words))
        return f" ({', '.join(own_words)})" if own_words else ""


def _group_by_changes(connections: Iterable[ConnectionChanges]) -> list[list[_Client]]:
    """Return the clients of one environment and platform that change in the same, but for what each
    has of its own, in a group; groups in the order of their first client."""
    groups: dict[object, list[_Client]] = {}
    for connection in connections:
        client = _Client(connection)
        alike = client.shapes, connection.environment, connection.platform
        groups.setdefault(alike, []).append(client)
    return list(groups.values())


def _norms(groups: Iterable[list[_Client]]) -> dict[object, list[_Client]]:
    """Return, of each family, the group that has most of it and is shown as one."""
    by_family: dict[object, list[list[_Client]]] = defaultdict(list)
    for group in groups:
        by_family[group[0].family].append(group)
    norms = {}
    for family, of_family in by_family.items():
        largest = max(of_family, key=len)
        is_most = len(of_family) > 1 and 2 * len(largest) > sum(map(len, of_family))
        if is_most and _may_be_one(largest):
            norms[family] = largest
    return norms


def _may_be_one(group: Sequence[_Client]) -> bool:
    return len(group) >= _FEWEST and group[0].connection.worst.severity is not Severity.DANGER


def _as_one(group: Sequence[_Client]) -> Line:
    """Return what several clients share, with the form of each and what it has of its own."""
    clients = ntr("{count} client", "{count} clients", len(group))
    applications = list(dict.fromkeys(client.connection.name for client in group))
    names = plain(first_of(applications))
    environment = group[0].connection.environment
    details = tr(
        "Details: {name} on {environment}", name=f"{clients} · {names}", environment=environment
    )
    lines = lines_of(group[0].shapes)
    members = [client.member for client in group]
    pieces = [Piece(clients, Tone.STRONG), Piece(f" · {names}")]
    return Line(pieces, lines=lines, members=members, details=details)


def _unlike(client: _Client, norm: Sequence[_Client]) -> Line:
    """Return a client with what it has and most others have not; and what it lacks."""
    theirs = set(norm[0].shapes)
    unshared: list[Change] = []
    shared: list[Change] = []
    for change, shape in zip(client.connection.changes, client.shapes, strict=True):
        if shape in theirs:
            shared.append(change)
        else:
            unshared.append(change)
    subjects = {(shape.kind, shape.subject) for shape in client.shapes}
    lacks = [shape.text for shape in norm[0].shapes if (shape.kind, shape.subject) not in subjects]
    else_as = tr("else as {count} others", count=len(norm)) + client.words(shared)
    if lacks:
        else_as = f"{tr('lacks what they have: {what}', what='; '.join(lacks))}; {else_as}"
    # One that only lacks something has no change of its own.
    shown = client.connection.model_copy(update={"changes": tuple(unshared or shared)}).as_line()
    return replace(shown, lines=[*shown.lines, Line([Piece(plain(else_as, WHOLE), Tone.NOTICE)])])


def _shape(change: Change, names: re.Pattern[str]) -> Change:
    """Return a change without these names, so that two can be compared."""
    mask = partial(_masked, names)
    fields = tuple(field.with_values(mask) for field in change.fields)
    subject = None if change.kind is Kind.ORGANISATION_ADDED else change.subject
    return change.model_copy(
        update={
            "fields": fields,
            "subject": subject,
            "note": mask(change.note),
            "changed_at": None,
        }
    )


def _masked(names: re.Pattern[str], value: str | None) -> str | None:
    return None if value is None else names.sub(_OWN, value)


def _names_of_organisation(change: Change) -> re.Pattern[str]:
    values = [field.new or "" for field in change.fields if field.field in ("name", "ovo", "kbo")]
    return _pattern(_folder_of_organisation(change), *values)


def _values_of_organisation(change: Change) -> str:
    values = ", ".join(f"{field.field} {field.new}" for field in change.fields if field.new)
    return f"{_folder_of_organisation(change)} ({values})"


def _folder_of_organisation(change: Change) -> str:
    """Return the folder of an organisation that is added."""
    return Path(change.subject or "").parent.name


@cache
def _pattern(folder: str, *names: str) -> re.Pattern[str]:
    """Match the names that something has in other values: ``gemeente-sint-niklaas`` is
    ``sintniklaas`` in an address. Headline and page each ask, of as many clients as there are."""
    words = folder.split("-")
    wanted = set(names)
    for first in range(len(words)):
        end = "-".join(words[first:])
        # A number at the end of a folder's name is in many values; an organisation's is its own.
        wanted |= {name for name in (end, end.replace("-", "")) if not name.isdigit()}
    long_enough = [name for name in wanted if len(name) >= _SHORTEST]
    longest_first = sorted(long_enough, key=len, reverse=True)
    if not longest_first:
        return _NOTHING
    return re.compile(
        rf"(?<![^\W_])(?:{'|'.join(map(re.escape, longest_first))})(?![^\W_])", re.IGNORECASE
    )
