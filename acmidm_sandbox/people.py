"""The people who log on at the embedded portals of this machine: those of ``people.yaml``, and
nobody else.

Each has a password per portal. It is made when somebody is new there, shown once, and kept as a
hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Self, TypeVar

from pydantic import model_validator

from acmidm_onboarding.forms.documents import read_document
from acmidm_onboarding.forms.validation import validated
from acmidm_onboarding.values.identifiers import KboNumber, OvoCode
from acmidm_onboarding.values.names import Part
from acmidm_onboarding.values.problems import InvalidForms
from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store.users import User
from acmidm_sandbox.beheerportaal.users import (
    add_user,
    change_user,
    list_users,
    remove_user,
    user_of,
)

FILE = Path("people.yaml")


P = TypeVar("P", bound="People")


class Right(StrEnum):
    """What somebody may do at a portal, beside logging on."""

    API_BEHEERDER = "api-beheerder"
    AANSLUITINGENTEAM = "aansluitingenteam"


class OfOrganisation(Part):
    """What is an organisation's, known by its OVO code, its KBO number or both."""

    ovo: OvoCode | None = None
    kbo: KboNumber | None = None
    organisation: str = ""
    """What clients call the organisation."""

    @property
    def codes(self) -> list[str]:
        return [code for code in (self.ovo, self.kbo) if code]


class Person(OfOrganisation):
    """Somebody who acts for an organisation."""

    name: str
    rights: tuple[Right, ...] = ()

    @model_validator(mode="after")
    def _can_log_on(self) -> Self:
        self.as_user()
        return self

    def as_user(self) -> User:
        """Return this person as a portal knows people. Raises ValueError."""
        return user_of(
            self.name,
            self.codes,
            api_beheerder=Right.API_BEHEERDER in self.rights,
            aansluitingenteam=Right.AANSLUITINGENTEAM in self.rights,
            organisation_name=self.organisation,
        )


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


def read(kind: type[P], file: Path) -> P:
    """Return what a file of people says, and of what else it has. Raises InvalidForms."""
    found, problems = validated(kind, read_document(file, file))
    if found is None or problems:
        raise InvalidForms(problems)
    return found


def read_people() -> Sequence[User]:
    """Return who may log on at the portals of this project; nobody where it has no such file.
    Raises InvalidForms."""
    return [person.as_user() for person in read(People, FILE).people] if FILE.exists() else ()


def let_in(people: Sequence[User], settings: PortalSettings) -> Iterator[str]:
    """Have these people, and nobody else, at a portal, and yield what changes, with the password of
    each that is new."""
    database, there = settings.database, {user.name: user for user in list_users(settings.database)}
    for name in there.keys() - {user.name for user in people}:
        remove_user(database, name)
        yield f"{name} logs on no more"
    for user in people:
        who, rights = f"{user.name} of {user.organisation_code}", ", ".join(user.rights)
        if user.name not in there:
            password = add_user(database, user)
            yield (
                f"{who} ({rights or 'no right'}) logs on at {settings.origin}/portaal with the"
                f" password {password}"
            )
        elif user != there[user.name]:
            change_user(database, user)
            yield f"{who} is changed ({rights or 'no right'})"
