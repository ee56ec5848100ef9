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
from acmidm_onboarding.texts import ntr, tr

_MASK = "…"
_FEWEST = 3
"""Clients, or organisations, that are shown as one."""
_SHORTEST = 3
"""Characters of a name that is looked for in other values."""
_NOTHING = re.compile(r"(?!)")
"""Matches nowhere: for who has no name that is long enough."""


def client_lines(connections: Iterable[ConnectionChanges]) -> list[Line]:
    """Return a line per client, and one for three or more with the same changes, at the place of
    the first. A danger is shown of each client. New clients that differ from most new ones stand
    before these."""
    groups = _group_by_changes(connections)
    usual_groups = _usual_groups(groups)
    first_places: dict[object, int] = {}
    lines_at = defaultdict[tuple[int, bool], list[Line]](list)
    """By the place, and whether it is the usual group, which stands behind the unlike ones."""
    for place, group in enumerate(groups):
        family = group[0].family
        usual = usual_groups.get(family)
        family_place = place if usual is None else first_places.setdefault(family, place)
        if _is_one_line(group):
            lines = [_line_of_group(group)]
        elif usual is not None and usual is not group:
            lines = [_line_of_unlike(client, usual) for client in group]
        else:
            lines = [client.connection.as_line() for client in group]
        lines_at[family_place, usual is group] += lines
    return list(chain.from_iterable(lines_at[place] for place in sorted(lines_at)))


def count_unlike(connections: Iterable[ConnectionChanges]) -> tuple[int, int]:
    """Return how many new clients differ from most new ones, and how many those most are."""
    groups = _group_by_changes(connections)
    usual_groups = _usual_groups(groups)
    expected = sum(len(group) for group in groups if group[0].family in usual_groups)
    alike = sum(map(len, usual_groups.values()))
    return expected - alike, alike


def lines_beside_clients(changes: Sequence[Change]) -> list[Line]:
    """Return a line per change beside the clients. Three or more new organisations that are alike
    are one line, behind the last organisation that is shown alone."""
    places_by_shape: dict[object, list[int]] = {}
    last_organisation = 0
    for place, change in enumerate(changes):
        shape: object = place  # shared with no change
        if change.kind is Kind.ORGANISATION_ADDED:
            shape = _without_names(change, _names_of_organisation(change))
            last_organisation = place
        places_by_shape.setdefault(shape, []).append(place)
    placed: list[tuple[float, Line]] = []
    for places in places_by_shape.values():
        group = [changes[place] for place in places]
        if len(group) >= _FEWEST:
            text = tr("also adds {count} organisations, to be verified", count=len(group))
            members = tuple(map(_values_of_organisation, group))
            line = Line([Piece(text)], group[0].as_line().label, members=members)
            placed.append((last_organisation + 0.5, line))
        else:
            placed += zip(places, lines_of(group), strict=True)
    return [line for _, line in sorted(placed, key=itemgetter(0))]


@dataclass(frozen=True)
class _Client:
    """A client and its changes, to be compared with those of clients of other organisations."""

    connection: ConnectionChanges

    @cached_property
    def organisation_names(self) -> re.Pattern[str]:
        """What matches its organisation's folder, name and code in a value."""
        client = self.connection
        folder = client.form.partition("/")[0] if client.form else slug(client.organisation)
        return _pattern_of_names(folder, client.organisation, client.key.partition("/")[0])

    @cached_property
    def shapes(self) -> tuple[Change, ...]:
        """Its changes without the names of its organisation: equal for clients that are alike."""
        names = self.organisation_names
        return tuple(_without_names(change, names) for change in self.connection.changes)

    @cached_property
    def family(self) -> object:
        """The clients that are expected to be like it: ``(environment, platform)`` of a new client.
        A client that exists is expected to be like no other, and has a family for itself."""
        if not self.connection.is_new:
            return self.connection
        return self.connection.environment, self.connection.platform

    @property
    def member(self) -> str:
        """``wingene/loket (loket@wingene.example)``: its form and what only it has."""
        client = self.connection
        return f"{client.form or client.key}{self.words_with_names(client.changes)}"

    def words_with_names(self, changes: Iterable[Change]) -> str:
        """Return the words of some changes in which its organisation is named, in brackets:
        `` (loket@wingene.example)``; an empty text where there are none."""
        values: list[str | None] = []
        for change in changes:
            values.append(change.note)
            for field in change.fields:
                values += [field.old, field.new]
        words = [word.strip(",;") for word in " ".join(filter(None, values)).split()]
        with_names = dict.fromkeys(filter(self.organisation_names.search, words))
        return f" ({', '.join(with_names)})" if with_names else ""


def _group_by_changes(connections: Iterable[ConnectionChanges]) -> list[list[_Client]]:
    """Return the clients in groups, by environment, platform and equal changes but for the names of
    their organisations; groups in the order of their first client."""
    groups: dict[object, list[_Client]] = {}
    for connection in connections:
        client = _Client(connection)
        alike = client.shapes, connection.environment, connection.platform
        groups.setdefault(alike, []).append(client)
    return list(groups.values())


def _usual_groups(groups: Iterable[list[_Client]]) -> dict[object, list[_Client]]:
    """Return the group that has more than half of its family, per family; no family that is one
    group, or whose largest group is shown client by client."""
    by_family: dict[object, list[list[_Client]]] = defaultdict(list)
    for group in groups:
        by_family[group[0].family].append(group)
    usual_groups = {}
    for family, family_groups in by_family.items():
        largest = max(family_groups, key=len)
        has_most = 2 * len(largest) > sum(map(len, family_groups))
        if len(family_groups) > 1 and has_most and _is_one_line(largest):
            usual_groups[family] = largest
    return usual_groups


def _is_one_line(group: Sequence[_Client]) -> bool:
    """Return whether a group is shown in one line: it is large enough, and no change in it is a
    danger."""
    return len(group) >= _FEWEST and group[0].connection.worst.severity is not Severity.DANGER


def _line_of_group(group: Sequence[_Client]) -> Line:
    """Return a line with the changes that the clients of a group share, and the form of each with
    the words that only it has."""
    clients = ntr("{count} client", "{count} clients", len(group))
    applications = list(dict.fromkeys(client.connection.name for client in group))
    names = plain(first_of(applications))
    lines = lines_of(group[0].shapes)
    members = [client.member for client in group]
    pieces = [Piece(clients, Tone.STRONG), Piece(f" · {names}")]
    return Line(pieces, lines=lines, members=members)


def _line_of_unlike(client: _Client, usual: Sequence[_Client]) -> Line:
    """Return a line of a client with the changes that the ``usual`` group has not; and a remark on
    the changes that only that group has."""
    usual_shapes = usual[0].shapes
    in_usual = set(usual_shapes)  # to compare them one by one takes long where they are many
    unshared: list[Change] = []
    shared: list[Change] = []
    for change, shape in zip(client.connection.changes, client.shapes, strict=True):
        if shape in in_usual:
            shared.append(change)
        else:
            unshared.append(change)
    subjects = {(shape.kind, shape.subject) for shape in client.shapes}
    lacks = [shape.text for shape in usual_shapes if (shape.kind, shape.subject) not in subjects]
    remark = tr("else as {count} others", count=len(usual)) + client.words_with_names(shared)
    if lacks:
        remark = f"{tr('lacks what they have: {what}', what='; '.join(lacks))}; {remark}"
    # A client that only lacks something has no change that the usual ones have not.
    shown = client.connection.model_copy(update={"changes": tuple(unshared or shared)}).as_line()
    return replace(shown, lines=[*shown.lines, Line([Piece(plain(remark, WHOLE), Tone.NOTICE)])])


def _without_names(change: Change, names: re.Pattern[str]) -> Change:
    """Return a change with ``…`` for each of an organisation's names, and without its moment: then
    the changes of two organisations can be compared."""
    mask = partial(_mask_names, names)
    fields = tuple(field.with_values(mask) for field in change.fields)
    # The subject of an added organisation is its file, in its folder.
    subject = None if change.kind is Kind.ORGANISATION_ADDED else change.subject
    return change.model_copy(
        update={
            "fields": fields,
            "subject": subject,
            "note": mask(change.note),
            "changed_at": None,
        }
    )


def _mask_names(names: re.Pattern[str], value: str | None) -> str | None:
    return None if value is None else names.sub(_MASK, value)


def _names_of_organisation(change: Change) -> re.Pattern[str]:
    """Return what matches the names of an organisation that is added."""
    values = [field.new or "" for field in change.fields if field.field in ("name", "ovo", "kbo")]
    return _pattern_of_names(_folder_of_organisation(change), *values)


def _values_of_organisation(change: Change) -> str:
    """Return ``wingene (name Gemeente Wingene, ovo OVO002055)`` of an organisation that is
    added."""
    values = ", ".join(f"{field.field} {field.new}" for field in change.fields if field.new)
    return f"{_folder_of_organisation(change)} ({values})"


def _folder_of_organisation(change: Change) -> str:
    """Return the folder of an organisation that is added."""
    return Path(change.subject or "").parent.name


@cache
def _pattern_of_names(folder: str, *names: str) -> re.Pattern[str]:
    """Return what matches an organisation's ``names``, and the ends of its folder's name, as whole
    words: ``gemeente-sint-niklaas`` is ``sintniklaas`` in an address.

    Cached, for headline and page each compare all clients.
    """
    words = folder.split("-")
    wanted = set(names)
    for first in range(len(words)):
        end = "-".join(words[first:])
        # A number at the end of a folder's name is in many values that do not name it.
        wanted |= {name for name in (end, end.replace("-", "")) if not name.isdigit()}
    long_enough = [name for name in wanted if len(name) >= _SHORTEST]
    longest_first = sorted(long_enough, key=len, reverse=True)
    if not longest_first:
        return _NOTHING
    return re.compile(
        rf"(?<![^\W_])(?:{'|'.join(map(re.escape, longest_first))})(?![^\W_])", re.IGNORECASE
    )
