"""The kinds of change: one table, most dangerous first, and what a change is. A new kind is a new row.

What ``--fail-on`` names, the order of reports, the sentences, the headline, which resource a kind is about and which
field of a client: all of it is in the row. A change has no sentence: its row gives it one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field

from acmidm.words import LONGEST, WHOLE, cut, day, plain, side_by_side
from acmidm_onboarding.engine_resources import Resource

NO_REASON = "requested"
"""The note of a connection's scope where the form gives no reason."""
_IN_SENTENCE = 3
_SHORT = 60


class Severity(StrEnum):
    """How closely a person should look."""

    DANGER = "danger"
    WARNING = "warning"
    NOTICE = "notice"


class Scale(StrEnum):
    """How much of a client a kind is about."""

    WHOLE = "whole"
    """What becomes of the client itself: reported before what becomes of its parts, and true of all of them."""
    PART = "part"
    NEW_PART = "new part"
    """A part that goes without saying in the headline where the client is new."""
    NOTE = "note"
    """No change by itself: reported of clients that change otherwise, for the engine shows no others."""


@dataclass(frozen=True)
class Row:
    """One kind. ``{}`` in its texts is a fact of the change, see ``_facts``."""

    severity: Severity
    resource: Resource
    says: str
    headline: str = ""
    """What its client does, or with ``parts`` what it does to how many of these; empty for a kind that has no place
    there.

    Behind ``|`` what several do, where other words change than the first one and ``its``.
    """
    parts: str = ""
    more: str = ""
    """What is behind the sentence; of what is in brackets, that which has a fact."""
    by_hand: str = ""
    """Its sentence where somebody did it by hand; empty for what nobody can."""
    worse_by_hand: bool = False
    """Whether it is a danger then."""
    field: str = ""
    """The field of a client that it is about, where it is always the same one."""
    scale: Scale = Scale.PART
    listed: bool = False
    """Whether its fields are the point of it, so that each is on a line of its own."""

    def headlined(self, clients: int) -> str:
        """What one client does, or several do: ``loses its protection``, ``lose their protection``."""
        one, _, many = self.headline.partition("|")
        verb, blank, rest = one.partition(" ")
        if clients == 1 or many:
            return one if clients == 1 else many
        return f"{_SEVERAL.get(verb, verb.removesuffix('s'))}{blank}{rest}".replace(" its ", " their ")


_SEVERAL = {"is": "are", "has": "have"}
_CLIENT, _SCOPES, _KEYS, _PRODUCT, _ONBOARDING, _BESIDE, _HAND_OVER = Resource
_DANGER, _WARNING, _NOTICE = Severity
_WHOLE, _, _NEW_PART, _NOTE = Scale
_FIELDS = "[: {fields}]"
_INSTEAD = "{new} instead of {old}"
_OF_SCOPE = "[ ({about_scope})][: {note}]"
_OF_KEY = "[ with thumbprint {thumbprint}][ instead of {old_thumbprint}][, until {expires}]"
_ENDS = "[ {expires}][, thumbprint {thumbprint}]"


def _beside(what: str, where: str = "") -> Row:
    """A change beside the clients: always a danger, and a line."""
    return Row(
        _DANGER, _BESIDE, f"also changes {what}{f', in {where}' if where else ''}", what.partition(":")[0], more=_FIELDS
    )


class Kind(StrEnum):
    """One kind of change. Their order here is their order in reports."""

    row: Row

    def __new__(cls, name: str, row: Row) -> Kind:
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.row = row
        return kind

    # fmt: off
    CREDENTIALS_REDIRECTED = "credentials_redirected", _beside("where credentials and tokens go", "{subject}")
    OPERATOR_CHANGED = "operator_changed", _beside("who the operator is", "{subject}")
    PROTECTION_CHANGED = "protection_changed", _beside("which clients are protected", "{subject}")
    SETTINGS_CHANGED = "settings_changed", _beside("settings", "{subject}")
    ORGANISATION_CHANGED = "organisation_changed", _beside("who an organisation is", "{subject}")
    CATALOGUE_CHANGED = "catalogue_changed", _beside("what can be granted", "{subject}")
    POLICIES_CHANGED = "policies_changed", _beside("policies")
    PIPELINES_CHANGED = "pipelines_changed", _beside("what pipelines do or who approves")
    PACKAGES_CHANGED = "packages_changed", _beside("which packages are installed")
    CODE_CHANGED = "code_changed", _beside("code")
    INVALID_FORM_REMOVED = "invalid_form_removed", _beside("which forms there are: those that were not valid before go, with their clients")
    EXEMPTION_GRANTED = "exemption_granted", Row(_DANGER, _ONBOARDING, "is exempted from policy {subject}", "is exempted from",
        "policy|policies", "[: {note}]")
    EXEMPTION_STANDS = "exemption_stands", Row(_DANGER, _ONBOARDING, "goes to production without evidence, being exempted from {subject}",
        "is exempted already", more="[: {note}]", scale=_NOTE)
    CLIENT_REMOVED = "client_removed", Row(_DANGER, _CLIENT, "is removed, with its scopes, keys and products", "is removed",
        by_hand="was removed by hand: repairing it makes a client with a new client-ID", scale=_WHOLE, listed=True)
    CLIENT_REPLACED = "client_replaced", Row(_DANGER, _CLIENT, "is replaced by a new client, whose client-ID has to be handed over",
        "is replaced", more=_FIELDS, scale=_WHOLE)
    CLIENT_ADOPTED = "client_adopted", Row(_DANGER, _CLIENT, "takes over the existing client {subject}", "takes over a client",
        more="[, {note}]", scale=_WHOLE)
    CLIENT_RETIRED = "client_retired", Row(_DANGER, _CLIENT,
        "is taken down: it loses its scopes and its protection now, and is removed with its keys and products by the next pulumi up",
        "is taken down", more="[, as its form says for {note}]", scale=_WHOLE)
    CLIENT_PRESERVED = "client_preserved", Row(_DANGER, _CLIENT,
        "is left at its authority as it is, where nobody manages it any more: its keys and scopes stay valid",
        "is left to itself|are left to themselves", scale=_WHOLE)
    CLIENT_ABANDONED = "client_abandoned", Row(_DANGER, _CLIENT, "lives on at its authority, and nobody declares it from now on: "
        "name it under formerly in a form, or remove it there", "is declared by nobody", scale=_WHOLE)
    KEY_LEFT = "key_left", Row(_DANGER, _KEYS,
        "keeps a compromised key, for its form preserves the client and nobody manages it", "keeps a compromised key",
        more="[ (thumbprint {thumbprint})]: take retire and preserve away, bring the stack up, then preserve it again without that key")
    KEYS_REPLACED = "keys_replaced", Row(_DANGER, _KEYS, "keeps none of its keys: whoever has the new ones is the client",
        "keeps none of its keys", listed=True)
    AUTHENTICATION_WEAKENED = "authentication_weakened", Row(_DANGER, _CLIENT, "authenticates less safely: ", "authenticates less safely",
        more=_INSTEAD, by_hand="was made to authenticate less safely: ", field="token_endpoint_auth_method")
    CLIENT_WITHOUT_KEY = "client_without_key", Row(_DANGER, _KEYS, "is left without a key: it can get no token", "is left without a key",
        by_hand="was left without a key: it can get no token")
    KEY_COMPROMISED = "key_compromised", Row(_DANGER, _KEYS, "loses compromised key {subject}", "loses", "compromised key",
        "[ with thumbprint {thumbprint}][: {note}]")
    KEYS_HANDED_OVER = "keys_handed_over", Row(_DANGER, _KEYS,
        "leaves its keys to its organisation, in the portal; no change there is seen any more, and these stay valid",
        "leaves its keys to the portal", listed=True)
    KEYS_AT_ADDRESS = "keys_at_address", Row(_DANGER, _CLIENT, "takes its keys from {subject}, and whoever writes there is the client",
        "takes its keys from an address", by_hand="was made to take its keys from {subject}", field="jwks_uri", more=_FIELDS)
    PROTECTION_LIFTED = "protection_lifted", Row(_DANGER, _CLIENT, "is no longer protected against removal", "loses its protection")
    ORGANISATION_ADDED = "organisation_added", Row(_WARNING, _BESIDE, "also adds an organisation, to be verified, in {subject}",
        "which organisations there are", more="[: {values}]")
    RETIREMENT_ANNOUNCED = "retirement_announced", Row(_WARNING, _ONBOARDING, "is announced to leave", "is announced to leave",
        more=_FIELDS)
    PRODUCT_RETIRED = "product_retired", Row(_WARNING, _PRODUCT,
        "leaves product {subject}: its scopes are withdrawn now, and its configuration is removed by the next pulumi up", "leaves",
        "product", "[, as its form says for {note}]")
    UNPROVEN = "unproven", Row(_WARNING, _ONBOARDING, "goes to production unproven",
        "goes to production unproven|go to production unproven", more="[: {note}]", scale=_NOTE)
    GATE_PASSED = "gate_passed", Row(_WARNING, _ONBOARDING, "is proven on TNI now, so that the gate lets it through to production",
        "passes the gate|pass the gate", more="[, by evidence {note}]")
    CLIENT_RENAMED = "client_renamed", Row(_WARNING, _CLIENT, "keeps its client under another name", "gets another name", more=_FIELDS,
        by_hand="was given another natural key by hand", worse_by_hand=True, field="software_id", scale=_WHOLE)
    SCOPE_GRANTED = "scope_granted", Row(_WARNING, _SCOPES, "gains scope {subject}", "gains", "scope", _OF_SCOPE,
        "was granted scope {subject} by hand", worse_by_hand=True, scale=_NEW_PART)
    KEY_CHANGED = "key_changed", Row(_WARNING, _KEYS, "has other key material under {subject}", "changes", "key", _OF_KEY,
        "was given other key material than declared under {subject}", worse_by_hand=True)
    KEY_ADDED = "key_added", Row(_WARNING, _KEYS, "gains key {subject}", "gains", "key", _OF_KEY,
        "was given undeclared key {subject}", worse_by_hand=True, scale=_NEW_PART)
    SECRET_RENEWED = "secret_renewed", Row(_WARNING, _CLIENT, "gets a new client secret, which has to be handed over", "gets a new secret",
        more="[; {note}]",
        by_hand="was given another client secret by hand, which lets in whoever knows it", worse_by_hand=True,
        field="client_secret_updated_at")
    SECRET_RESTORED = "secret_restored", Row(_WARNING, _CLIENT, "gets the declared client secret again: somebody gave it another",
        "gets its declared secret again")
    EXEMPTION_CHANGED = "exemption_changed", Row(_WARNING, _ONBOARDING, "is exempted from policy {subject} for another reason", "restates",
        "exemption", "[: {change}]")
    CONTACT_TO_CHECK = "contact_to_check", Row(_WARNING, _CLIENT, "gains contact {subject}, which is mailed: see whose address it is",
        "gains", "contact to check|contacts to check", "[: {note}]")
    CLIENT_DISABLED = "client_disabled", Row(_WARNING, _CLIENT, "is disabled", "is disabled",
        by_hand="was disabled by hand", worse_by_hand=True, field="enabled")
    ATTRIBUTES_CHANGED = "attributes_changed", Row(_WARNING, _CLIENT, "has other attributes in its tokens", "has other attributes",
        more=_FIELDS, by_hand="was given other attributes by hand", worse_by_hand=True, field="attributes",
        scale=_NEW_PART)
    SCOPE_DEFAULT = "scope_default", Row(_WARNING, _SCOPES, "gets scope {subject} in every token, whatever its request names",
        "gets by default", "scope", by_hand="was made by hand to get scope {subject} in every token, whatever its request names")
    SCOPE_ON_REQUEST = "scope_on_request", Row(_WARNING, _SCOPES, "gets scope {subject} only in tokens that are requested with it",
        "gets only on request", "scope", by_hand="was made by hand to get scope {subject} only in tokens that are requested with it")
    KEY_EXPIRED = "key_expired", Row(_WARNING, _KEYS, "has key {subject}, which expired on", "has", "expired key", _ENDS, scale=_NOTE)
    KEYS_DECLARED = "keys_declared", Row(_WARNING, _KEYS, "loses every key that was uploaded in the portal and that its form does not name",
        "has its keys declared")
    KEYS_OFF_ADDRESS = "keys_off_address", Row(_WARNING, _CLIENT, "no longer takes its keys from {subject}",
        "no longer takes its keys from an address|no longer take their keys from an address",
        by_hand="was made to take its keys no longer from {subject}", worse_by_hand=True, field="jwks_uri")
    SCOPE_WITHDRAWN = "scope_withdrawn", Row(_WARNING, _SCOPES, "loses scope {subject}", "loses", "scope", _OF_SCOPE,
        "lost scope {subject} by hand")
    SECOND_KEY_WITHOUT_KID = "second_key_without_kid", Row(_WARNING, _KEYS,
        "gets a second key while its application signs without kid, which is refused then: "
        "first have the application send kid {subject}, then add the key",
        "gets a second key while it signs without kid|get a second key while they sign without kid")
    KEY_REMOVED = "key_removed", Row(_WARNING, _KEYS, "loses key {subject}", "loses", "key", _OF_KEY, "lost key {subject} by hand")
    CLIENT_WITH_ONE_KEY = "client_with_one_key", Row(_WARNING, _KEYS, "is left with one key: nothing to fall back on",
        by_hand="was left with one key")
    EXEMPTION_UNNEEDED = "exemption_unneeded", Row(_WARNING, _ONBOARDING,
        "needs no exemption from policy {subject}, for it satisfies it; take the exemption out of the form", "has", "needless exemption",
        scale=_NOTE)
    PRODUCT_REMOVED = "product_removed", Row(_WARNING, _PRODUCT, "is no longer configured for product {subject}", "loses", "product",
        by_hand="lost the configuration of product {subject} by hand", listed=True)
    PRODUCT_UNPROTECTED = "product_unprotected", Row(_WARNING, _PRODUCT,
        "may lose product {subject} in a next change: its configuration is no longer protected", "unprotects", "product")
    CHANGED_OTHERWISE = "changed_otherwise", Row(_WARNING, _CLIENT,
        "changes its {subject} in a way that this report cannot show: look with pulumi preview --diff",
        "is changed in what cannot be shown", scale=_WHOLE)
    KEY_MAY_STAY = "key_may_stay", Row(_NOTICE, _KEYS, "may not lose {subject} yet",
        "may not lose a key yet|may not lose a key yet", more="[: {note}]", scale=_NOTE)
    HELD_BACK = "held_back", Row(_NOTICE, _ONBOARDING, "is held back from production, as far as it is not there already", "is held back",
        more="[: {note}]", scale=_NOTE)
    CLIENT_MARKED = "client_marked", Row(_NOTICE, _CLIENT, "is marked as this stack's own again: it was marked otherwise",
        "is marked again")
    PRODUCT_MARKED = "product_marked", Row(_NOTICE, _PRODUCT,
        "has its product {subject} marked as this stack's own again: it was marked otherwise", "marks", "product")
    EVIDENCE_CHANGED = "evidence_changed", Row(_NOTICE, _KEYS, "has other evidence that it works", "has other evidence",
        more="[: {note}]")
    NOT_RECORDED = "not_recorded", Row(_NOTICE, _CLIENT,
        "lacks its {subject} in the state, after a run that did not end well: the next pulumi up makes or finds what is missing",
        "is not recorded whole", scale=_WHOLE)
    PRODUCT_CHANGED = "product_changed", Row(_NOTICE, _PRODUCT, "is configured differently for product {subject}", "changes", "product",
        _FIELDS, "was configured differently by hand for product {subject}")
    RETIREMENT_COMING = "retirement_coming", Row(_NOTICE, _ONBOARDING, "is going to leave", "is going to leave", more="[: {note}]",
        scale=_NOTE)
    RETIREMENT_CALLED_OFF = "retirement_called_off", Row(_NOTICE, _ONBOARDING, "is to stay after all", "is to stay", more=_FIELDS)
    KEY_EXPIRING = "key_expiring", Row(_NOTICE, _KEYS, "has key {subject}, which expires on", "has", "expiring key", _ENDS, scale=_NOTE)
    CLIENT_CREATED = "client_created", Row(_NOTICE, _CLIENT, "is a new client", "is new", more="[: {note}]", scale=_WHOLE)
    KEY_AWAITED = "key_awaited", Row(_NOTICE, _KEYS, "has no key yet: its organisation uploads one before first use")
    PRODUCT_CONFIGURED = "product_configured", Row(_NOTICE, _PRODUCT, "is configured for product {subject}", "gains", "product",
        scale=_NEW_PART, listed=True)
    CLIENT_ENABLED = "client_enabled", Row(_NOTICE, _CLIENT, "is enabled", "is enabled", by_hand="was enabled by hand", field="enabled")
    AUTHENTICATION_CHANGED = "authentication_changed", Row(_NOTICE, _CLIENT, "authenticates with ", "authenticates differently",
        more=_INSTEAD, by_hand="was made to authenticate with ", field="token_endpoint_auth_method")
    CLIENT_UPDATED = "client_updated", Row(_NOTICE, _CLIENT, "is described anew", "is described anew", more=_FIELDS,
        by_hand="was described anew by hand")
    SECRET_UNTIL_KEY = "secret_until_key", Row(_NOTICE, _CLIENT,
        "goes on with its client secret until its authority has a key of it: a run after that changes over")
    PROTECTION_RESTORED = "protection_restored", Row(_NOTICE, _CLIENT, "is protected against removal", "is protected again")
    PRODUCT_PROTECTED = "product_protected", Row(_NOTICE, _PRODUCT, "has product {subject} protected against removal", "protects",
        "product")
    EXEMPTION_REMOVED = "exemption_removed", Row(_NOTICE, _ONBOARDING, "must satisfy policy {subject} again", "loses", "exemption")
    SCOPE_NOTE_CHANGED = "scope_note_changed", Row(_NOTICE, _SCOPES, "gives another reason for scope {subject}", "restates", "reason",
        _FIELDS)
    # fmt: on

    @property
    def severity(self) -> Severity:
        """How dangerous it is where a form declares it."""
        return self.row.severity


_RANKS = {kind: rank for rank, kind in enumerate(Kind)}


class Part(BaseModel):
    """A part of a report. What its JSON has besides, such as a change's text, is made from the rest."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class FieldChange(Part):
    """One field, its old value and its new one as people read them; None where there is none."""

    field: str
    old: str | None = None
    new: str | None = None

    def values(self, longest: int = LONGEST) -> tuple[str | None, str | None]:
        """The old value and the new one, cut so that what differs shows."""
        old, new = side_by_side(self.old, self.new, longest)
        return (None if old is None else plain(old, WHOLE)), (None if new is None else plain(new, WHOLE))


@dataclass(frozen=True)
class Piece:
    """A piece of a sentence. ``value`` marks a name or a value, which is not a word of ours."""

    text: str
    value: bool = False


class Change(Part):
    """One change. ``subject`` is the scope, the ``kid``, the product, the policy, or the client-ID taken over."""

    kind: Kind
    subject: str | None = None
    note: str | None = None
    owner: str | None = None
    verified: bool | None = None
    is_default: bool = False
    thumbprint: str | None = None
    old_thumbprint: str | None = None
    expires: datetime | None = None
    fields: tuple[FieldChange, ...] = ()
    by_hand: bool = False
    changed_by: str | None = None
    changed_at: datetime | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def severity(self) -> Severity:
        return Severity.DANGER if self.by_hand and self.kind.row.worse_by_hand else self.kind.severity

    @property
    def danger(self) -> tuple[int, int]:
        """The order of reports, most dangerous first."""
        return list(Severity).index(self.severity), _RANKS[self.kind]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def text(self) -> str:
        """The change as a sentence, without its client."""
        return "".join(piece.text for piece in self.pieces)

    @property
    def named(self) -> list[Piece]:
        """``gains scope `x```: the change alone."""
        row = self.kind.row
        if self._is_described_otherwise:
            return _filled("describes key {subject} otherwise", self)
        return _filled(row.by_hand if self.by_hand and row.by_hand else row.says, self)

    @property
    def pieces(self) -> list[Piece]:
        """``gains scope `x`: the reason for it``."""
        more = "[: {fields}][; thumbprint {thumbprint} stays]" if self._is_described_otherwise else self.kind.row.more
        behind = (_filled(part, self) for part in re.split(r"[\[\]]", more))
        return [*self.named, *(piece for pieces in behind for piece in pieces)]

    @property
    def has_lines(self) -> bool:
        """Whether its fields are too many for its sentence, or the point of it: then each is on a line of its own."""
        return self.kind.row.listed or (len(self.fields) > _IN_SENTENCE and "{values}" not in self.kind.row.more)

    @property
    def _is_described_otherwise(self) -> bool:
        """Whether it is the same key material with something else said of it."""
        return self.kind is Kind.KEY_CHANGED and bool(self.fields)


def who(author: str | None, at: datetime | None, how: str = "") -> list[Piece]:
    """Who did something, and when; ``how`` goes before the time."""
    by = [Piece("by "), Piece(plain(author), value=True)] if author else []
    return [*by, Piece(f"{f'{how} ' if by else ''}at {at:%Y-%m-%d %H:%M} UTC")] if at else by


def _filled(template: str, change: Change) -> list[Piece]:
    """A template with its facts; nothing of it where the change lacks one."""
    pieces: list[Piece] = []
    for place, part in enumerate(re.split(r"[{}]", template)):
        found = _facts(change)[part] if place % 2 else [Piece(part)]
        if not found:
            return []
        pieces += found
    return [piece for piece in pieces if piece.text]


def _facts(change: Change) -> dict[str, list[Piece]]:
    """What a template can name; nothing where the change has no such fact."""
    about_scope = [f"owner {plain(change.owner)}"] if change.owner else []
    about_scope += ["name not verified"] if change.verified is False else []
    about_scope += ["by default"] if change.is_default else []
    note = change.note if change.note != NO_REASON and not change.by_hand else None
    first = change.fields[0] if change.fields else FieldChange(field="")
    values = {
        "thumbprint": change.thumbprint,
        "old_thumbprint": change.old_thumbprint,
        "subject": plain(change.subject or "?"),
    }
    values |= {"old": plain(first.old or "nothing"), "new": plain(first.new or "nothing")}
    words = {"about_scope": ", ".join(about_scope), "note": plain(cut(note, LONGEST), WHOLE) if note else ""}
    words |= {"expires": day(change.expires) if change.expires else ""}
    found = {name: [Piece(text, name in values)] if text else [] for name, text in (values | words).items()}
    new = ((one.field, [Piece(one.values()[1] or "", value=True)]) for one in change.fields)
    return found | {"fields": _fields(change), "values": _in_a_row(new), "change": _from_to(first)}


def _in_a_row(named: Iterable[tuple[str, list[Piece]]]) -> list[Piece]:
    found = [[Piece(", "), Piece(f"{plain(name)} "), *pieces] for name, pieces in named]
    return [piece for pieces in found for piece in pieces][1:]


def _fields(change: Change) -> list[Piece]:
    """The first fields; all of them are in the details."""
    pieces = _in_a_row((one.field, _from_to(one)) for one in change.fields[:_IN_SENTENCE])
    more = len(change.fields) - _IN_SENTENCE
    return [*pieces, Piece(f", and {more} more")] if more > 0 else pieces


def _from_to(field: FieldChange) -> list[Piece]:
    old, new = (Piece("none" if value is None else value, value=value is not None) for value in field.values(_SHORT))
    return [old, Piece(" → "), new]
