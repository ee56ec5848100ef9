"""What the forms of a folder have, as they were read: what they declare, and what is wrong with
some of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from operator import attrgetter
from pathlib import Path

from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.declarations import LoadedForm, declarations
from acmidm_onboarding.forms.files import MANDATES_FILE, ORGANISATION_FILE, Findings, absolute
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.key_files import Keys
from acmidm_onboarding.rules.mistaken import Folder, Mistaken
from acmidm_onboarding.values.declaration import PROOF_OPTIONS, Declaration, Lenders
from acmidm_onboarding.values.identifiers import SHARED_KBO_NUMBER
from acmidm_onboarding.values.jwk import thumbprints
from acmidm_onboarding.values.mandate import Mandate, mandate_for
from acmidm_onboarding.values.organisation import Organisation
from acmidm_onboarding.values.plain import filled, only
from acmidm_onboarding.values.problems import InvalidForms, Problem
from acmidm_onboarding.values.terms import Environment


@dataclass(frozen=True)
class Onboardings:
    """The forms that no mistake is about, valid against the catalogue, and the mistakes of the
    others."""

    catalogue: Catalogue
    forms: tuple[LoadedForm, ...]
    organisations: Mapping[str, Organisation] = field(default_factory=dict)
    """Per folder, also those of suppliers without forms."""
    mandates: Mapping[str, tuple[Mandate, ...]] = field(default_factory=dict)
    """Per folder what its organisation lets suppliers do."""
    suppliers: Mapping[str, Keys] = field(default_factory=dict)
    """Per folder the keys that it has for others, compromised ones too."""
    problems: tuple[Problem, ...] = ()
    left_out: tuple[Path, ...] = ()
    """The forms with mistakes: their own, their organisation's, those of a key that they name, or
    of the catalogue."""
    compromised: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Per folder the thumbprints of the keys that it says are compromised, also where it has
    mistakes."""
    findings: Findings = field(default_factory=Findings, compare=False, repr=False)
    """What was found in their files, and in those of another revision."""

    def connections(self, environment: Environment, *, are_all: bool = True) -> list[Declaration]:
        """Return the clients that the forms declare in an environment. ``are_all``: whether these
        are all forms of their organisations, so that earlier keys can be attributed."""
        if (environment, are_all) not in self._connections:
            connections = list(self._declared(environment, are_all=are_all))
            self._connections[environment, are_all] = connections
        return [*self._connections[environment, are_all]]

    def supplied_by(self, supplier: str) -> list[LoadedForm]:
        """Return the forms that have a supplier's keys."""
        return [loaded for loaded in self.forms if loaded.form.keys_of == supplier]

    @cached_property
    def _connections(self) -> dict[tuple[Environment, bool], list[Declaration]]:
        """What ``connections`` returned; a form has thousands of parts."""
        return {}

    def _declared(self, environment: Environment, *, are_all: bool) -> Iterator[Declaration]:
        """Yield what ``connections`` returns. Only where the forms ``are_all`` is it known to which
        one an earlier key of its organisation belongs; else each has those that it names."""
        of_organisations = defaultdict[str, list[Form]](list)
        if are_all:
            for loaded in self.forms:
                of_organisations[loaded.organisation.code].append(loaded.form)
        times = Counter(organisation.kbo for organisation in self.organisations.values())
        twice = {kbo for kbo, number in times.items() if kbo and number > 1}
        shared = frozenset({SHARED_KBO_NUMBER, *twice})
        for loaded in self.forms:
            forms = of_organisations.get(loaded.organisation.code)
            lenders = self._lenders(loaded)
            given = loaded, environment, self.catalogue, shared, forms, lenders
            yield from self.findings.of(
                partial(declarations, *given),
                (loaded.name, environment, are_all),
                self.catalogue,
                *loaded.parts,
                *(forms or ()),
                equal=(loaded, shared, lenders),
            )

    def proof_options(self, forms: Iterable[LoadedForm], environment: Environment) -> str:
        """Return the options of ``acmidm probe`` that prove each of these forms in an environment:
        ``--record``, or with a test message where one of them needs that."""
        names = {loaded.name for loaded in forms}
        connections = self.connections(environment)
        proven = [connection for connection in connections if connection.form.path in names]
        options = map(attrgetter("proof_options"), proven)
        return max(options, key=len, default=PROOF_OPTIONS)

    def _lenders(self, loaded: LoadedForm) -> Lenders:
        """Return which suppliers may lend a form their keys, until which day; whose each key of
        other suppliers is; and which keys are stolen. A supplier that is the form's organisation,
        or that it names under ``keys_of``, is no other one."""
        folder, application = loaded.file.parent.name, loaded.form.application
        of_folder = self.mandates.get(folder, ())
        mandates = dict[str, str]()
        for supplier in {mandate.supplier for mandate in of_folder}:
            mandate = mandate_for(of_folder, supplier, application)
            if mandate:
                mandates[supplier] = mandate.until.isoformat()
        known = self.suppliers.keys() & {folder, loaded.form.keys_of}
        return Lenders(mandates, self._keys_but_of(frozenset(known)), self._stolen)

    def _keys_but_of(self, suppliers: frozenset[str]) -> Mapping[str, str]:
        """Return per thumbprint of a key the supplier that has it for others; without the keys of
        these ``suppliers``."""
        if suppliers not in self._lent:
            lent = dict[str, str]()
            for supplier in self.suppliers:
                if supplier in suppliers:
                    continue
                for keys in self.suppliers[supplier].values():
                    lent.update(dict.fromkeys(thumbprints(keys), supplier))
            self._lent[suppliers] = lent
        return self._lent[suppliers]

    @cached_property
    def _lent(self) -> dict[frozenset[str], Mapping[str, str]]:
        """What ``_keys_but_of`` returned: most forms have the same."""
        return {}

    @cached_property
    def _stolen(self) -> Mapping[str, frozenset[str]]:
        """The thumbprints of each supplier's compromised keys."""
        return filled(only(self.compromised, self.suppliers))

    def mistaken(self, forms: Path) -> Mistaken:
        """Return which folders the mistakes are about and what is known of them all the same, by
        which a run decides what it leaves as it is; ``forms`` is the folder that was read."""
        whole, files = absolute(forms), self._faulty_files
        below = [file for file in map(absolute, files) if whole in file.parents]
        faulty = {file.relative_to(whole).parts[0] for file in below}
        faulty |= {file.parent.name for file in self.left_out}
        named = {(file.parent.name, file.name) for file in files}
        folders: dict[str, Folder] = {}
        for name, organisation in self.organisations.items():
            if (name, ORGANISATION_FILE) in named:
                continue
            has_mistaken_mandates = (name, MANDATES_FILE) in named
            mandates = None if has_mistaken_mandates else self.mandates.get(name, ())
            folders[name] = Folder(
                name=name,
                code=organisation.code,
                earlier_codes=organisation.earlier_codes,
                earlier_keys=organisation.earlier_keys,
                is_sound=name not in faulty,
                compromised=self.compromised.get(name, frozenset()),
                mandates=mandates,
            )
        declared = chain.from_iterable(map(self.connections, Environment))
        return Mistaken(
            folders=tuple(folders.values()),
            is_attributed=len(below) == len(files) and faulty <= folders.keys(),
            declared=frozenset(connection.key for connection in declared),
        )

    def require_shared(self, forms: Path) -> None:
        """Refuse a mistake in what all forms share, such as the catalogue, and a folder without a
        form; ``forms`` is the folder that was read. Raises InvalidForms."""
        whole = absolute(forms)
        is_shared = any(whole not in absolute(file).parents for file in self._faulty_files)
        if self.problems and (is_shared or not (self.forms or self.left_out)):
            raise InvalidForms(self.problems)

    @property
    def _faulty_files(self) -> set[Path]:
        return faulty_files(self.problems)

    def valid(self) -> Onboardings:
        """Return these forms where none of what was read has a mistake. Raises InvalidForms with
        all mistakes."""
        if self.problems:
            raise InvalidForms(self.problems)
        return self


def faulty_files(problems: Iterable[Problem]) -> set[Path]:
    """Return every file that a mistake is about."""
    files: set[Path] = set()
    for problem in problems:
        files.update(problem.wrong_files)
    return files
