"""Who may use the portal: people, each of one organisation, with their sessions; and operators. All
are made on the machine itself, for here is no identity provider that knows people."""

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from acmidm_sandbox.beheerportaal.documents import Organisation
from acmidm_sandbox.beheerportaal.jwk import registered_members
from acmidm_sandbox.beheerportaal.secrets import hash_secret
from acmidm_sandbox.beheerportaal.settings import RIGHTS, StrictModel
from acmidm_sandbox.beheerportaal.store.clients import SHARED_KBO_NUMBER
from acmidm_sandbox.beheerportaal.store.database import AsJson, Base
from acmidm_sandbox.beheerportaal.untrusted import require_visible

ACTOR_PREFIX = "user:"
_OVO = re.compile(r"OVO[0-9]{6}")
_KBO = re.compile(r"[01][0-9]{9}")
_LONGEST_NAME = 100
_PASSWORD_BYTES = 18
LONGEST_SESSION_SECONDS = 8 * 3600


class Right(StrEnum):
    """What somebody may do at a portal, beside logging on."""

    API_BEHEERDER = "api-beheerder"
    AANSLUITINGENTEAM = "aansluitingenteam"


_CALLED = {Right.API_BEHEERDER: "API-beheerder", Right.AANSLUITINGENTEAM: "Aansluitingenteam"}


def _checked_name(name: str) -> str:
    """Return a name unchanged. Raises ValueError where it is empty, too long or not visible."""
    with suppress(ValueError):
        if 0 < len(require_visible(name)) <= _LONGEST_NAME:
            return name
    raise ValueError(
        f"a name needs 1 to {_LONGEST_NAME} printable characters, without spaces around it"
    )


def _checked_ovo(code: str) -> str:
    """Return an OVO code unchanged. Raises ValueError where it is none."""
    if not _OVO.fullmatch(code):
        raise ValueError(f"{code} is no OVO code; write one such as OVO002067")
    return code


def _digits(number: str) -> str:
    """Return the ten digits of a KBO number. Raises ValueError where it is none."""
    digits = re.sub(r"[. ]", "", number)
    if not _KBO.fullmatch(digits):
        raise ValueError(f"{number} is no KBO number; write ten digits, such as 0207.451.227")
    if int(digits[8:]) != 97 - int(digits[:8]) % 97:
        raise ValueError(f"{number} is no KBO number by its check digits; correct the typing error")
    return digits


class Person(StrictModel):
    """Somebody who acts at the portal for one organisation, known by its OVO code, its KBO number
    or both. The right `api-beheerder` is to see and manage its clients. The `aansluitingenteam`
    sees those of all organisations, configures products for them, and removes them."""

    name: Annotated[str, AfterValidator(_checked_name)]
    ovo: Annotated[str, AfterValidator(_checked_ovo)] | None = None
    kbo: Annotated[str, Field(coerce_numbers_to_str=True), AfterValidator(_digits)] | None = None
    organisation: Annotated[str, AfterValidator(_checked_name)] | None = Field(
        default=None, description="What clients call the organisation: its code, if left out."
    )
    rights: tuple[Right, ...] = ()

    @model_validator(mode="after")
    def _check_organisation(self) -> Self:
        if self.ovo is None and self.kbo is None:
            raise ValueError("a user needs an organisation; give its OVO code or KBO number")
        if self.organisation_code == SHARED_KBO_NUMBER:
            raise ValueError(
                "KBO number 0316.380.841 is shared by all departments of the Flemish"
                " administration; give the OVO code"
            )
        return self

    @property
    def api_beheerder(self) -> bool:
        return Right.API_BEHEERDER in self.rights

    @property
    def aansluitingenteam(self) -> bool:
        return Right.AANSLUITINGENTEAM in self.rights

    @property
    def actor(self) -> str:
        """How the audit trail names this person; an operator is named by a client_id."""
        return f"{ACTOR_PREFIX}{self.name}"

    @property
    def organisation_code(self) -> str:
        """The OVO code, else the KBO number."""
        return self.ovo or self.kbo or ""

    @property
    def as_organisation(self) -> Organisation:
        """The organisation as the document of a client has it."""
        name = self.organisation or self.organisation_code
        return Organisation(name=name, ovo=self.ovo, kbo=self.kbo)

    @property
    def rights_for_people(self) -> str:
        """The rights as people call them, or that there is none."""
        return ", ".join(_CALLED[right] for right in self.rights) or "no right"


class Account(Base):
    """What a user logs on with."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[Person] = mapped_column(AsJson(Person))
    password_hash: Mapped[str]


class WebSession(Base):
    """A session of the web interface. Of its token only the hash is kept: who reads the database
    can't take a session over."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_name: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), index=True)
    ends_at: Mapped[int] = mapped_column(index=True)


class Operator(Base):
    """A client of the management API: its rights are scopes, its keys public JWKs."""

    __tablename__ = "operators"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    rights: Mapped[list[str]] = mapped_column(AsJson(list[str]))
    jwks: Mapped[list[dict[str, Any]]] = mapped_column(AsJson(list[dict[str, Any]]))


def create_account(session: Session, person: Person) -> str:
    """Give a person an account, and return its new password, of which only a hash is kept."""
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    session.add(Account(name=person.name, person=person, password_hash=hash_secret(password)))
    return password


def register_operator(
    session: Session, client_id: str, rights: Sequence[str] = RIGHTS, *, public_jwk: dict[str, Any]
) -> None:
    """Write an operator, whose key has no mistakes; an existing one is replaced."""
    keys = [registered_members(public_jwk)]
    session.merge(Operator(client_id=client_id, rights=sorted(set(rights)), jwks=keys))


def count_administrators(session: Session, code: str) -> int:
    """Return how many are *API-beheerder* of the organisation with this OVO code or KBO number."""
    if code == SHARED_KBO_NUMBER:  # of many organisations
        return 0
    people = session.scalars(select(Account.person))
    return sum(person.api_beheerder and code in (person.ovo, person.kbo) for person in people)


def start_session(session: Session, user_name: str) -> str:
    """Keep a new web session of a user, and return its token, which only the browser has."""
    now = int(time.time())
    session.execute(delete(WebSession).where(WebSession.ends_at < now))  # those that have ended
    token = secrets.token_urlsafe(32)
    ends_at = now + LONGEST_SESSION_SECONDS
    session.add(WebSession(token_hash=hash_of_token(token), user_name=user_name, ends_at=ends_at))
    return token


def person_of_session(session: Session, token: str) -> Person | None:
    """Return whose web session has a token; None where there is none, or it has ended."""
    web_session = session.get(WebSession, hash_of_token(token))
    if web_session is None or web_session.ends_at < int(time.time()):
        return None
    account = session.get(Account, web_session.user_name)
    return None if account is None else account.person


def hash_of_token(token: str) -> str:
    """Return the hash by which a token is kept. A token is long and random: it needs no salt."""
    return hashlib.sha256(token.encode()).hexdigest()
