"""``people.yaml``: who logs on at the portals of this project's sandbox, and nobody else."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from acmidm_onboarding.forms.documents import read_document
from acmidm_onboarding.forms.validation import validated
from acmidm_onboarding.values.identifiers import KboNumber, OvoCode, is_visible
from acmidm_onboarding.values.names import Part
from acmidm_onboarding.values.problems import InvalidForms

FILE = Path("people.yaml")
_LONGEST_NAME = 100


class Right(StrEnum):
    """What somebody may do at a portal, beside logging on."""

    API_BEHEERDER = "api-beheerder"
    AANSLUITINGENTEAM = "aansluitingenteam"


class Person(Part):
    """Somebody who acts for an organisation."""

    name: str
    ovo: OvoCode | None = None
    kbo: KboNumber | None = None
    organisation: str = ""
    """What clients call the organisation."""
    rights: tuple[Right, ...] = ()

    @model_validator(mode="after")
    def _can_log_on(self) -> Self:
        for name in (self.name, self.organisation or self.name):
            if not 0 < len(name) <= _LONGEST_NAME or not is_visible(name):
                raise ValueError(
                    f"a name needs 1 to {_LONGEST_NAME} printable characters, without spaces around"
                    " it"
                )
        if self.ovo is None and self.kbo is None:
            raise ValueError("a user needs an organisation; give its OVO code or KBO number")
        return self


class People(Part):
    """The file."""

    people: tuple[Person, ...] = ()

    @model_validator(mode="after")
    def _have_names_of_their_own(self) -> Self:
        names = [person.name for person in self.people]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"there are two people with the name {name}; give each a name of its own"
                )
        return self


def read_people() -> list[dict[str, Any]]:
    """Return the people as the sandbox's file has them; nobody where the project has no such file.
    Raises InvalidForms."""
    if not FILE.exists():
        return []
    found, problems = validated(People, read_document(FILE, FILE))
    if found is None or problems:
        raise InvalidForms(problems)
    return [person.model_dump(mode="json", exclude_defaults=True) for person in found.people]
