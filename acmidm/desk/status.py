"""A row of the service desk's report: a connection with its scopes, keys, ends and products, its
step of the guide, and whom that waits for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import IntEnum, StrEnum
from itertools import chain
from typing import Any, TypeVar

from pydantic import Field

from acmidm.report.compare import SOON_DAYS
from acmidm.report.connection import ClientName, client_name
from acmidm.report.document import Piece, Tone
from acmidm.report.kinds import NO_REASON, ReportPart
from acmidm.words import day, days, plain
from acmidm_onboarding.forms.onboardings import Onboardings
from acmidm_onboarding.texts import N_, Language, tr, translated
from acmidm_onboarding.values.client import Client, natural_key
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.end import after
from acmidm_onboarding.values.keys import Key
from acmidm_onboarding.values.terms import Environment

L = TypeVar("L", bound="LastDay")

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Step(IntEnum):
    """The steps of the guide, by its numbers: it has no step 6."""

    FORM = 1
    CLIENT = 2
    HAND_OVER = 3
    RIGHT = 4
    KEY = 5
    PROMOTION = 7
    RIGHT_ON_PRODUCTION = 8
    KEY_ON_PRODUCTION = 9
    DONE = 10


STEPS: Mapping[Step | None, str] = {
    Step.FORM: N_("Fill in the form"),
    Step.CLIENT: N_("Make the OAuth client"),
    Step.HAND_OVER: N_("Hand over the client-ID"),
    Step.RIGHT: N_("Access to the Beheerportaal"),
    Step.KEY: N_("Public key"),
    Step.PROMOTION: N_("Validation and client-ID for production"),
    Step.RIGHT_ON_PRODUCTION: N_("Right API-beheerder in production"),
    Step.KEY_ON_PRODUCTION: N_("Public key for production"),
    Step.DONE: N_("Done"),
}
"""What each step is called."""


class WaitsFor(StrEnum):
    """Whose turn it is."""

    ORGANISATION = "organisation"
    US = "us"
    AUTHORITY = "authority"
    API_OWNER = "api-owner"


def _tone_of_end(days_left: int | None) -> Tone | None:
    """Return how an end stands out that is ``days_left`` away, which is below zero where it has
    passed; None where it is far, or there is none."""
    if days_left is None or days_left > SOON_DAYS:
        return None
    return Tone.DANGER if days_left < 0 else Tone.WARNING


class ListedKey(ReportPart):
    kid: str
    thumbprint: str | None = None
    expires: datetime | None = None
    days_left: int | None = None

    @property
    def reminded_as(self) -> str:
        """Its name in the ledger of reminders, which nothing else of its client has."""
        return f"key {self.thumbprint or self.kid}"

    @property
    def ends_soon(self) -> bool:
        return self.days_left is not None and self.days_left <= SOON_DAYS

    @property
    def in_mails(self) -> str:
        """What a mail calls the key: its ``kid`` where that is a plain name. Else somebody could
        have us mail a sentence of theirs as a ``kid``."""
        return self.kid if _NAME.fullmatch(self.kid) else self.thumbprint or "?"

    @property
    def pieces(self) -> list[Piece]:
        """The key with its end, in words too where that is near: not everybody sees colours."""
        kid = plain(self.kid)
        if self.expires is None or self.days_left is None:
            return [Piece(kid)]
        if self.days_left < 0:
            sentence = N_("{kid} EXPIRED {day}")
        elif self.ends_soon:
            sentence = N_("{kid} until {day} ({left})")
        else:
            sentence = N_("{kid} until {day}")
        ending = translated(sentence, kid="", day=day(self.expires), left=days(self.days_left))
        return [Piece(f"{kid} "), Piece(ending.strip(), _tone_of_end(self.days_left))]

    def __str__(self) -> str:
        return self.kid


class LastDay(ReportPart):
    """What has a last day."""

    until: date | None = None
    """None where there is none, as of a mandate that was taken out: it has ended."""
    days_left: int = -1

    @property
    def expires(self) -> datetime | None:
        """The first moment at which it does not count; None where there is none."""
        return None if self.until is None else after(self.until)

    @property
    def ends_soon(self) -> bool:
        return self.days_left <= SOON_DAYS

    @property
    def ending(self) -> str:
        """Its end, in words too where that is near."""
        if self.days_left < 0:
            return tr("ENDED {day}", day=self.until)
        if self.ends_soon:
            return tr("until {day} ({left})", day=self.until, left=days(self.days_left))
        return tr("until {day}", day=self.until)

    @property
    def toned_ending(self) -> Piece:
        return Piece(self.ending, _tone_of_end(self.days_left))

    def with_name(self, name: str) -> list[Piece]:
        """Return the ``name`` of what ends, with its end."""
        return [Piece(f"{plain(name)} "), self.toned_ending]


class ListedScope(LastDay):
    """A scope that ends."""

    scope: str
    until: date

    @property
    def reminded_as(self) -> str:
        return f"scope {self.scope}"

    @property
    def pieces(self) -> list[Piece]:
        return self.with_name(self.scope)

    def __str__(self) -> str:
        return f"{self.scope} {self.until}"


class ListedMandate(LastDay):
    """By which a supplier acts for an organisation."""

    supplier: str
    organisation: str = ""
    """Who gave it, where that is not the organisation of the connection."""

    @property
    def reminded_as(self) -> str:
        by = f" by {self.organisation}" if self.organisation else ""
        return f"mandate of {self.supplier}{by}"

    @property
    def ending(self) -> str:
        return tr("NO MANDATE") if self.until is None else super().ending

    @property
    def pieces(self) -> list[Piece]:
        return self.with_name(self.supplier)

    def __str__(self) -> str:
        return f"{plain(self.supplier)} {self.ending}"


Ending = ListedKey | ListedScope | ListedMandate
"""What may end of a client."""


class UnusedMandate(ListedMandate):
    """One that no form uses, with the organisation that gave it."""

    until: date
    supplier_name: str
    applications: tuple[str, ...]
    """What it is for: applications of the organisation, and keys of the supplier's connections that
    send for it."""
    reference: str = ""

    @property
    def words(self) -> str:
        """All that a search looks in, in lower case."""
        names = (self.supplier, self.supplier_name, self.organisation, self.reference)
        return " ".join((*names, *self.applications)).casefold()


class ListedConnection(ClientName):
    """The row of one connection in one environment. A list leaves out where it stands: its step,
    and all that follows from that."""

    stack: str
    environment: Environment
    codes: tuple[str, ...] = ()
    contacts: tuple[str, ...] = ()
    token_endpoint_auth_method: str
    scopes: tuple[str, ...]
    # Per scope, with the reference, where its form gives one.
    reasons: dict[str, str] = Field(default_factory=dict)
    # Those that end.
    scopes_until: tuple[ListedScope, ...] = ()
    default_scopes: tuple[str, ...] = ()
    attributes: dict[str, str] = Field(default_factory=dict)
    keys: tuple[ListedKey, ...] | None
    keys_in_portal: bool = False
    jwks_uri: str | None = None
    mandate: ListedMandate | None = None
    acts_for: tuple[str, ...] = ()
    sends_by: tuple[ListedMandate, ...] = ()
    """The mandates by which it sends for others; none where its form is not known."""
    products: tuple[str, ...]
    leaves: dict[str, str] = Field(default_factory=dict)
    """Per platform or product that it leaves, from which day on."""
    keep: bool = False
    step: Step | None = None
    """The step of the guide; None in a list, which does not look where anything stands."""
    waits_for: WaitsFor | None = None
    """None where nobody has to do anything."""
    order: str = ""
    """What must be done: the name of a row of the derivation."""
    values: dict[str, str] = Field(default_factory=dict)
    """The blanks of its sentences."""
    to_do: str = ""
    """What must be done, in the language of the board."""
    since: datetime | None = None
    """From when on it waits, or is done; None where that is not known."""
    unknown: tuple[str, ...] = ()
    """The facts that nobody could give: the names of these facts."""
    last_token_at: datetime | None = None
    """When its client last got a token, for whatever API, where its authority tells."""
    afterwards: dict[Language, str] = Field(default_factory=dict)
    """What the owners of its APIs still do, which nobody here sees."""
    last_day: date | None = None
    """The last day of its one scope, in the list of an API's owner."""

    @property
    def software_id(self) -> str:
        """The key that the authority stores with the client, such as
        ``acmidm/tni/OVO002067/mijn-gent``."""
        return natural_key(self.platform, self.environment, self.key)

    @property
    def step_title(self) -> str:
        """Its step with its number, in the language that is spoken."""
        return f"{self.step:d}. {translated(STEPS[self.step])}" if self.step else ""

    @property
    def leaving(self) -> list[str]:
        """What leaves, in words: the day alone where the whole client leaves, else each product
        with its day, as "dosis 2027-03-31"."""
        day_of_client = self.leaves.get(self.platform)
        parts = [f"{plain(name)} {day}" for name, day in sorted(self.leaves.items())]
        if day_of_client is not None:
            parts = [day_of_client]
        if self.keep:
            parts.append(tr("stays at its authority"))
        return parts

    @property
    def endings(self) -> list[Ending]:
        """Its keys, its scopes, and the mandate by which its supplier acts."""
        mandates = [self.mandate] if self.mandate else []
        return [*(self.keys or ()), *self.scopes_until, *mandates]

    @property
    def ends(self) -> datetime | None:
        """The first end of these; None where none has one."""
        return min(filter(None, (ending.expires for ending in self.endings)), default=None)

    @property
    def days_left(self) -> int | None:
        """The days until the first of these ends, below zero once it has; None where none ends."""
        days_left = (ending.days_left for ending in self.endings)
        return min((days for days in days_left if days is not None), default=None)

    @property
    def words(self) -> str:
        """All that a search looks in, in lower case."""
        words = [
            self.stack,
            self.key,
            self.organisation,
            self.application,
            self.platform,
            self.client_id or "",
            self.jwks_uri or "",
            self.token_endpoint_auth_method,
            *self.codes,
            *self.contacts,
            *self.acts_for,
            *self.scopes,
            *self.reasons.values(),
            *self.attributes,
            *self.attributes.values(),
            *self.products,
        ]
        # A KBO number as people write it: 0123.456.789.
        words += [f"{code[:4]}.{code[4:7]}.{code[7:]}" for code in self.codes if code.isdecimal()]
        for key in self.keys or ():
            words += [key.kid, key.thumbprint or ""]
        if self.mandate:
            words.append(self.mandate.supplier)
        return " ".join(words).casefold()


def row_of(stack: str, client: Client, now: datetime) -> ListedConnection:
    """Return the row of a client, as the state or its form has it, without its step. It has keys
    that were uploaded in the portal only where the client got them by ``with_uploaded``."""
    codes = map(client.fields.get, ("organisation.ovo", "organisation.kbo"))
    acts_for: set[str] = set()
    for product in client.products.values():
        # A product that a run has not changed yet has an organisation's former name.
        acts_for.update(product.afzenders.values())
    keys = None
    if client.keys.known is not None:
        by_kid = sorted(client.keys.known.items())
        keys = tuple(_listed_key(kid, key, now) for kid, key in by_kid)
    grants = dict(sorted(client.granted.items()))
    reasons: dict[str, str] = {}
    ends: list[ListedScope] = []
    for scope, grant in grants.items():
        if grant.reason not in (None, NO_REASON):
            reasons[scope] = grant.reason
        if grant.until:
            ends.append(_with_last_day(grant.until, now, ListedScope, scope=scope))
    return ListedConnection(
        **client_name(client),
        stack=stack,
        codes=tuple(filter(None, codes)),
        contacts=tuple(client.fields.get("contacts") or ()),
        token_endpoint_auth_method=client.auth_method or "",
        scopes=tuple(grants),
        reasons=reasons,
        scopes_until=tuple(ends),
        default_scopes=tuple(scope for scope, grant in grants.items() if grant.default),
        attributes=dict(client.attributes),
        keys=keys,
        keys_in_portal=client.keys.declared is None and not client.jwks_uri,
        jwks_uri=client.jwks_uri,
        mandate=_listed_mandate(client.form.mandate, now),
        acts_for=tuple(sorted(acts_for)),
        products=tuple(sorted(client.products)),
        leaves=client.leaves,
        keep=client.form.keep,
    )


def _listed_key(kid: str, key: Key, now: datetime) -> ListedKey:
    days_left = key.days_left(now)
    return ListedKey(kid=kid, thumbprint=key.thumbprint, expires=key.expires, days_left=days_left)


def unused_mandates(onboardings: Onboardings, now: datetime) -> list[UnusedMandate]:
    """Return the mandates that no form uses, those that end first in front.

    A form with mistakes may use any that its organisation gave, or that its organisation has as a
    supplier: those are left out.
    """
    # Each as the folders of organisation and supplier, and what it is for: an application with the
    # supplier's keys, or the key of the supplier's connection that sends.
    used = set(chain.from_iterable(loaded.mandates_used for loaded in onboardings.forms))
    folders_with_mistakes = {file.parent.name for file in onboardings.left_out}
    organisations = onboardings.organisations
    unused: list[UnusedMandate] = []
    for folder, mandates in onboardings.mandates.items():
        for mandate in mandates:
            supplier = mandate.supplier
            uses = [(folder, supplier, name) for name in mandate.allowed]
            may_be_used = not folders_with_mistakes.isdisjoint((folder, supplier))
            if may_be_used or not used.isdisjoint(uses):
                continue
            facts = {
                "supplier": supplier,
                "supplier_name": organisations[supplier].name,
                "organisation": organisations[folder].name,
                "applications": mandate.allowed,
                "reference": mandate.reference or "",
            }
            unused.append(_with_last_day(mandate.until.isoformat(), now, UnusedMandate, **facts))
    return sorted(unused, key=lambda mandate: (mandate.until, mandate.words))


def mandates_to_send(connection: Declaration, now: datetime) -> tuple[ListedMandate, ...]:
    """Return the mandates by which a connection sends for other organisations (``afzenders``), each
    with the organisation that gave it."""
    mandates: list[ListedMandate] = []
    for code, until in sorted(connection.afzenders.items()):
        names = {
            "supplier": connection.organisation,
            "organisation": connection.acts_for.get(code, code),
        }
        mandates.append(_with_last_day(until, now, ListedMandate, **names))
    return tuple(mandates)


def _listed_mandate(mandate: Mapping[str, str], now: datetime) -> ListedMandate | None:
    """Return the mandate of a form, {"supplier": "leverancier", "until": "2027-12-31"}; None where
    that is empty. One that was taken out has no last day."""
    if not mandate:
        return None
    last_day = mandate.get("until", "")
    return _with_last_day(last_day, now, ListedMandate, supplier=mandate["supplier"])


def _with_last_day(last_day: str, now: datetime, kind: type[L], **facts: Any) -> L:
    """Return a ``kind`` of these facts with its last day, such as "2027-03-31", and the days until
    then; without these, which counts as ended, where ``last_day`` is empty."""
    if not last_day:
        return kind(**facts)
    until = date.fromisoformat(last_day)
    return kind(**facts, until=until, days_left=(after(until) - now).days)


def rows_in_order(connections: Iterable[ListedConnection]) -> tuple[ListedConnection, ...]:
    """Sort rows by organisation and application, test before production."""

    def rank(client: ListedConnection) -> tuple[object, ...]:
        return (
            client.organisation.casefold(),
            client.application,
            client.platform,
            list(Environment).index(client.environment),
            client.stack,
        )

    return tuple(sorted(connections, key=rank))
