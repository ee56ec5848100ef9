"""What the forms of a folder have, as they were read: what they declare, and what is wrong with
some of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from acmidm_onboarding.forms.catalogue import Catalogue
from acmidm_onboarding.forms.declarations import LoadedForm, declarations
from acmidm_onboarding.forms.files import ORGANISATION_FILE, absolute
from acmidm_onboarding.forms.form import Form
from acmidm_onboarding.forms.key_files import Keys
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.identifiers import SHARED_KBO_NUMBER
from acmidm_onboarding.values.mandate import Mandate
from acmidm_onboarding.values.names import is_chosen
from acmidm_onboarding.values.organisation import Organisation
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

    def connections(self, environment: Environment, *, are_all: bool = True) -> list[Declaration]:
        """Return what the forms have in an environment. ``are_all``: whether an organisation has no
        other forms than these."""
        of_organisations = defaultdict[str, list[Form]](list)
        for loaded in self.forms if are_all else ():
            of_organisations[loaded.organisation.code].append(loaded.form)
        times = Counter(
            organisation.kbo for organisation in self.organisations.values() if organisation.kbo
        )
        shared = frozenset(
            {SHARED_KBO_NUMBER, *(kbo for kbo, number in times.items() if number > 1)}
        )
        return [
            connection
            for loaded in self.forms
            for connection in declarations(
                loaded,
                environment,
                self.catalogue,
                shared,
                of_organisations.get(loaded.organisation.code),
            )
        ]

    def valid(self) -> Onboardings:
        """Return these, which have no mistake. Raises InvalidForms."""
        if self.problems:
            raise InvalidForms(self.problems)
        return self

    def chosen(self, globs: str, folder: Path) -> Onboardings:
        """Return these with the forms alone of the organisations that a stack takes.

        Mistakes of others stop none of these forms, but for those that leave one out, and those of
        an organisation, without which nobody knows whose a client is.
        """
        if not globs.split():
            return self
        forms = absolute(folder)

        def is_anothers(file: Path) -> bool:
            path = absolute(file)
            parts = path.relative_to(forms).parts if path.is_relative_to(forms) else ()
            return len(parts) > 1 and not is_chosen(parts[0], globs)

        left_out = tuple(file for file in self.left_out if not is_anothers(file))
        return replace(
            self,
            forms=tuple(loaded for loaded in self.forms if not is_anothers(loaded.file)),
            problems=tuple(
                problem
                for problem in self.problems
                if left_out
                or problem.file.name == ORGANISATION_FILE
                or not is_anothers(problem.file)
            ),
            left_out=left_out,
        )
