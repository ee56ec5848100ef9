"""The kinds of change: one table, most dangerous first, and what a change is. A new kind is a new
row.

What ``--fail-on`` names, the order of reports, which resource a kind is about and which field of a
client: all of it is in the row. A change has no sentence: ``texts/kinds.*.yaml`` have one of its
kind, by name.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, computed_field

from acmidm.report.document import Document, Line, Piece, Table, Tone
from acmidm.words import LONGEST, WHOLE, cut, day, plain, side_by_side
from acmidm_onboarding.engine_resources import Resource, product_part
from acmidm_onboarding.texts import say, say_counted, spoken, texts

NO_REASON = "requested"
"""The note of a connection's scope where the form gives no reason."""
_IN_SENTENCE = 3
_SHORT = 60


class Severity(StrEnum):
    """How closely a person should look."""

    DANGER = "danger"
    WARNING = "warning"
    NOTICE = "notice"


def severity_name(severity: Severity | None) -> str:
    """Return the word that is before a change; None for one that is undone, and no danger any
    more."""
    return say(f"report.severity.{severity}") if severity else say("report.undone")


class Decider(StrEnum):
    """Who has to agree to a change."""

    ORGANISATION = "organisation"
    """Its keys and contacts, and what lowers its own rights."""
    API_OWNER = "API's owner"
    """Scopes, products and their configuration."""
    ONBOARDING_TEAM = "onboarding team"
    """Who an organisation is and whom it speaks for, mandates, exemptions, settings and code."""


Deciders = tuple[Decider, ...]
"""All of them have to agree."""


class Scale(StrEnum):
    """How much of a client a kind is about."""

    WHOLE = "whole"
    """What becomes of the client itself: reported before what becomes of its parts, and true of all
    of them."""
    PART = "part"
    NEW_PART = "new part"
    """A part that goes without saying in the headline where the client is new."""
    NOTE = "note"
    """No change by itself: reported of clients that change otherwise, for the engine shows no
    others."""


@dataclass(frozen=True)
class Row:
    """One kind. Its sentences are in ``texts/kinds.*.yaml``, by its name; see ``_facts`` for their
    blanks.

    ``<kind>`` is the sentence; of what is in brackets, that which has a fact. ``<kind>.by_hand`` is
    its sentence where somebody did it by hand, and ``<kind>.headline`` what one client or several
    do in the headline: a kind that lacks one has no such place.
    """

    severity: Severity
    resource: Resource
    decides: Deciders | Callable[[Change], Deciders]
    """Who decides it; a function of the change, where that depends on what changes."""
    parts: str = ""
    """What the headline counts, beside the clients."""
    worse_by_hand: bool = False
    """Whether it is a danger where somebody did it by hand."""
    field: str = ""
    """The field of a client that it is about, where it is always the same one."""
    scale: Scale = Scale.PART
    listed: bool = False
    """Whether its fields are the point of it, so that each is on a line of its own."""


_CLIENT, _SCOPES, _KEYS = Resource.CLIENT, Resource.SCOPES, Resource.KEYS
_PRODUCT, _ONBOARDING, _NONE = Resource.PRODUCT, Resource.ONBOARDING, Resource.NONE
_DANGER, _WARNING, _NOTICE = Severity
_ORGANISATION, _API, _TEAM = ((decider,) for decider in Decider)
_WHOLE, _, _NEW_PART, _NOTE = Scale


def _of_description(change: Change) -> Deciders:
    """Return who decides what describes a client: its contacts and names are its organisation's,
    all else says who that is."""
    names = {field.field for field in change.fields}
    deciders = _ORGANISATION if names & _OWN_DESCRIPTION else ()
    return deciders + (_TEAM if names - _OWN_DESCRIPTION else ())


def _of_values(change: Change) -> Deciders:
    """Return who decides values that an API reads: its owner, but where they only go."""
    only_go = change.fields and all(field.new is None for field in change.fields)
    return _ORGANISATION if only_go else _API


def _of_parts(change: Change) -> Deciders:
    """Return who decides what a report cannot show: by the resources that it is of."""
    deciders = {
        _OF_PART.get(part.partition("/")[0], Decider.ONBOARDING_TEAM)
        for part in (change.subject or "").split(", ")
    }
    return tuple(sorted(deciders))


_OWN_DESCRIPTION = frozenset({"client_name", "contacts", "application"})
_OF_PART: Mapping[str, Decider] = {
    Resource.KEYS: Decider.ORGANISATION,
    Resource.SCOPES: Decider.API_OWNER,
    Resource.PRODUCT: Decider.API_OWNER,
}


class Kind(StrEnum):
    """One kind of change. Their order here is their order in reports."""

    row: Row

    def __new__(cls, name: str, row: Row) -> Kind:
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.row = row
        return kind

    CREDENTIALS_REDIRECTED = "credentials_redirected", Row(_DANGER, _NONE, _TEAM)
    OPERATOR_CHANGED = "operator_changed", Row(_DANGER, _NONE, _TEAM)
    PROTECTION_CHANGED = "protection_changed", Row(_DANGER, _NONE, _TEAM)
    SETTINGS_CHANGED = "settings_changed", Row(_DANGER, _NONE, _TEAM)
    CONFIRMED_ITSELF = "confirmed_itself", Row(_DANGER, _NONE, _TEAM)
    ORGANISATION_CHANGED = "organisation_changed", Row(_DANGER, _NONE, _TEAM)
    CATALOGUE_CHANGED = "catalogue_changed", Row(_DANGER, _NONE, _TEAM)
    PIPELINES_CHANGED = "pipelines_changed", Row(_DANGER, _NONE, _TEAM)
    PACKAGES_CHANGED = "packages_changed", Row(_DANGER, _NONE, _TEAM)
    CODE_CHANGED = "code_changed", Row(_DANGER, _NONE, _TEAM)
    INVALID_FORM_REMOVED = "invalid_form_removed", Row(_DANGER, _NONE, _TEAM)
    EXEMPTION_GRANTED = "exemption_granted", Row(_DANGER, _ONBOARDING, _TEAM, "policy")
    EXEMPTION_STANDS = "exemption_stands", Row(_DANGER, _ONBOARDING, _TEAM, scale=_NOTE)
    CONFIRMATION_MISSING = "confirmation_missing", Row(_DANGER, _CLIENT, _TEAM, scale=_NOTE)
    CLIENT_REMOVED = (
        "client_removed",
        Row(_DANGER, _CLIENT, _ORGANISATION, scale=_WHOLE, listed=True),
    )
    CLIENT_REPLACED = "client_replaced", Row(_DANGER, _CLIENT, _ORGANISATION, scale=_WHOLE)
    CLIENT_ADOPTED = "client_adopted", Row(_DANGER, _CLIENT, _TEAM, scale=_WHOLE)
    CLIENT_RETIRED = "client_retired", Row(_DANGER, _CLIENT, _ORGANISATION, scale=_WHOLE)
    CLIENT_LET_GO = "client_let_go", Row(_DANGER, _CLIENT, _ORGANISATION, scale=_WHOLE)
    KEYS_REPLACED = "keys_replaced", Row(_DANGER, _KEYS, _ORGANISATION, listed=True)
    AUTHENTICATION_WEAKENED = (
        "authentication_weakened",
        Row(_DANGER, _CLIENT, _TEAM, field="token_endpoint_auth_method"),
    )
    CLIENT_WITHOUT_KEY = "client_without_key", Row(_DANGER, _KEYS, _ORGANISATION)
    KEY_COMPROMISED = "key_compromised", Row(_DANGER, _KEYS, _ORGANISATION, "compromised_key")
    KEYS_HANDED_OVER = "keys_handed_over", Row(_DANGER, _KEYS, _ORGANISATION, listed=True)
    KEYS_AT_ADDRESS = "keys_at_address", Row(_DANGER, _CLIENT, _ORGANISATION, field="jwks_uri")
    PROTECTION_LIFTED = "protection_lifted", Row(_DANGER, _CLIENT, _ORGANISATION)
    CONFIRMATION_CHANGED = "confirmation_changed", Row(_WARNING, _NONE, _TEAM)
    ORGANISATION_ADDED = "organisation_added", Row(_WARNING, _NONE, _TEAM)
    MANDATES_CHANGED = "mandates_changed", Row(_WARNING, _NONE, _ORGANISATION + _TEAM)
    RETIREMENT_ANNOUNCED = "retirement_announced", Row(_WARNING, _ONBOARDING, _ORGANISATION)
    PRODUCT_RETIRED = "product_retired", Row(_WARNING, _PRODUCT, _ORGANISATION, "product")
    MANDATE_ENDED = "mandate_ended", Row(_WARNING, _ONBOARDING, _TEAM, scale=_NOTE)
    MANDATE_CHANGED = (
        "mandate_changed",
        Row(_WARNING, _ONBOARDING, _ORGANISATION + _TEAM, scale=_NEW_PART),
    )
    UNPROVEN = "unproven", Row(_WARNING, _ONBOARDING, _TEAM, scale=_NOTE)
    GATE_PASSED = "gate_passed", Row(_WARNING, _ONBOARDING, _TEAM)
    CLIENT_RENAMED = (
        "client_renamed",
        Row(
            _WARNING, _CLIENT, _ORGANISATION, worse_by_hand=True, field="software_id", scale=_WHOLE
        ),
    )
    SENDS_FOR_MORE = "sends_for_more", Row(_WARNING, _PRODUCT, _API + _TEAM, listed=True)
    SCOPE_GRANTED = (
        "scope_granted",
        Row(_WARNING, _SCOPES, _API, "scope", worse_by_hand=True, scale=_NEW_PART),
    )
    KEY_CHANGED = "key_changed", Row(_WARNING, _KEYS, _ORGANISATION, "key", worse_by_hand=True)
    KEY_ADDED = (
        "key_added",
        Row(_WARNING, _KEYS, _ORGANISATION, "key", worse_by_hand=True, scale=_NEW_PART),
    )
    SECRET_RENEWED = (
        "secret_renewed",
        Row(_WARNING, _CLIENT, _ORGANISATION, worse_by_hand=True, field="client_secret_updated_at"),
    )
    SECRET_RESTORED = "secret_restored", Row(_WARNING, _CLIENT, _ORGANISATION)
    EXEMPTION_CHANGED = "exemption_changed", Row(_WARNING, _ONBOARDING, _TEAM, "exemption")
    CONTACT_TO_CHECK = "contact_to_check", Row(_WARNING, _CLIENT, _ORGANISATION, "contact_to_check")
    CLIENT_DISABLED = (
        "client_disabled",
        Row(_WARNING, _CLIENT, _ORGANISATION, worse_by_hand=True, field="enabled"),
    )
    ATTRIBUTES_CHANGED = (
        "attributes_changed",
        Row(_WARNING, _CLIENT, _of_values, worse_by_hand=True, field="attributes", scale=_NEW_PART),
    )
    SCOPE_DEFAULT = "scope_default", Row(_WARNING, _SCOPES, _API, "scope")
    SCOPE_ON_REQUEST = "scope_on_request", Row(_WARNING, _SCOPES, _ORGANISATION, "scope")
    SCOPE_RENEWED = "scope_renewed", Row(_WARNING, _SCOPES, _API, "scope")
    SCOPE_ENDED = "scope_ended", Row(_WARNING, _SCOPES, _API, "scope")
    KEY_EXPIRED = "key_expired", Row(_WARNING, _KEYS, _ORGANISATION, "expired_key", scale=_NOTE)
    KEYS_DECLARED = "keys_declared", Row(_WARNING, _KEYS, _ORGANISATION)
    KEYS_OFF_ADDRESS = (
        "keys_off_address",
        Row(_WARNING, _CLIENT, _ORGANISATION, worse_by_hand=True, field="jwks_uri"),
    )
    SCOPE_WITHDRAWN = "scope_withdrawn", Row(_WARNING, _SCOPES, _ORGANISATION, "scope")
    SECOND_KEY_WITHOUT_KID = "second_key_without_kid", Row(_WARNING, _KEYS, _ORGANISATION)
    KEY_REMOVED = "key_removed", Row(_WARNING, _KEYS, _ORGANISATION, "key")
    CLIENT_WITH_ONE_KEY = "client_with_one_key", Row(_WARNING, _KEYS, _ORGANISATION)
    EXEMPTION_UNNEEDED = (
        "exemption_unneeded",
        Row(_WARNING, _ONBOARDING, _TEAM, "needless_exemption", scale=_NOTE),
    )
    PRODUCT_REMOVED = (
        "product_removed",
        Row(_WARNING, _PRODUCT, _ORGANISATION, "product", listed=True),
    )
    SENDS_FOR_FEWER = "sends_for_fewer", Row(_WARNING, _PRODUCT, _ORGANISATION, listed=True)
    PRODUCT_UNPROTECTED = "product_unprotected", Row(_WARNING, _PRODUCT, _ORGANISATION, "product")
    OTHER_CHANGED = "other_changed", Row(_WARNING, Resource.OTHER, _TEAM, "other")
    CHANGED_OTHERWISE = "changed_otherwise", Row(_WARNING, _CLIENT, _of_parts, scale=_WHOLE)
    ORDERED = "ordered", Row(_NOTICE, _ONBOARDING, _TEAM, scale=_NOTE)
    KEY_MAY_STAY = "key_may_stay", Row(_NOTICE, _KEYS, _ORGANISATION, scale=_NOTE)
    HELD_BACK = "held_back", Row(_NOTICE, _ONBOARDING, _TEAM, scale=_NOTE)
    CLIENT_MARKED = "client_marked", Row(_NOTICE, _CLIENT, _TEAM)
    PRODUCT_MARKED = "product_marked", Row(_NOTICE, _PRODUCT, _TEAM, "product")
    EVIDENCE_CHANGED = "evidence_changed", Row(_NOTICE, _KEYS, _ORGANISATION)
    NOT_RECORDED = "not_recorded", Row(_NOTICE, _CLIENT, _TEAM, scale=_WHOLE)
    PRODUCT_CHANGED = "product_changed", Row(_NOTICE, _PRODUCT, _of_values, "product")
    RETIREMENT_COMING = "retirement_coming", Row(_NOTICE, _ONBOARDING, _ORGANISATION, scale=_NOTE)
    RETIREMENT_CALLED_OFF = "retirement_called_off", Row(_NOTICE, _ONBOARDING, _ORGANISATION)
    KEY_EXPIRING = "key_expiring", Row(_NOTICE, _KEYS, _ORGANISATION, "expiring_key", scale=_NOTE)
    CLIENT_CREATED = "client_created", Row(_NOTICE, _CLIENT, _ORGANISATION, scale=_WHOLE)
    KEY_AWAITED = "key_awaited", Row(_NOTICE, _KEYS, _ORGANISATION)
    PRODUCT_CONFIGURED = (
        "product_configured",
        Row(_NOTICE, _PRODUCT, _API, "product", scale=_NEW_PART, listed=True),
    )
    CLIENT_ENABLED = "client_enabled", Row(_NOTICE, _CLIENT, _ORGANISATION, field="enabled")
    AUTHENTICATION_CHANGED = (
        "authentication_changed",
        Row(_NOTICE, _CLIENT, _ORGANISATION, field="token_endpoint_auth_method"),
    )
    CLIENT_UPDATED = "client_updated", Row(_NOTICE, _CLIENT, _of_description)
    SECRET_UNTIL_KEY = "secret_until_key", Row(_NOTICE, _CLIENT, _ORGANISATION)
    PROTECTION_RESTORED = "protection_restored", Row(_NOTICE, _CLIENT, _ORGANISATION)
    PRODUCT_PROTECTED = "product_protected", Row(_NOTICE, _PRODUCT, _ORGANISATION, "product")
    EXEMPTION_REMOVED = "exemption_removed", Row(_NOTICE, _ONBOARDING, _TEAM, "exemption")
    SCOPE_NOTE_CHANGED = "scope_note_changed", Row(_NOTICE, _SCOPES, _API, "reason")
    SCOPE_SHORTENED = "scope_shortened", Row(_NOTICE, _SCOPES, _ORGANISATION, "scope")

    @property
    def severity(self) -> Severity:
        """How dangerous it is where a form declares it."""
        return self.row.severity

    @property
    def in_headline(self) -> bool:
        """Whether the headline counts the clients that it is about."""
        return f"{self}.headline.one" in _sentences("kinds", spoken())

    def sentence(self, form: str = "") -> str | None:
        """Return its sentence with its blanks: in another form, such as ``by_hand``, where it has
        that."""
        return _sentences("kinds", spoken()).templates.get(f"{self}.{form}" if form else self)

    def headlined(self, clients: int, parts: int = 0) -> str:
        """Return what one client does, or several do: ``loses its protection``, ``gain 3
        scopes``."""
        counted = say_counted(f"kinds.parts.{self.row.parts}", parts) if self.row.parts else ""
        return say_counted(f"kinds.{self}.headline", clients, parts=counted)


_sentences = cache(texts)
_RANKS = {kind: rank for rank, kind in enumerate(Kind)}


class Part(BaseModel):
    """A part of a report. What its JSON has besides, such as a change's text, is made from the
    rest."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Report(Part):
    """A whole report: what its JSON has, and the document that people read."""

    page: ClassVar[str] = ""
    """The name of its page's template, where it has a page."""

    @abstractmethod
    def as_document(self) -> Document:
        """Return the report as it is read, in the language that is spoken."""

    def as_table(self) -> Table:
        """Return the report for a spreadsheet, where it has a row for each thing."""
        raise TypeError(f"{type(self).__name__} has no table")


class FieldChange(Part):
    """One field, its old value and its new one as people read them; None where there is none."""

    field: str
    old: str | None = None
    new: str | None = None

    def values(self, longest: int = LONGEST) -> tuple[str | None, str | None]:
        """Return the old value and the new one, cut so that what differs shows."""
        old, new = side_by_side(self.old, self.new, longest)
        return (None if old is None else plain(old, WHOLE)), (
            None if new is None else plain(new, WHOLE)
        )

    def as_line(self) -> Line:
        sides = [Piece(value, Tone.VALUE) for value in self.values() if value is not None]
        pieces = [sides[0], Piece(" → "), sides[1]] if len(sides) > 1 else sides
        return Line(pieces, Piece(plain(self.field)))


class Change(Part):
    """One change. ``subject`` is the scope, the ``kid``, the product, the policy, or the client-ID
    taken over."""

    kind: Kind
    subject: str | None = None
    note: str | None = None
    owner: str | None = None
    verified: bool | None = None
    is_default: bool = False
    thumbprint: str | None = None
    old_thumbprint: str | None = None
    expires: datetime | None = None
    until: str | None = None
    """The last day of a scope that is granted or withdrawn."""
    fields: tuple[FieldChange, ...] = ()
    by_hand: bool = False
    changed_by: str | None = None
    changed_at: datetime | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def severity(self) -> Severity:
        return (
            Severity.DANGER if self.by_hand and self.kind.row.worse_by_hand else self.kind.severity
        )

    @property
    def danger(self) -> tuple[int, int]:
        """The order of reports, most dangerous first."""
        return list(Severity).index(self.severity), _RANKS[self.kind]

    @property
    def part(self) -> str:
        """The part of its client that it is about."""
        resource, subject = self.kind.row.resource, self.subject or ""
        parts = {Resource.PRODUCT: product_part(subject), Resource.OTHER: subject}
        return parts.get(resource, resource)

    @property
    def deciders(self) -> Deciders:
        """Who has to agree to it."""
        decides = self.kind.row.decides
        return decides(self) if callable(decides) else decides

    @computed_field  # type: ignore[prop-decorator]
    @property
    def text(self) -> str:
        """The change as a sentence, without its client."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def named(self) -> list[Piece]:
        """``gains scope `x```: the change alone."""
        return _with_blanks(self._template.partition("[")[0], _facts(self))

    @property
    def pieces(self) -> list[Piece]:
        """``gains scope `x`: the reason for it``."""
        facts = _facts(self)
        return [
            piece
            for part in re.split(r"[\[\]]", self._template)
            for piece in _with_blanks(part, facts)
        ]

    @property
    def has_lines(self) -> bool:
        """Whether its fields are too many for its sentence, or the point of it: then each is on a
        line of its own."""
        return self.kind.row.listed or (
            len(self.fields) > _IN_SENTENCE and "{values}" not in self._template
        )

    def as_line(self, *, undone: bool = False, with_author: bool = False) -> Line:
        """Return the change; ``undone`` where it is over, and no danger any more."""
        severity = None if undone else self.severity
        author = who(self.changed_by, self.changed_at) if with_author else []
        by = [Piece(" ("), *author, Piece(")")] if author else []
        return Line(
            [*self.pieces, *by],
            Piece(severity_name(severity), Tone(severity) if severity else Tone.GOOD),
            lines=[field.as_line() for field in self.fields],
            brief=[*self.named, *by],
            is_listed=self.has_lines,
        )

    @property
    def _template(self) -> str:
        """Its sentence; another one of a key whose material stays, and of a mandate, or an end,
        that is the first or was the last."""
        form = "by_hand" if self.by_hand else ""
        if self.kind is Kind.KEY_CHANGED and self.fields:
            form = "described"
        elif self.kind is Kind.MANDATE_CHANGED:
            is_first = all(field.old is None for field in self.fields)
            is_last = any(field.new is None for field in self.fields)
            form = "first" if is_first else "last" if is_last else form
        elif self.kind is Kind.SCOPE_RENEWED and any(field.new is None for field in self.fields):
            form = "last"
        elif self.kind is Kind.SCOPE_SHORTENED and any(field.old is None for field in self.fields):
            form = "first"
        return self.kind.sentence(form) or self.kind.sentence() or ""


def who(author: str | None, at: datetime | None, *, of_all: bool = False) -> list[Piece]:
    """Return who did something, and when; ``of_all`` where that is all that changed."""
    form = f"{'all_by' if of_all else 'by' if author else ''}{'_at' if at else ''}".lstrip("_")
    when = Piece(f"{at:%Y-%m-%d %H:%M}" if at else "")
    return sentence_of(f"report.who.{form}", author=author or "?", when=when) if form else []


def sentence_of(name: str, /, **facts: str | Piece | None) -> list[Piece]:
    """Return the sentence of a name such as ``report.who.by``, in which texts are values of others;
    nothing where one of its facts is lacking."""
    pieces = {
        fact: [Piece(plain(value), Tone.VALUE) if isinstance(value, str) else value]
        for fact, value in facts.items()
        if value
    }
    room, _, sentence = name.partition(".")
    template = _sentences(room, spoken()).templates[sentence]
    return _with_blanks(template, defaultdict[str, list[Piece]](list, pieces))


def _with_blanks(template: str, facts: Mapping[str, list[Piece]]) -> list[Piece]:
    """Fill a template in; return nothing where one of its facts is lacking."""
    parts = [
        facts[part] if number % 2 else [Piece(part)]
        for number, part in enumerate(re.split(r"[{}]", template))
    ]
    return [piece for pieces in parts for piece in pieces if piece.text] if all(parts) else []


def _facts(change: Change) -> dict[str, list[Piece]]:
    """Return what a template can name; nothing where the change has no such fact."""
    about_scope = [say("report.scope.owner", owner=plain(change.owner))] if change.owner else []
    about_scope += [say("report.scope.not_verified")] if change.verified is False else []
    about_scope += [say("report.scope.by_default")] if change.is_default else []
    note = change.note if change.note != NO_REASON and not change.by_hand else None
    first = change.fields[0] if change.fields else FieldChange(field="")
    values = {
        "thumbprint": change.thumbprint,
        "until": change.until or "",
        "old_thumbprint": change.old_thumbprint,
        "subject": plain(change.subject or "?"),
    }
    values |= {
        "old": plain(first.old or say("report.nothing")),
        "new": plain(first.new or say("report.nothing")),
    }
    words = {
        "about_scope": ", ".join(about_scope),
        "note": plain(cut(note, LONGEST), WHOLE) if note else "",
    }
    words |= {"expires": day(change.expires) if change.expires else ""}
    pieces = {
        name: [Piece(text, Tone.VALUE if name in values else None)] if text else []
        for name, text in (values | words).items()
    }
    new = (
        (changed.field, [Piece(changed.values()[1] or "", Tone.VALUE)]) for changed in change.fields
    )
    return pieces | {"fields": _fields(change), "values": _in_a_row(new), "change": _from_to(first)}


def _in_a_row(named: Iterable[tuple[str, list[Piece]]]) -> list[Piece]:
    rows = [[Piece(", "), Piece(f"{plain(name)} "), *pieces] for name, pieces in named]
    return [piece for pieces in rows for piece in pieces][1:]


def _fields(change: Change) -> list[Piece]:
    """Return the first fields; all of them are in the details."""
    pieces = _in_a_row(
        (changed.field, _from_to(changed)) for changed in change.fields[:_IN_SENTENCE]
    )
    more = len(change.fields) - _IN_SENTENCE
    return [*pieces, Piece(say("report.and_more", count=more))] if more > 0 else pieces


def _from_to(field: FieldChange) -> list[Piece]:
    old, new = (
        Piece(say("report.none")) if value is None else Piece(value, Tone.VALUE)
        for value in field.values(_SHORT)
    )
    return [old, Piece(" → "), new]
