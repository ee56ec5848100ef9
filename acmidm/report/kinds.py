"""The kinds of change: one table, most dangerous first, and what a change is. A new kind is a new
row.

What ``--fail-on`` names, the order of reports, which resource a kind is about and which field of a
client, its sentences: all of it is in the row.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, computed_field

from acmidm.report.document import Document, Line, Piece, Table, Tone
from acmidm.words import LONGEST, WHOLE, cut, day, plain, side_by_side
from acmidm_onboarding.engine_resources import Resource, product_part
from acmidm_onboarding.texts import Counted, say, say_counted, spoken

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
    """One kind, with its sentences; see ``_facts`` for their blanks."""

    severity: Severity
    resource: Resource
    decides: Deciders | Callable[[Change], Deciders]
    """Who decides it; a function of the change, where that depends on what changes."""
    sentence: str
    """Of what is in brackets, that is shown which has a fact."""
    by_hand: str = ""
    """Its sentence where somebody did it by hand, if that is another."""
    headline: str = ""
    """What else than clients changes, in the headline."""
    counted: Counted | None = None
    """What one client or several do in the headline; a kind without it is not counted there."""
    parts: Counted | None = None
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

    CREDENTIALS_REDIRECTED = (
        "credentials_redirected",
        Row(
            _DANGER,
            _NONE,
            _TEAM,
            "kinds.credentials_redirected",
            headline="kinds.credentials_redirected.headline",
        ),
    )
    OPERATOR_CHANGED = (
        "operator_changed",
        Row(
            _DANGER,
            _NONE,
            _TEAM,
            "kinds.operator_changed",
            headline="kinds.operator_changed.headline",
        ),
    )
    PROTECTION_CHANGED = (
        "protection_changed",
        Row(
            _DANGER,
            _NONE,
            _TEAM,
            "kinds.protection_changed",
            headline="kinds.protection_changed.headline",
        ),
    )
    SETTINGS_CHANGED = (
        "settings_changed",
        Row(
            _DANGER,
            _NONE,
            _TEAM,
            "kinds.settings_changed",
            headline="kinds.settings_changed.headline",
        ),
    )
    CONFIRMED_ITSELF = (
        "confirmed_itself",
        Row(
            _DANGER,
            _NONE,
            _TEAM,
            "kinds.confirmed_itself",
            headline="kinds.confirmed_itself.headline",
        ),
    )
    ORGANISATION_CHANGED = (
        "organisation_changed",
        Row(
            _DANGER,
            _NONE,
            _TEAM,
            "kinds.organisation_changed",
            headline="kinds.organisation_changed.headline",
        ),
    )
    CATALOGUE_CHANGED = (
        "catalogue_changed",
        Row(
            _DANGER,
            _NONE,
            _TEAM,
            "kinds.catalogue_changed",
            headline="kinds.catalogue_changed.headline",
        ),
    )
    PIPELINES_CHANGED = (
        "pipelines_changed",
        Row(
            _DANGER,
            _NONE,
            _TEAM,
            "kinds.pipelines_changed",
            headline="kinds.pipelines_changed.headline",
        ),
    )
    PACKAGES_CHANGED = (
        "packages_changed",
        Row(
            _DANGER,
            _NONE,
            _TEAM,
            "kinds.packages_changed",
            headline="kinds.packages_changed.headline",
        ),
    )
    CODE_CHANGED = (
        "code_changed",
        Row(_DANGER, _NONE, _TEAM, "kinds.code_changed", headline="kinds.code_changed.headline"),
    )
    INVALID_FORM_REMOVED = (
        "invalid_form_removed",
        Row(
            _DANGER,
            _NONE,
            _TEAM,
            "kinds.invalid_form_removed",
            headline="kinds.invalid_form_removed.headline",
        ),
    )
    EXEMPTION_GRANTED = (
        "exemption_granted",
        Row(
            _DANGER,
            _ONBOARDING,
            _TEAM,
            "kinds.exemption_granted",
            parts="kinds.parts.policy",
            counted="kinds.exemption_granted.headline",
        ),
    )
    EXEMPTION_STANDS = (
        "exemption_stands",
        Row(
            _DANGER,
            _ONBOARDING,
            _TEAM,
            "kinds.exemption_stands",
            scale=_NOTE,
            counted="kinds.exemption_stands.headline",
        ),
    )
    CONFIRMATION_MISSING = (
        "confirmation_missing",
        Row(
            _DANGER,
            _CLIENT,
            _TEAM,
            "kinds.confirmation_missing",
            scale=_NOTE,
            counted="kinds.confirmation_missing.headline",
        ),
    )
    CLIENT_REMOVED = (
        "client_removed",
        Row(
            _DANGER,
            _CLIENT,
            _ORGANISATION,
            "kinds.client_removed",
            scale=_WHOLE,
            listed=True,
            by_hand="kinds.client_removed.by_hand",
            counted="kinds.client_removed.headline",
        ),
    )
    CLIENT_REPLACED = (
        "client_replaced",
        Row(
            _DANGER,
            _CLIENT,
            _ORGANISATION,
            "kinds.client_replaced",
            scale=_WHOLE,
            counted="kinds.client_replaced.headline",
        ),
    )
    CLIENT_ADOPTED = (
        "client_adopted",
        Row(
            _DANGER,
            _CLIENT,
            _TEAM,
            "kinds.client_adopted",
            scale=_WHOLE,
            counted="kinds.client_adopted.headline",
        ),
    )
    CLIENT_RETIRED = (
        "client_retired",
        Row(
            _DANGER,
            _CLIENT,
            _ORGANISATION,
            "kinds.client_retired",
            scale=_WHOLE,
            counted="kinds.client_retired.headline",
        ),
    )
    CLIENT_LET_GO = (
        "client_let_go",
        Row(
            _DANGER,
            _CLIENT,
            _ORGANISATION,
            "kinds.client_let_go",
            scale=_WHOLE,
            counted="kinds.client_let_go.headline",
        ),
    )
    KEYS_REPLACED = (
        "keys_replaced",
        Row(
            _DANGER,
            _KEYS,
            _ORGANISATION,
            "kinds.keys_replaced",
            listed=True,
            counted="kinds.keys_replaced.headline",
        ),
    )
    AUTHENTICATION_WEAKENED = (
        "authentication_weakened",
        Row(
            _DANGER,
            _CLIENT,
            _TEAM,
            "kinds.authentication_weakened",
            field="token_endpoint_auth_method",
            by_hand="kinds.authentication_weakened.by_hand",
            counted="kinds.authentication_weakened.headline",
        ),
    )
    CLIENT_WITHOUT_KEY = (
        "client_without_key",
        Row(
            _DANGER,
            _KEYS,
            _ORGANISATION,
            "kinds.client_without_key",
            by_hand="kinds.client_without_key.by_hand",
            counted="kinds.client_without_key.headline",
        ),
    )
    KEY_COMPROMISED = (
        "key_compromised",
        Row(
            _DANGER,
            _KEYS,
            _ORGANISATION,
            "kinds.key_compromised",
            parts="kinds.parts.compromised_key",
            counted="kinds.key_compromised.headline",
        ),
    )
    KEYS_HANDED_OVER = (
        "keys_handed_over",
        Row(
            _DANGER,
            _KEYS,
            _ORGANISATION,
            "kinds.keys_handed_over",
            listed=True,
            counted="kinds.keys_handed_over.headline",
        ),
    )
    KEYS_AT_ADDRESS = (
        "keys_at_address",
        Row(
            _DANGER,
            _CLIENT,
            _ORGANISATION,
            "kinds.keys_at_address",
            field="jwks_uri",
            by_hand="kinds.keys_at_address.by_hand",
            counted="kinds.keys_at_address.headline",
        ),
    )
    PROTECTION_LIFTED = (
        "protection_lifted",
        Row(
            _DANGER,
            _CLIENT,
            _ORGANISATION,
            "kinds.protection_lifted",
            counted="kinds.protection_lifted.headline",
        ),
    )
    CONFIRMATION_CHANGED = (
        "confirmation_changed",
        Row(
            _WARNING,
            _NONE,
            _TEAM,
            "kinds.confirmation_changed",
            headline="kinds.confirmation_changed.headline",
        ),
    )
    ORGANISATION_ADDED = (
        "organisation_added",
        Row(
            _WARNING,
            _NONE,
            _TEAM,
            "kinds.organisation_added",
            headline="kinds.organisation_added.headline",
        ),
    )
    MANDATES_CHANGED = (
        "mandates_changed",
        Row(
            _WARNING,
            _NONE,
            _ORGANISATION + _TEAM,
            "kinds.mandates_changed",
            headline="kinds.mandates_changed.headline",
        ),
    )
    RETIREMENT_ANNOUNCED = (
        "retirement_announced",
        Row(
            _WARNING,
            _ONBOARDING,
            _ORGANISATION,
            "kinds.retirement_announced",
            counted="kinds.retirement_announced.headline",
        ),
    )
    PRODUCT_RETIRED = (
        "product_retired",
        Row(
            _WARNING,
            _PRODUCT,
            _ORGANISATION,
            "kinds.product_retired",
            parts="kinds.parts.product",
            counted="kinds.product_retired.headline",
        ),
    )
    MANDATE_ENDED = (
        "mandate_ended",
        Row(
            _WARNING,
            _ONBOARDING,
            _TEAM,
            "kinds.mandate_ended",
            scale=_NOTE,
            counted="kinds.mandate_ended.headline",
        ),
    )
    MANDATE_CHANGED = (
        "mandate_changed",
        Row(
            _WARNING,
            _ONBOARDING,
            _ORGANISATION + _TEAM,
            "kinds.mandate_changed",
            scale=_NEW_PART,
            counted="kinds.mandate_changed.headline",
        ),
    )
    UNPROVEN = (
        "unproven",
        Row(
            _WARNING,
            _ONBOARDING,
            _TEAM,
            "kinds.unproven",
            scale=_NOTE,
            counted="kinds.unproven.headline",
        ),
    )
    GATE_PASSED = (
        "gate_passed",
        Row(
            _WARNING, _ONBOARDING, _TEAM, "kinds.gate_passed", counted="kinds.gate_passed.headline"
        ),
    )
    CLIENT_RENAMED = (
        "client_renamed",
        Row(
            _WARNING,
            _CLIENT,
            _ORGANISATION,
            "kinds.client_renamed",
            worse_by_hand=True,
            field="software_id",
            scale=_WHOLE,
            by_hand="kinds.client_renamed.by_hand",
            counted="kinds.client_renamed.headline",
        ),
    )
    SENDS_FOR_MORE = (
        "sends_for_more",
        Row(
            _WARNING,
            _PRODUCT,
            _API + _TEAM,
            "kinds.sends_for_more",
            listed=True,
            counted="kinds.sends_for_more.headline",
        ),
    )
    SCOPE_GRANTED = (
        "scope_granted",
        Row(
            _WARNING,
            _SCOPES,
            _API,
            "kinds.scope_granted",
            parts="kinds.parts.scope",
            worse_by_hand=True,
            scale=_NEW_PART,
            by_hand="kinds.scope_granted.by_hand",
            counted="kinds.scope_granted.headline",
        ),
    )
    KEY_CHANGED = (
        "key_changed",
        Row(
            _WARNING,
            _KEYS,
            _ORGANISATION,
            "kinds.key_changed",
            parts="kinds.parts.key",
            worse_by_hand=True,
            by_hand="kinds.key_changed.by_hand",
            counted="kinds.key_changed.headline",
        ),
    )
    KEY_ADDED = (
        "key_added",
        Row(
            _WARNING,
            _KEYS,
            _ORGANISATION,
            "kinds.key_added",
            parts="kinds.parts.key",
            worse_by_hand=True,
            scale=_NEW_PART,
            by_hand="kinds.key_added.by_hand",
            counted="kinds.key_added.headline",
        ),
    )
    SECRET_RENEWED = (
        "secret_renewed",
        Row(
            _WARNING,
            _CLIENT,
            _ORGANISATION,
            "kinds.secret_renewed",
            worse_by_hand=True,
            field="client_secret_updated_at",
            by_hand="kinds.secret_renewed.by_hand",
            counted="kinds.secret_renewed.headline",
        ),
    )
    SECRET_RESTORED = (
        "secret_restored",
        Row(
            _WARNING,
            _CLIENT,
            _ORGANISATION,
            "kinds.secret_restored",
            counted="kinds.secret_restored.headline",
        ),
    )
    EXEMPTION_CHANGED = (
        "exemption_changed",
        Row(
            _WARNING,
            _ONBOARDING,
            _TEAM,
            "kinds.exemption_changed",
            parts="kinds.parts.exemption",
            counted="kinds.exemption_changed.headline",
        ),
    )
    CONTACT_TO_CHECK = (
        "contact_to_check",
        Row(
            _WARNING,
            _CLIENT,
            _ORGANISATION,
            "kinds.contact_to_check",
            parts="kinds.parts.contact_to_check",
            counted="kinds.contact_to_check.headline",
        ),
    )
    CLIENT_DISABLED = (
        "client_disabled",
        Row(
            _WARNING,
            _CLIENT,
            _ORGANISATION,
            "kinds.client_disabled",
            worse_by_hand=True,
            field="enabled",
            by_hand="kinds.client_disabled.by_hand",
            counted="kinds.client_disabled.headline",
        ),
    )
    ATTRIBUTES_CHANGED = (
        "attributes_changed",
        Row(
            _WARNING,
            _CLIENT,
            _of_values,
            "kinds.attributes_changed",
            worse_by_hand=True,
            field="attributes",
            scale=_NEW_PART,
            by_hand="kinds.attributes_changed.by_hand",
            counted="kinds.attributes_changed.headline",
        ),
    )
    SCOPE_DEFAULT = (
        "scope_default",
        Row(
            _WARNING,
            _SCOPES,
            _API,
            "kinds.scope_default",
            parts="kinds.parts.scope",
            by_hand="kinds.scope_default.by_hand",
            counted="kinds.scope_default.headline",
        ),
    )
    SCOPE_ON_REQUEST = (
        "scope_on_request",
        Row(
            _WARNING,
            _SCOPES,
            _ORGANISATION,
            "kinds.scope_on_request",
            parts="kinds.parts.scope",
            by_hand="kinds.scope_on_request.by_hand",
            counted="kinds.scope_on_request.headline",
        ),
    )
    SCOPE_RENEWED = (
        "scope_renewed",
        Row(
            _WARNING,
            _SCOPES,
            _API,
            "kinds.scope_renewed",
            parts="kinds.parts.scope",
            counted="kinds.scope_renewed.headline",
        ),
    )
    SCOPE_ENDED = (
        "scope_ended",
        Row(
            _WARNING,
            _SCOPES,
            _API,
            "kinds.scope_ended",
            parts="kinds.parts.scope",
            counted="kinds.scope_ended.headline",
        ),
    )
    KEY_EXPIRED = (
        "key_expired",
        Row(
            _WARNING,
            _KEYS,
            _ORGANISATION,
            "kinds.key_expired",
            parts="kinds.parts.expired_key",
            scale=_NOTE,
            counted="kinds.key_expired.headline",
        ),
    )
    KEYS_DECLARED = (
        "keys_declared",
        Row(
            _WARNING,
            _KEYS,
            _ORGANISATION,
            "kinds.keys_declared",
            counted="kinds.keys_declared.headline",
        ),
    )
    KEYS_OFF_ADDRESS = (
        "keys_off_address",
        Row(
            _WARNING,
            _CLIENT,
            _ORGANISATION,
            "kinds.keys_off_address",
            worse_by_hand=True,
            field="jwks_uri",
            by_hand="kinds.keys_off_address.by_hand",
            counted="kinds.keys_off_address.headline",
        ),
    )
    SCOPE_WITHDRAWN = (
        "scope_withdrawn",
        Row(
            _WARNING,
            _SCOPES,
            _ORGANISATION,
            "kinds.scope_withdrawn",
            parts="kinds.parts.scope",
            by_hand="kinds.scope_withdrawn.by_hand",
            counted="kinds.scope_withdrawn.headline",
        ),
    )
    SECOND_KEY_WITHOUT_KID = (
        "second_key_without_kid",
        Row(
            _WARNING,
            _KEYS,
            _ORGANISATION,
            "kinds.second_key_without_kid",
            counted="kinds.second_key_without_kid.headline",
        ),
    )
    KEY_REMOVED = (
        "key_removed",
        Row(
            _WARNING,
            _KEYS,
            _ORGANISATION,
            "kinds.key_removed",
            parts="kinds.parts.key",
            by_hand="kinds.key_removed.by_hand",
            counted="kinds.key_removed.headline",
        ),
    )
    CLIENT_WITH_ONE_KEY = (
        "client_with_one_key",
        Row(
            _WARNING,
            _KEYS,
            _ORGANISATION,
            "kinds.client_with_one_key",
            by_hand="kinds.client_with_one_key.by_hand",
        ),
    )
    EXEMPTION_UNNEEDED = (
        "exemption_unneeded",
        Row(
            _WARNING,
            _ONBOARDING,
            _TEAM,
            "kinds.exemption_unneeded",
            parts="kinds.parts.needless_exemption",
            scale=_NOTE,
            counted="kinds.exemption_unneeded.headline",
        ),
    )
    PRODUCT_REMOVED = (
        "product_removed",
        Row(
            _WARNING,
            _PRODUCT,
            _ORGANISATION,
            "kinds.product_removed",
            parts="kinds.parts.product",
            listed=True,
            by_hand="kinds.product_removed.by_hand",
            counted="kinds.product_removed.headline",
        ),
    )
    SENDS_FOR_FEWER = (
        "sends_for_fewer",
        Row(
            _WARNING,
            _PRODUCT,
            _ORGANISATION,
            "kinds.sends_for_fewer",
            listed=True,
            counted="kinds.sends_for_fewer.headline",
        ),
    )
    PRODUCT_UNPROTECTED = (
        "product_unprotected",
        Row(
            _WARNING,
            _PRODUCT,
            _ORGANISATION,
            "kinds.product_unprotected",
            parts="kinds.parts.product",
            counted="kinds.product_unprotected.headline",
        ),
    )
    OTHER_CHANGED = (
        "other_changed",
        Row(
            _WARNING,
            Resource.OTHER,
            _TEAM,
            "kinds.other_changed",
            parts="kinds.parts.other",
            counted="kinds.other_changed.headline",
        ),
    )
    CHANGED_OTHERWISE = (
        "changed_otherwise",
        Row(
            _WARNING,
            _CLIENT,
            _of_parts,
            "kinds.changed_otherwise",
            scale=_WHOLE,
            counted="kinds.changed_otherwise.headline",
        ),
    )
    ORDERED = (
        "ordered",
        Row(
            _NOTICE,
            _ONBOARDING,
            _TEAM,
            "kinds.ordered",
            scale=_NOTE,
            counted="kinds.ordered.headline",
        ),
    )
    KEY_MAY_STAY = (
        "key_may_stay",
        Row(
            _NOTICE,
            _KEYS,
            _ORGANISATION,
            "kinds.key_may_stay",
            scale=_NOTE,
            counted="kinds.key_may_stay.headline",
        ),
    )
    HELD_BACK = (
        "held_back",
        Row(
            _NOTICE,
            _ONBOARDING,
            _TEAM,
            "kinds.held_back",
            scale=_NOTE,
            counted="kinds.held_back.headline",
        ),
    )
    CLIENT_MARKED = (
        "client_marked",
        Row(_NOTICE, _CLIENT, _TEAM, "kinds.client_marked", counted="kinds.client_marked.headline"),
    )
    PRODUCT_MARKED = (
        "product_marked",
        Row(
            _NOTICE,
            _PRODUCT,
            _TEAM,
            "kinds.product_marked",
            parts="kinds.parts.product",
            counted="kinds.product_marked.headline",
        ),
    )
    EVIDENCE_CHANGED = (
        "evidence_changed",
        Row(
            _NOTICE,
            _KEYS,
            _ORGANISATION,
            "kinds.evidence_changed",
            counted="kinds.evidence_changed.headline",
        ),
    )
    NOT_RECORDED = (
        "not_recorded",
        Row(
            _NOTICE,
            _CLIENT,
            _TEAM,
            "kinds.not_recorded",
            scale=_WHOLE,
            counted="kinds.not_recorded.headline",
        ),
    )
    PRODUCT_CHANGED = (
        "product_changed",
        Row(
            _NOTICE,
            _PRODUCT,
            _of_values,
            "kinds.product_changed",
            parts="kinds.parts.product",
            by_hand="kinds.product_changed.by_hand",
            counted="kinds.product_changed.headline",
        ),
    )
    RETIREMENT_COMING = (
        "retirement_coming",
        Row(
            _NOTICE,
            _ONBOARDING,
            _ORGANISATION,
            "kinds.retirement_coming",
            scale=_NOTE,
            counted="kinds.retirement_coming.headline",
        ),
    )
    RETIREMENT_CALLED_OFF = (
        "retirement_called_off",
        Row(
            _NOTICE,
            _ONBOARDING,
            _ORGANISATION,
            "kinds.retirement_called_off",
            counted="kinds.retirement_called_off.headline",
        ),
    )
    KEY_EXPIRING = (
        "key_expiring",
        Row(
            _NOTICE,
            _KEYS,
            _ORGANISATION,
            "kinds.key_expiring",
            parts="kinds.parts.expiring_key",
            scale=_NOTE,
            counted="kinds.key_expiring.headline",
        ),
    )
    CLIENT_CREATED = (
        "client_created",
        Row(
            _NOTICE,
            _CLIENT,
            _ORGANISATION,
            "kinds.client_created",
            scale=_WHOLE,
            counted="kinds.client_created.headline",
        ),
    )
    KEY_AWAITED = "key_awaited", Row(_NOTICE, _KEYS, _ORGANISATION, "kinds.key_awaited")
    PRODUCT_CONFIGURED = (
        "product_configured",
        Row(
            _NOTICE,
            _PRODUCT,
            _API,
            "kinds.product_configured",
            parts="kinds.parts.product",
            scale=_NEW_PART,
            listed=True,
            counted="kinds.product_configured.headline",
        ),
    )
    CLIENT_ENABLED = (
        "client_enabled",
        Row(
            _NOTICE,
            _CLIENT,
            _ORGANISATION,
            "kinds.client_enabled",
            field="enabled",
            by_hand="kinds.client_enabled.by_hand",
            counted="kinds.client_enabled.headline",
        ),
    )
    AUTHENTICATION_CHANGED = (
        "authentication_changed",
        Row(
            _NOTICE,
            _CLIENT,
            _ORGANISATION,
            "kinds.authentication_changed",
            field="token_endpoint_auth_method",
            by_hand="kinds.authentication_changed.by_hand",
            counted="kinds.authentication_changed.headline",
        ),
    )
    CLIENT_UPDATED = (
        "client_updated",
        Row(
            _NOTICE,
            _CLIENT,
            _of_description,
            "kinds.client_updated",
            by_hand="kinds.client_updated.by_hand",
            counted="kinds.client_updated.headline",
        ),
    )
    SECRET_UNTIL_KEY = (
        "secret_until_key",
        Row(_NOTICE, _CLIENT, _ORGANISATION, "kinds.secret_until_key"),
    )
    PROTECTION_RESTORED = (
        "protection_restored",
        Row(
            _NOTICE,
            _CLIENT,
            _ORGANISATION,
            "kinds.protection_restored",
            counted="kinds.protection_restored.headline",
        ),
    )
    PRODUCT_PROTECTED = (
        "product_protected",
        Row(
            _NOTICE,
            _PRODUCT,
            _ORGANISATION,
            "kinds.product_protected",
            parts="kinds.parts.product",
            counted="kinds.product_protected.headline",
        ),
    )
    EXEMPTION_REMOVED = (
        "exemption_removed",
        Row(
            _NOTICE,
            _ONBOARDING,
            _TEAM,
            "kinds.exemption_removed",
            parts="kinds.parts.exemption",
            counted="kinds.exemption_removed.headline",
        ),
    )
    SCOPE_NOTE_CHANGED = (
        "scope_note_changed",
        Row(
            _NOTICE,
            _SCOPES,
            _API,
            "kinds.scope_note_changed",
            parts="kinds.parts.reason",
            counted="kinds.scope_note_changed.headline",
        ),
    )
    SCOPE_SHORTENED = (
        "scope_shortened",
        Row(
            _NOTICE,
            _SCOPES,
            _ORGANISATION,
            "kinds.scope_shortened",
            parts="kinds.parts.scope",
            counted="kinds.scope_shortened.headline",
        ),
    )

    @property
    def severity(self) -> Severity:
        """How dangerous it is where a form declares it."""
        return self.row.severity

    @property
    def in_headline(self) -> bool:
        """Whether the headline counts the clients that it is about."""
        return bool(self.row.counted)

    def headlined(self, clients: int, parts: int = 0) -> str:
        """Return what one client does, or several do: ``loses its protection``, ``gain 3
        scopes``."""
        counted = say_counted(self.row.parts, parts) if self.row.parts else ""
        if not self.row.counted:
            return ""
        return say_counted(self.row.counted, clients, parts=counted)


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
        return spoken().template(self._sentence)

    @property
    def _sentence(self) -> str:
        row, fields = self.kind.row, self.fields
        if self.kind is Kind.KEY_CHANGED and fields:
            return "kinds.key_changed.described"
        if self.kind is Kind.MANDATE_CHANGED and all(field.old is None for field in fields):
            return "kinds.mandate_changed.first"
        if self.kind is Kind.MANDATE_CHANGED and any(field.new is None for field in fields):
            return "kinds.mandate_changed.last"
        if self.kind is Kind.SCOPE_RENEWED and any(field.new is None for field in fields):
            return "kinds.scope_renewed.last"
        if self.kind is Kind.SCOPE_SHORTENED and any(field.old is None for field in fields):
            return "kinds.scope_shortened.first"
        return row.by_hand if self.by_hand and row.by_hand else row.sentence


def who(author: str | None, at: datetime | None, *, of_all: bool = False) -> list[Piece]:
    """Return who did something, and when; ``of_all`` where that is all that changed."""
    when = Piece(f"{at:%Y-%m-%d %H:%M}" if at else "")
    if of_all:
        sentence = "report.who.all_by_at" if at else "report.who.all_by"
    elif author:
        sentence = "report.who.by_at" if at else "report.who.by"
    elif at:
        sentence = "report.who.at"
    else:
        return []
    return sentence_of(sentence, author=author or "?", when=when)


def sentence_of(sentence: str, /, **facts: str | Piece | None) -> list[Piece]:
    """Return a sentence in which texts are values of others; nothing where one of its facts is
    lacking."""
    pieces = {
        fact: [Piece(plain(value), Tone.VALUE) if isinstance(value, str) else value]
        for fact, value in facts.items()
        if value
    }
    template = spoken().template(sentence)
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
