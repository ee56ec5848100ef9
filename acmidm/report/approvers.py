"""Who has to agree to the changes of a review: per team what it decides, by what was there before.

The change itself chooses nobody: the catalogue and the organisations are those of its base.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path

from acmidm.git import Tree
from acmidm.report.codeowners import PROJECT_FILE, onboarding_team
from acmidm.report.connection import ConnectionChanges
from acmidm.report.document import Line, Piece, Section, Tone, in_line, lines_of
from acmidm.report.kinds import Change, Decider, Kind, ReportPart, Scale
from acmidm.words import first_of, plain
from acmidm_onboarding.engine_resources import Resource
from acmidm_onboarding.forms.catalogue import Catalogue, Product
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.texts import ntr, tr
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.problems import Failure

_NAMED = 3
"""Organisations that a line names: the rest stands below, with their clients."""
_MOST_LINES = 12

Handles = tuple[str, ...]
"""Teams, users and addresses, any of whom decides; none where nobody is named."""
_ORDER = (Decider.API_OWNER, Decider.ONBOARDING_TEAM, Decider.ORGANISATION)
_Decided = tuple[Decider, Handles, str, tuple[str, ...]]
"""In which role who decides about which subject of which organisations: ``(API_OWNER,
("@digitaal-vlaanderen/dosis",), "dv_dosis_schrijven", ("Stad Gent",))``. No organisation where the
subject is beside the clients."""


class Needed(ReportPart):
    """A team, or several of which any decides, and what of a review it has to agree to."""

    approvers: Handles
    """None where a project does not name its onboarding team."""
    subjects: dict[str, tuple[str, ...]]
    """Per scope, product, application or subject of a change its organisations, none where it is
    beside the clients."""

    @property
    def who(self) -> list[Piece]:
        """``@team or @user``; the words for the onboarding team where no handle is known."""
        if not self.approvers:
            return [Piece(tr("the onboarding team"))]
        handles = [[Piece(handle, Tone.VALUE)] for handle in self.approvers]
        return in_line(handles, f" {tr('or')} ")

    def as_line(self) -> Line:
        """Return ``@digitaal-vlaanderen/dosis: dv_dosis_schrijven for Stad Gent``."""
        by_organisations = defaultdict[tuple[str, ...], list[str]](list)
        for subject, organisations in self.subjects.items():
            by_organisations[organisations].append(subject)
        parts: list[str] = []
        for organisations, subjects in by_organisations.items():
            if organisations:
                parts.append(f"{_first_names(subjects)} {tr('for')} {_first_names(organisations)}")
            else:
                parts.append(", ".join(map(plain, subjects)))
        return Line([*self.who, Piece(f": {'; '.join(parts)}")], _label())


def as_section(needed: Sequence[Needed]) -> Section:
    """Return a line per team; the last ones together where they are many, such as the owners of
    forty towns, which stand below with what changes of each."""
    lines = lines_of(needed[:_MOST_LINES])
    in_one_line = needed[_MOST_LINES:]
    if in_one_line:
        organisations: set[str] = set()
        for each in in_one_line:
            organisations.update(*each.subjects.values())
        text = ntr(
            "the owner of {count} more organisation, for its own forms: {names}",
            "the owners of {count} more organisations, each for its own forms: {names}",
            len(in_one_line),
            names=_first_names(sorted(organisations)),
        )
        lines.append(Line([Piece(text)], _label()))
    return Section(lines)


def _label() -> Piece:
    return Piece(tr("needs"), Tone.STRONG)


def _first_names(names: Iterable[str]) -> str:
    return first_of(list(map(plain, names)), most=_NAMED)


@dataclass(frozen=True)
class Approvers:
    """Who decides what, by the catalogue and the organisations before a change."""

    catalogue: Catalogue = field(default_factory=lambda: Catalogue({}))
    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    """Per folder."""
    team: str | None = None
    """The handle of the onboarding team; None where the project does not name it."""

    def needed(
        self, connections: Iterable[ConnectionChanges], beside_clients: Iterable[Change]
    ) -> tuple[Needed, ...]:
        """Return who has to agree to a review: owners of APIs first, then the onboarding team,
        organisations last; for handles in several of these roles the first one counts."""
        ranks = dict[Handles, int]()
        subjects = defaultdict[Handles, dict[str, set[str]]](dict)
        for decider, handles, subject, organisations in chain(
            chain.from_iterable(map(self._decided_beside_clients, beside_clients)),
            chain.from_iterable(map(self._decided_of_connection, connections)),
        ):
            approvers, rank = tuple(sorted(handles)), _ORDER.index(decider)
            ranks[approvers] = min(rank, ranks.get(approvers, rank))
            subjects[approvers].setdefault(subject, set()).update(organisations)
        needed: list[Needed] = []
        for approvers in sorted(subjects, key=lambda approvers: (ranks[approvers], approvers)):
            whose = {name: tuple(sorted(names)) for name, names in subjects[approvers].items()}
            needed.append(Needed(approvers=approvers, subjects=whose))
        return tuple(needed)

    @property
    def _team(self) -> Handles:
        return (self.team,) if self.team else ()

    def _decided_beside_clients(self, change: Change) -> Iterator[_Decided]:
        """Yield who decides a change of a file beside the clients: the onboarding team, and before
        it the organisation whose folder the file is in, where the change is its to decide, as of
        mandates."""
        subject = change.kind.headline
        if Decider.ORGANISATION in change.deciders:
            folder = Path(change.subject or "").parent.name
            yield Decider.ORGANISATION, self._owners_of_folder(folder), subject, ()
        yield Decider.ONBOARDING_TEAM, self._team, subject, ()

    def _decided_of_connection(self, connection: ConnectionChanges) -> Iterator[_Decided]:
        """Yield who decides each change of a connection. A note, which is no change by itself,
        needs nobody."""
        keys, organisations = _keys_of(connection), (connection.organisation,)
        for change in connection.changes:
            if change.kind.row.scale is Scale.NOTE:
                continue
            for decider in change.deciders:
                for subject, handles in self._approvers_as(decider, change, connection, keys):
                    yield decider, handles, subject, organisations

    def _approvers_as(
        self,
        decider: Decider,
        change: Change,
        connection: ConnectionChanges,
        keys: Collection[str],
    ) -> Iterator[tuple[str, Handles]]:
        """Yield each subject of a change that people in the role of ``decider`` have to agree to,
        with their handles: scopes and products for an API's owner, else the application.

        An organisation decides by each of the connection's ``keys``, the former one included; the
        keys of a supplier are the supplier's to decide.
        """
        if decider is Decider.API_OWNER:
            for name, product in self._subjects_of_api(change, connection):
                yield name, self._owners_of_product(product)
        elif decider is Decider.ONBOARDING_TEAM:
            yield connection.name, self._team
        elif change.kind.row.resource is Resource.KEYS and connection.supplier:
            yield connection.name, self._owners_of_folder(connection.supplier)
        else:
            for key in keys:
                yield connection.name, self._owners_of_code(key.partition("/")[0])

    def _subjects_of_api(
        self, change: Change, connection: ConnectionChanges
    ) -> Iterator[tuple[str, Product | None]]:
        """Yield each scope, product or attribute of a change, with its product; None where the
        catalogue had none."""
        subject, products = change.subject or connection.name, self.catalogue.products
        if change.kind is Kind.ATTRIBUTES_CHANGED:
            for changed in change.fields:
                product_and_attribute = self.catalogue.attributes.get(changed.field)
                product = product_and_attribute[0] if product_and_attribute else None
                yield changed.field, product
        elif change.kind is Kind.CHANGED_OTHERWISE:
            yield connection.name, None  # its subject has no names, only types of resources
        elif change.kind.row.resource is Resource.SCOPES:
            yield subject, self.catalogue.product_granting(connection.platform, subject)
        else:
            yield subject, products.get(subject)

    def _owners_of_product(self, product: Product | None) -> Handles:
        approvers = product.approvers if product else ()
        return approvers or self._team

    def _owners_of_code(self, code: str) -> Handles:
        """Return who owns the forms of an organisation, by its code or an earlier one: the
        onboarding team where it has no owners, or is new."""
        return self._owners_by_code.get(code) or self._team

    @cached_property
    def _owners_by_code(self) -> Mapping[str, Handles]:
        """Per code the owners of its organisation; a present code counts before an earlier one."""
        present, earlier = dict[str, Handles](), dict[str, Handles]()
        for organisation in self.organisations.values():
            present[organisation.code] = organisation.owners
            earlier |= dict.fromkeys(organisation.earlier_codes, organisation.owners)
        return {**earlier, **present}

    def _owners_of_folder(self, folder: str) -> Handles:
        organisation = self.organisations.get(folder)
        owners = organisation.owners if organisation else ()
        return owners or self._team


def approvers_before(before: Tree, forms: Onboardings) -> Approvers:
    """Return who decides, by the revision ``before`` a change and its ``forms``."""
    team: str | None = None
    with suppress(Failure):  # the team is named wrongly there, as if it were not named
        team = onboarding_team(before.files(str(PROJECT_FILE).__eq__))
    return Approvers(forms.catalogue, forms.organisations, team)


def _keys_of(connection: ConnectionChanges) -> list[str]:
    """Return the key of a connection, and its former key where that changes: the organisation that
    it leaves has to agree too."""
    keys = [connection.key]
    for change in connection.changes:
        if change.kind is Kind.CLIENT_RENAMED:
            keys += [field.old for field in change.fields if field.field == "key" and field.old]
    return keys
