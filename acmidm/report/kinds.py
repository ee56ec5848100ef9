"""The kinds of change: one table, most dangerous first, and what a change is. A new kind is a new
entry.

What ``--fail-on`` names, the order of reports, which resource a kind is about and which field of a
client, who decides it, its sentences: all of it is in the entry.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, computed_field

from acmidm.report.document import Document, Line, Piece, Table, Tone, as_text, in_line
from acmidm.words import LONGEST, WHOLE, cut, day, plain, side_by_side
from acmidm_onboarding.engine_resources import Resource, product_part
from acmidm_onboarding.texts import N_, NN_, Counted, ntranslated, spoken, tr, translated

NO_REASON = "requested"
"""The note of a connection's scope where the form gives no reason."""
_IN_SENTENCE = 3
"""Fields that the sentence of a change has."""
_SHORT = 60
"""Characters of a value in such a sentence."""


class Severity(StrEnum):
    """How closely a person should look."""

    DANGER = "danger"
    WARNING = "warning"
    NOTICE = "notice"


_SEVERITY = {"danger": N_("danger"), "warning": N_("warning"), "notice": N_("notice")}


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
class KindRow:
    """What a kind is, without its sentences."""

    name: str
    """What its JSON and ``--fail-on`` call it."""
    severity: Severity
    resource: Resource
    decides: Deciders | Callable[[Change], Deciders]
    """Who decides it; a function of the change, where that depends on what changes."""
    field: str = ""
    """The field of a client that it is about, where it is always the same one."""
    scale: Scale = Scale.PART
    listed: bool = False
    """Whether its fields are the point of it, so that each is on a line of its own."""


@dataclass(frozen=True)
class Entry:
    """One kind: its row, and its sentences, marked for translation; see ``_facts`` for their
    blanks."""

    row: KindRow
    sentence: str
    """``gains scope {subject}[: {note}]``: a part in brackets is left out where the change has no
    fact for its blank."""
    by_hand: str = ""
    """Its sentence where somebody did it by hand, if that is another."""
    danger_by_hand: str = ""
    """Instead of ``by_hand``, of what is a danger where somebody did it by hand."""
    without_old: str = ""
    """Its sentence where there was no value before, if that is another."""
    without_new: str = ""
    """Its sentence where a value is there no more, if that is another."""
    headline: str = ""
    """What changes beside the clients, in the words behind ``also changes``."""
    counted: Counted | None = None
    """What one client or several do in the headline; a kind without it is not counted there."""
    parts: Counted | None = None
    """What the headline counts, beside the clients."""


_CLIENT, _SCOPES, _KEYS = Resource.CLIENT, Resource.SCOPES, Resource.KEYS
_PRODUCT, _ONBOARDING, _NONE = Resource.PRODUCT, Resource.ONBOARDING, Resource.NONE
_DANGER, _WARNING, _NOTICE = Severity
_ORGANISATION, _API, _TEAM = ((decider,) for decider in Decider)
_WHOLE, _, _NEW_PART, _NOTE = Scale
_AUTH_METHOD = "token_endpoint_auth_method"

_GAINS, _LOSES = NN_("gains {parts}", "gain {parts}"), NN_("loses {parts}", "lose {parts}")
_HAS, _CHANGES = NN_("has {parts}", "have {parts}"), NN_("changes {parts}", "change {parts}")
_EACH_SCOPE = NN_("{count} scope", "{count} scopes")
_EACH_KEY = NN_("{count} key", "{count} keys")
_EACH_PRODUCT = NN_("{count} product", "{count} products")
_EACH_EXEMPTION = NN_("{count} exemption", "{count} exemptions")


def _of_description(change: Change) -> Deciders:
    """Return who decides fields that describe a client: its organisation its contacts and names,
    the onboarding team all others, which say who the organisation is."""
    names = {field.field for field in change.fields}
    deciders: Deciders = ()
    if names & _OWN_DESCRIPTION:
        deciders += _ORGANISATION
    if names - _OWN_DESCRIPTION:
        deciders += _TEAM
    return deciders


def _of_values(change: Change) -> Deciders:
    """Return who decides values that an API reads: its owner; but the organisation where each value
    is only taken away."""
    are_removed = change.fields and all(field.new is None for field in change.fields)
    return _ORGANISATION if are_removed else _API


def _of_parts(change: Change) -> Deciders:
    """Return who decides a change whose subject is only the types of the resources that change,
    such as ``ClientJwks, ProductConfiguration``."""
    types = (change.subject or "").split(", ")
    return tuple(sorted({_OF_PART.get(each, Decider.ONBOARDING_TEAM) for each in types}))


_OWN_DESCRIPTION = frozenset({"client_name", "contacts", "application"})
_OF_PART: Mapping[str, Decider] = {
    Resource.KEYS: Decider.ORGANISATION,
    Resource.SCOPES: Decider.API_OWNER,
    Resource.PRODUCT: Decider.API_OWNER,
}


class Kind(StrEnum):
    """One kind of change. Their order here is their order in reports."""

    entry: Entry

    def __new__(cls, entry: Entry) -> Kind:
        kind = str.__new__(cls, entry.row.name)
        kind._value_ = entry.row.name
        kind.entry = entry
        return kind

    CREDENTIALS_REDIRECTED = Entry(
        KindRow("credentials_redirected", _DANGER, _NONE, _TEAM),
        N_("also changes where credentials and tokens go, in {subject}[: {fields}]"),
        headline=N_("where credentials and tokens go"),
    )
    OPERATOR_CHANGED = Entry(
        KindRow("operator_changed", _DANGER, _NONE, _TEAM),
        N_("also changes who the operator is, in {subject}[: {fields}]"),
        headline=N_("who the operator is"),
    )
    PROTECTION_CHANGED = Entry(
        KindRow("protection_changed", _DANGER, _NONE, _TEAM),
        N_("also changes which clients are protected, in {subject}[: {fields}]"),
        headline=N_("which clients are protected"),
    )
    SETTINGS_CHANGED = Entry(
        KindRow("settings_changed", _DANGER, _NONE, _TEAM),
        N_("also changes settings, in {subject}[: {fields}]"),
        headline=N_("settings"),
    )
    CONFIRMED_ITSELF = Entry(
        KindRow("confirmed_itself", _DANGER, _NONE, _TEAM),
        N_(
            "also confirms in the same change what it changes, so that nobody else has seen it, in"
            " {subject}"
        ),
        headline=N_("what it confirms itself"),
    )
    ORGANISATION_CHANGED = Entry(
        KindRow("organisation_changed", _DANGER, _NONE, _TEAM),
        N_("also changes who an organisation is, in {subject}[: {fields}]"),
        headline=N_("who an organisation is"),
    )
    CATALOGUE_CHANGED = Entry(
        KindRow("catalogue_changed", _DANGER, _NONE, _TEAM),
        N_("also changes what can be granted, in {subject}[: {fields}]"),
        headline=N_("what can be granted"),
    )
    PIPELINES_CHANGED = Entry(
        KindRow("pipelines_changed", _DANGER, _NONE, _TEAM),
        N_("also changes what pipelines do or who approves[: {fields}]"),
        headline=N_("what pipelines do or who approves"),
    )
    PACKAGES_CHANGED = Entry(
        KindRow("packages_changed", _DANGER, _NONE, _TEAM),
        N_("also changes which packages are installed[: {fields}]"),
        headline=N_("which packages are installed"),
    )
    CODE_CHANGED = Entry(
        KindRow("code_changed", _DANGER, _NONE, _TEAM),
        N_("also changes code[: {fields}]"),
        headline=N_("code"),
    )
    INVALID_FORM_REMOVED = Entry(
        KindRow("invalid_form_removed", _DANGER, _NONE, _TEAM),
        N_(
            "also changes which forms there are: those that were not valid before go, with their"
            " clients[: {fields}]"
        ),
        headline=N_("which forms there are"),
    )
    EXEMPTION_GRANTED = Entry(
        KindRow("exemption_granted", _DANGER, _ONBOARDING, _TEAM),
        N_("is exempted from policy {subject}[: {note}]"),
        counted=NN_("is exempted from {parts}", "are exempted from {parts}"),
        parts=NN_("{count} policy", "{count} policies"),
    )
    EXEMPTION_STANDS = Entry(
        KindRow("exemption_stands", _DANGER, _ONBOARDING, _TEAM, scale=_NOTE),
        N_("goes to production without evidence, being exempted from {subject}[: {note}]"),
        counted=NN_("is exempted already", "are exempted already"),
    )
    CONFIRMATION_MISSING = Entry(
        KindRow("confirmation_missing", _DANGER, _CLIENT, _TEAM, scale=_NOTE),
        N_("is not confirmed any more: put the file back, or say that the client is gone"),
        counted=NN_("is not confirmed any more", "are not confirmed any more"),
    )
    CLIENT_REMOVED = Entry(
        KindRow("client_removed", _DANGER, _CLIENT, _ORGANISATION, scale=_WHOLE, listed=True),
        N_("is removed, with its scopes, keys and products"),
        by_hand=N_("was removed by hand: repairing it makes a client with a new client-ID"),
        counted=NN_("is removed", "are removed"),
    )
    CLIENT_REPLACED = Entry(
        KindRow("client_replaced", _DANGER, _CLIENT, _ORGANISATION, scale=_WHOLE),
        N_("is replaced by a new client, whose client-ID has to be handed over[: {fields}]"),
        counted=NN_("is replaced", "are replaced"),
    )
    CLIENT_ADOPTED = Entry(
        KindRow("client_adopted", _DANGER, _CLIENT, _TEAM, scale=_WHOLE),
        N_("takes over the existing client {subject}[, {note}]"),
        counted=NN_("takes over a client", "take over a client"),
    )
    CLIENT_RETIRED = Entry(
        KindRow("client_retired", _DANGER, _CLIENT, _ORGANISATION, scale=_WHOLE),
        N_(
            "is taken down: it loses its scopes and its protection now, and is removed with its"
            " keys and products by the next pulumi up[, as its form says for {note}]"
        ),
        counted=NN_("is taken down", "are taken down"),
    )
    CLIENT_LET_GO = Entry(
        KindRow("client_let_go", _DANGER, _CLIENT, _ORGANISATION, scale=_WHOLE),
        N_(
            "is let go: it stays at its authority with its keys and scopes, which stay valid; our"
            " marks come off it, and nobody manages it any more"
        ),
        counted=NN_("is let go", "are let go"),
    )
    KEYS_REPLACED = Entry(
        KindRow("keys_replaced", _DANGER, _KEYS, _ORGANISATION, listed=True),
        N_("keeps none of its keys: whoever has the new ones is the client"),
        counted=NN_("keeps none of its keys", "keep none of their keys"),
    )
    AUTHENTICATION_WEAKENED = Entry(
        KindRow("authentication_weakened", _DANGER, _CLIENT, _TEAM, field=_AUTH_METHOD),
        N_("authenticates less safely: {new} instead of {old}"),
        by_hand=N_("was made to authenticate less safely: {new} instead of {old}"),
        counted=NN_("authenticates less safely", "authenticate less safely"),
    )
    CLIENT_WITHOUT_KEY = Entry(
        KindRow("client_without_key", _DANGER, _KEYS, _ORGANISATION),
        N_("is left without a key: it can get no token"),
        by_hand=N_("was left without a key: it can get no token"),
        counted=NN_("is left without a key", "are left without a key"),
    )
    KEY_COMPROMISED = Entry(
        KindRow("key_compromised", _DANGER, _KEYS, _ORGANISATION),
        N_("loses compromised key {subject}[ with thumbprint {thumbprint}][: {note}]"),
        counted=_LOSES,
        parts=NN_("{count} compromised key", "{count} compromised keys"),
    )
    KEYS_HANDED_OVER = Entry(
        KindRow("keys_handed_over", _DANGER, _KEYS, _ORGANISATION, listed=True),
        N_(
            "leaves its keys to its organisation, in the portal; no change there is seen any more,"
            " and these stay valid"
        ),
        counted=NN_("leaves its keys to the portal", "leave their keys to the portal"),
    )
    KEYS_AT_ADDRESS = Entry(
        KindRow("keys_at_address", _DANGER, _CLIENT, _ORGANISATION, field="jwks_uri"),
        N_("takes its keys from {subject}, and whoever writes there is the client[: {fields}]"),
        by_hand=N_("was made to take its keys from {subject}[: {fields}]"),
        counted=NN_("takes its keys from an address", "take their keys from an address"),
    )
    PROTECTION_LIFTED = Entry(
        KindRow("protection_lifted", _DANGER, _CLIENT, _ORGANISATION),
        N_("is no longer protected against removal"),
        counted=NN_("loses its protection", "lose their protection"),
    )
    CONFIRMATION_CHANGED = Entry(
        KindRow("confirmation_changed", _WARNING, _NONE, _TEAM),
        N_("also changes what is confirmed of the portal, in {subject}[: {fields}]"),
        headline=N_("what is confirmed of the portal"),
    )
    ORGANISATION_ADDED = Entry(
        KindRow("organisation_added", _WARNING, _NONE, _TEAM),
        N_("also adds an organisation, to be verified, in {subject}[: {values}]"),
        headline=N_("which organisations there are"),
    )
    MANDATES_CHANGED = Entry(
        KindRow("mandates_changed", _WARNING, _NONE, _ORGANISATION + _TEAM),
        N_("also changes what suppliers may do, in {subject}[: {fields}]"),
        headline=N_("what suppliers may do"),
    )
    RETIREMENT_ANNOUNCED = Entry(
        KindRow("retirement_announced", _WARNING, _ONBOARDING, _ORGANISATION),
        N_("is announced to leave[: {fields}]"),
        counted=NN_("is announced to leave", "are announced to leave"),
    )
    PRODUCT_RETIRED = Entry(
        KindRow("product_retired", _WARNING, _PRODUCT, _ORGANISATION),
        N_(
            "leaves product {subject}: its scopes are withdrawn now, and its configuration is"
            " removed by the next pulumi up[, as its form says for {note}]"
        ),
        counted=NN_("leaves {parts}", "leave {parts}"),
        parts=_EACH_PRODUCT,
    )
    MANDATE_ENDED = Entry(
        KindRow("mandate_ended", _WARNING, _ONBOARDING, _TEAM, scale=_NOTE),
        N_("acts without a mandate[: {note}]"),
        counted=NN_("acts without a mandate", "act without a mandate"),
    )
    MANDATE_CHANGED = Entry(
        KindRow("mandate_changed", _WARNING, _ONBOARDING, _ORGANISATION + _TEAM, scale=_NEW_PART),
        N_("is acted for by another mandate[: {fields}]"),
        without_old=N_("is acted for by a supplier[: {values}]"),
        without_new=N_("is acted for by mandate no more[: {fields}]"),
        counted=NN_("is acted for differently", "are acted for differently"),
    )
    UNPROVEN = Entry(
        KindRow("unproven", _WARNING, _ONBOARDING, _TEAM, scale=_NOTE),
        N_("goes to production unproven[: {note}]"),
        counted=NN_("goes to production unproven", "go to production unproven"),
    )
    GATE_PASSED = Entry(
        KindRow("gate_passed", _WARNING, _ONBOARDING, _TEAM),
        N_(
            "is proven on TNI now, so that the gate lets it through to production[, by evidence"
            " {note}]"
        ),
        counted=NN_("passes the gate", "pass the gate"),
    )
    CLIENT_RENAMED = Entry(
        KindRow(
            "client_renamed", _WARNING, _CLIENT, _ORGANISATION, field="software_id", scale=_WHOLE
        ),
        N_("keeps its client under another name[: {fields}]"),
        danger_by_hand=N_("was given another natural key by hand[: {fields}]"),
        counted=NN_("gets another name", "get another name"),
    )
    SENDS_FOR_MORE = Entry(
        KindRow("sends_for_more", _WARNING, _PRODUCT, _API + _TEAM, listed=True),
        N_("sends for more organisations through {subject}[: {note}]"),
        counted=NN_("sends for more organisations", "send for more organisations"),
    )
    SCOPE_GRANTED = Entry(
        KindRow("scope_granted", _WARNING, _SCOPES, _API, scale=_NEW_PART),
        N_("gains scope {subject}[ until {until}][ ({about_scope})][: {note}]"),
        danger_by_hand=N_("was granted scope {subject} by hand[ ({about_scope})][: {note}]"),
        counted=_GAINS,
        parts=_EACH_SCOPE,
    )
    KEY_CHANGED = Entry(
        KindRow("key_changed", _WARNING, _KEYS, _ORGANISATION),
        N_(
            "has other key material under {subject}[ with thumbprint {thumbprint}][ instead of"
            " {old_thumbprint}][, until {expires}]"
        ),
        danger_by_hand=N_(
            "was given other key material than declared under {subject}[ with thumbprint"
            " {thumbprint}][ instead of {old_thumbprint}][, until {expires}]"
        ),
        counted=_CHANGES,
        parts=_EACH_KEY,
    )
    KEY_ADDED = Entry(
        KindRow("key_added", _WARNING, _KEYS, _ORGANISATION, scale=_NEW_PART),
        N_(
            "gains key {subject}[ with thumbprint {thumbprint}][ instead of {old_thumbprint}][,"
            " until {expires}]"
        ),
        danger_by_hand=N_(
            "was given undeclared key {subject}[ with thumbprint {thumbprint}][ instead of"
            " {old_thumbprint}][, until {expires}]"
        ),
        counted=_GAINS,
        parts=_EACH_KEY,
    )
    SECRET_RENEWED = Entry(
        KindRow(
            "secret_renewed", _WARNING, _CLIENT, _ORGANISATION, field="client_secret_updated_at"
        ),
        N_("gets a new client secret, which has to be handed over[; {note}]"),
        danger_by_hand=N_(
            "was given another client secret by hand, which lets in whoever knows it[; {note}]"
        ),
        counted=NN_("gets a new secret", "get a new secret"),
    )
    SECRET_RESTORED = Entry(
        KindRow("secret_restored", _WARNING, _CLIENT, _ORGANISATION),
        N_("gets the declared client secret again: somebody gave it another"),
        counted=NN_("gets its declared secret again", "get their declared secret again"),
    )
    EXEMPTION_CHANGED = Entry(
        KindRow("exemption_changed", _WARNING, _ONBOARDING, _TEAM),
        N_("is exempted from policy {subject} for another reason[: {change}]"),
        counted=NN_("gives another reason for {parts}", "give another reason for {parts}"),
        parts=_EACH_EXEMPTION,
    )
    CONTACT_TO_CHECK = Entry(
        KindRow("contact_to_check", _WARNING, _CLIENT, _ORGANISATION),
        N_("gains contact {subject}, which is mailed: see whose address it is[: {note}]"),
        counted=_GAINS,
        parts=NN_("{count} contact to check", "{count} contacts to check"),
    )
    CLIENT_DISABLED = Entry(
        KindRow("client_disabled", _WARNING, _CLIENT, _ORGANISATION, field="enabled"),
        N_("is disabled"),
        danger_by_hand=N_("was disabled by hand"),
        counted=NN_("is disabled", "are disabled"),
    )
    ATTRIBUTES_CHANGED = Entry(
        KindRow(
            "attributes_changed", _WARNING, _CLIENT, _of_values, field="attributes", scale=_NEW_PART
        ),
        N_("has other attributes in its tokens[: {fields}]"),
        danger_by_hand=N_("was given other attributes by hand[: {fields}]"),
        counted=NN_("has other attributes", "have other attributes"),
    )
    SCOPE_DEFAULT = Entry(
        KindRow("scope_default", _WARNING, _SCOPES, _API),
        N_("gets scope {subject} in every token, whatever its request names"),
        by_hand=N_(
            "was made by hand to get scope {subject} in every token, whatever its request names"
        ),
        counted=NN_("gets by default {parts}", "get by default {parts}"),
        parts=_EACH_SCOPE,
    )
    SCOPE_ON_REQUEST = Entry(
        KindRow("scope_on_request", _WARNING, _SCOPES, _ORGANISATION),
        N_("gets scope {subject} only in tokens that are requested with it"),
        by_hand=N_(
            "was made by hand to get scope {subject} only in tokens that are requested with it"
        ),
        counted=NN_("gets only on request {parts}", "get only on request {parts}"),
        parts=_EACH_SCOPE,
    )
    SCOPE_RENEWED = Entry(
        KindRow("scope_renewed", _WARNING, _SCOPES, _API),
        N_("has scope {subject} renewed until {new}, from {old}"),
        without_new=N_("has scope {subject} without an end, and had it until {old}"),
        counted=NN_("renews {parts}", "renew {parts}"),
        parts=_EACH_SCOPE,
    )
    SCOPE_ENDED = Entry(
        KindRow("scope_ended", _WARNING, _SCOPES, _API),
        N_("does not get scope {subject}, for its last day has passed[: {note}]"),
        counted=NN_("asks too late for {parts}", "ask too late for {parts}"),
        parts=_EACH_SCOPE,
    )
    KEY_EXPIRED = Entry(
        KindRow("key_expired", _WARNING, _KEYS, _ORGANISATION, scale=_NOTE),
        N_("has key {subject}, which expired[ on {expires}][, thumbprint {thumbprint}]"),
        counted=_HAS,
        parts=NN_("{count} expired key", "{count} expired keys"),
    )
    KEYS_DECLARED = Entry(
        KindRow("keys_declared", _WARNING, _KEYS, _ORGANISATION),
        N_("loses every key that was uploaded in the portal and that its form does not name"),
        counted=NN_("has its keys declared", "have their keys declared"),
    )
    KEYS_OFF_ADDRESS = Entry(
        KindRow("keys_off_address", _WARNING, _CLIENT, _ORGANISATION, field="jwks_uri"),
        N_("no longer takes its keys from {subject}"),
        danger_by_hand=N_("was made to take its keys no longer from {subject}"),
        counted=NN_(
            "no longer takes its keys from an address",
            "no longer take their keys from an address",
        ),
    )
    SCOPE_WITHDRAWN = Entry(
        KindRow("scope_withdrawn", _WARNING, _SCOPES, _ORGANISATION),
        N_("loses scope {subject}[, which it had until {until}][ ({about_scope})][: {note}]"),
        by_hand=N_("lost scope {subject} by hand[ ({about_scope})][: {note}]"),
        counted=_LOSES,
        parts=_EACH_SCOPE,
    )
    SECOND_KEY_WITHOUT_KID = Entry(
        KindRow("second_key_without_kid", _WARNING, _KEYS, _ORGANISATION),
        N_(
            "gets a second key while its application signs without kid, which is refused then:"
            " first have the application send kid {subject}, then add the key"
        ),
        counted=NN_(
            "gets a second key while it signs without kid",
            "get a second key while they sign without kid",
        ),
    )
    KEY_REMOVED = Entry(
        KindRow("key_removed", _WARNING, _KEYS, _ORGANISATION),
        N_(
            "loses key {subject}[ with thumbprint {thumbprint}][ instead of {old_thumbprint}][,"
            " until {expires}][: {note}]"
        ),
        by_hand=N_(
            "lost key {subject} by hand[ with thumbprint {thumbprint}][ instead of"
            " {old_thumbprint}][, until {expires}]"
        ),
        counted=_LOSES,
        parts=_EACH_KEY,
    )
    CLIENT_WITH_ONE_KEY = Entry(
        KindRow("client_with_one_key", _WARNING, _KEYS, _ORGANISATION),
        N_("is left with one key: nothing to fall back on"),
        by_hand=N_("was left with one key"),
    )
    EXEMPTION_UNNEEDED = Entry(
        KindRow("exemption_unneeded", _WARNING, _ONBOARDING, _TEAM, scale=_NOTE),
        N_(
            "needs no exemption from policy {subject}, for it satisfies it; take the exemption out"
            " of the form"
        ),
        counted=_HAS,
        parts=NN_("{count} needless exemption", "{count} needless exemptions"),
    )
    PRODUCT_REMOVED = Entry(
        KindRow("product_removed", _WARNING, _PRODUCT, _ORGANISATION, listed=True),
        N_("is no longer configured for product {subject}"),
        by_hand=N_("lost the configuration of product {subject} by hand"),
        counted=_LOSES,
        parts=_EACH_PRODUCT,
    )
    SENDS_FOR_FEWER = Entry(
        KindRow("sends_for_fewer", _WARNING, _PRODUCT, _ORGANISATION, listed=True),
        N_("sends for fewer organisations through {subject}[: {note}]"),
        counted=NN_("sends for fewer organisations", "send for fewer organisations"),
    )
    PRODUCT_UNPROTECTED = Entry(
        KindRow("product_unprotected", _WARNING, _PRODUCT, _ORGANISATION),
        N_("may lose product {subject} in a next change: its configuration is no longer protected"),
        counted=NN_("unprotects {parts}", "unprotect {parts}"),
        parts=_EACH_PRODUCT,
    )
    OTHER_CHANGED = Entry(
        KindRow("other_changed", _WARNING, Resource.OTHER, _TEAM),
        N_("changes its {subject}[: {fields}]"),
        counted=_CHANGES,
        parts=NN_("{count} other resource", "{count} other resources"),
    )
    CHANGED_OTHERWISE = Entry(
        KindRow("changed_otherwise", _WARNING, _CLIENT, _of_parts, scale=_WHOLE),
        N_(
            "changes its {subject} in a way that this report cannot show: look with pulumi preview"
            " --diff"
        ),
        counted=NN_("is changed in what cannot be shown", "are changed in what cannot be shown"),
    )
    ORDERED = Entry(
        KindRow("ordered", _NOTICE, _ONBOARDING, _TEAM, scale=_NOTE),
        N_("waits for order {subject}[: {note}]"),
        counted=NN_("waits for people at the portal", "wait for people at the portal"),
    )
    KEY_MAY_STAY = Entry(
        KindRow("key_may_stay", _NOTICE, _KEYS, _ORGANISATION, scale=_NOTE),
        N_("may not lose {subject} yet[: {note}]"),
        counted=NN_("may not lose a key yet", "may not lose a key yet"),
    )
    HELD_BACK = Entry(
        KindRow("held_back", _NOTICE, _ONBOARDING, _TEAM, scale=_NOTE),
        N_("is held back from production, as far as it is not there already[: {note}]"),
        counted=NN_("is held back", "are held back"),
    )
    CLIENT_MARKED = Entry(
        KindRow("client_marked", _NOTICE, _CLIENT, _TEAM),
        N_("is marked as this stack's own again: it was marked otherwise"),
        counted=NN_("is marked again", "are marked again"),
    )
    PRODUCT_MARKED = Entry(
        KindRow("product_marked", _NOTICE, _PRODUCT, _TEAM),
        N_("has its product {subject} marked as this stack's own again: it was marked otherwise"),
        counted=NN_("marks {parts}", "mark {parts}"),
        parts=_EACH_PRODUCT,
    )
    EVIDENCE_CHANGED = Entry(
        KindRow("evidence_changed", _NOTICE, _KEYS, _ORGANISATION),
        N_("has other evidence that it works[: {note}]"),
        counted=NN_("has other evidence", "have other evidence"),
    )
    NOT_RECORDED = Entry(
        KindRow("not_recorded", _NOTICE, _CLIENT, _TEAM, scale=_WHOLE),
        N_(
            "lacks its {subject} in the state, after a run that did not end well: the next pulumi"
            " up makes or finds what is missing"
        ),
        counted=NN_("is not recorded whole", "are not recorded whole"),
    )
    PRODUCT_CHANGED = Entry(
        KindRow("product_changed", _NOTICE, _PRODUCT, _of_values),
        N_("is configured differently for product {subject}[: {fields}]"),
        by_hand=N_("was configured differently by hand for product {subject}[: {fields}]"),
        counted=_CHANGES,
        parts=_EACH_PRODUCT,
    )
    RETIREMENT_COMING = Entry(
        KindRow("retirement_coming", _NOTICE, _ONBOARDING, _ORGANISATION, scale=_NOTE),
        N_("is going to leave[: {note}]"),
        counted=NN_("is going to leave", "are going to leave"),
    )
    RETIREMENT_CALLED_OFF = Entry(
        KindRow("retirement_called_off", _NOTICE, _ONBOARDING, _ORGANISATION),
        N_("is to stay after all[: {fields}]"),
        counted=NN_("is to stay", "are to stay"),
    )
    KEY_EXPIRING = Entry(
        KindRow("key_expiring", _NOTICE, _KEYS, _ORGANISATION, scale=_NOTE),
        N_("has key {subject}, which expires[ on {expires}][, thumbprint {thumbprint}]"),
        counted=_HAS,
        parts=NN_("{count} expiring key", "{count} expiring keys"),
    )
    CLIENT_CREATED = Entry(
        KindRow("client_created", _NOTICE, _CLIENT, _ORGANISATION, scale=_WHOLE),
        N_("is a new client[: {note}]"),
        counted=NN_("is new", "are new"),
    )
    KEY_AWAITED = Entry(
        KindRow("key_awaited", _NOTICE, _KEYS, _ORGANISATION),
        N_("has no key yet: its organisation uploads one before first use"),
    )
    PRODUCT_CONFIGURED = Entry(
        KindRow("product_configured", _NOTICE, _PRODUCT, _API, scale=_NEW_PART, listed=True),
        N_("is configured for product {subject}"),
        counted=_GAINS,
        parts=_EACH_PRODUCT,
    )
    CLIENT_ENABLED = Entry(
        KindRow("client_enabled", _NOTICE, _CLIENT, _ORGANISATION, field="enabled"),
        N_("is enabled"),
        by_hand=N_("was enabled by hand"),
        counted=NN_("is enabled", "are enabled"),
    )
    AUTHENTICATION_CHANGED = Entry(
        KindRow("authentication_changed", _NOTICE, _CLIENT, _ORGANISATION, field=_AUTH_METHOD),
        N_("authenticates with {new} instead of {old}"),
        by_hand=N_("was made to authenticate with {new} instead of {old}"),
        counted=NN_("authenticates differently", "authenticate differently"),
    )
    CLIENT_UPDATED = Entry(
        KindRow("client_updated", _NOTICE, _CLIENT, _of_description),
        N_("is described anew[: {fields}]"),
        by_hand=N_("was described anew by hand[: {fields}]"),
        counted=NN_("is described anew", "are described anew"),
    )
    SECRET_UNTIL_KEY = Entry(
        KindRow("secret_until_key", _NOTICE, _CLIENT, _ORGANISATION),
        N_(
            "goes on with its client secret until its authority has a key of it: a run after that"
            " changes over"
        ),
    )
    PROTECTION_RESTORED = Entry(
        KindRow("protection_restored", _NOTICE, _CLIENT, _ORGANISATION),
        N_("is protected against removal"),
        counted=NN_("is protected again", "are protected again"),
    )
    PRODUCT_PROTECTED = Entry(
        KindRow("product_protected", _NOTICE, _PRODUCT, _ORGANISATION),
        N_("has product {subject} protected against removal"),
        counted=NN_("protects {parts}", "protect {parts}"),
        parts=_EACH_PRODUCT,
    )
    EXEMPTION_REMOVED = Entry(
        KindRow("exemption_removed", _NOTICE, _ONBOARDING, _TEAM),
        N_("must satisfy policy {subject} again"),
        counted=_LOSES,
        parts=_EACH_EXEMPTION,
    )
    SCOPE_NOTE_CHANGED = Entry(
        KindRow("scope_note_changed", _NOTICE, _SCOPES, _API),
        N_("gives another reason for scope {subject}[: {fields}]"),
        counted=NN_("restates {parts}", "restate {parts}"),
        parts=NN_("{count} reason", "{count} reasons"),
    )
    SCOPE_SHORTENED = Entry(
        KindRow("scope_shortened", _NOTICE, _SCOPES, _ORGANISATION),
        N_("has scope {subject} shortened to {new}, from {old}"),
        without_old=N_("has scope {subject} until {new}, and had it without an end"),
        counted=NN_("gets an earlier end for {parts}", "get an earlier end for {parts}"),
        parts=_EACH_SCOPE,
    )

    @property
    def row(self) -> KindRow:
        """What it is, without its sentences."""
        return self.entry.row

    @property
    def severity(self) -> Severity:
        """How dangerous it is where a form declares it."""
        return self.row.severity

    @property
    def headline(self) -> str:
        """What changes beside the clients, in the words behind ``also changes``."""
        return translated(self.entry.headline)

    def headlined(self, clients: int, parts: int = 0) -> str:
        """Return what one client does, or several do, in the headline: ``loses its protection``,
        ``gain 3 scopes``. Empty where the headline does not count this kind."""
        if not self.entry.counted:
            return ""
        counted = ntranslated(self.entry.parts, parts) if self.entry.parts else ""
        return ntranslated(self.entry.counted, clients, parts=counted)


_RANKS = {kind: rank for rank, kind in enumerate(Kind)}


class ReportPart(BaseModel):
    """A part of a report, as its JSON has it. What is computed there, such as a change's ``text``,
    is passed over where JSON is read."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Report(ReportPart):
    """A whole report: what its JSON has, and the document that people read."""

    @abstractmethod
    def as_document(self) -> Document:
        """Return the report as it is read, in the language that is spoken."""

    def as_table(self) -> Table:
        """Return the report for a spreadsheet. Raises TypeError where it is no list of things."""
        raise TypeError(f"{type(self).__name__} has no table")


class FieldChange(ReportPart):
    """One field, its old value and its new one as people read them; None where there is none."""

    field: str
    old: str | None = None
    new: str | None = None

    def values(self, longest: int = LONGEST) -> tuple[str | None, str | None]:
        """Return the old value and the new one, cut so that what differs shows."""
        old, new = side_by_side(self.old, self.new, longest)
        return _plain_if_any(old), _plain_if_any(new)

    def with_values(self, convert: Callable[[str | None], str | None]) -> FieldChange:
        """Return the same field, with each of its values converted."""
        return FieldChange(field=self.field, old=convert(self.old), new=convert(self.new))

    def in_words(self) -> str:
        """Return ``dosis.bron_uri urn:a → urn:b``."""
        old, new = self.values()
        return f"{plain(self.field)} {old or tr('none')} → {new or tr('none')}"

    def as_line(self, *, with_none: bool) -> Line:
        """Return ``old → new`` behind the name of the field, as ``contacts:``. Of a field with one
        value the other is ``none``; or, not ``with_none``, the value stands alone."""
        values = [
            [_value_or_none(value)] for value in self.values() if with_none or value is not None
        ]
        return Line(in_line(values, " → "), Piece(f"{plain(self.field)}:"))


def _plain_if_any(value: str | None) -> str | None:
    return None if value is None else plain(value, WHOLE)


class Change(ReportPart):
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
        if self.by_hand and self.kind.entry.danger_by_hand:
            return Severity.DANGER
        return self.kind.severity

    @property
    def danger(self) -> tuple[int, int]:
        """The order of reports, most dangerous first."""
        return list(Severity).index(self.severity), _RANKS[self.kind]

    @property
    def part(self) -> str:
        """The part of its client that it is about: ``OAuthClient``, ``ClientScopes``, or
        ``ProductConfiguration/dosis``."""
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
        return as_text(self.pieces)

    @property
    def pieces(self) -> list[Piece]:
        """``gains scope `x`: the reason for it``."""
        return self._sentence(_facts(self))

    def _sentence(self, facts: Mapping[str, list[Piece]]) -> list[Piece]:
        """Return its template with ``facts`` filled in, without the parts in brackets whose fact is
        lacking."""
        pieces: list[Piece] = []
        for part in re.split(r"[\[\]]", self._template):
            pieces += _fill_in(part, facts)
        return pieces

    @property
    def has_lines(self) -> bool:
        """Whether each field is on a line by itself: what matters of it, or its sentence would cut
        values, or leave out fields."""
        is_cut = any(field.values(_SHORT) != field.values() for field in self.fields)
        has_more = len(self.fields) > _IN_SENTENCE or is_cut
        return self.kind.row.listed or (has_more and "{values}" not in self._template)

    @property
    def _says_whether_fields_come_or_go(self) -> bool:
        """Whether all fields come or all go, and its sentence says which: ``is removed``."""
        none_goes = all(field.old is None for field in self.fields)
        none_comes = all(field.new is None for field in self.fields)
        return self.kind.row.listed and (none_goes or none_comes)

    def as_line(self, *, undone: bool = False, with_author: bool = False) -> Line:
        """Return the change behind its severity; its fields beneath it, or in its sentence.
        ``undone`` where a repair has undone it, and it is no danger any more."""
        label = Piece(translated(_SEVERITY[self.severity]), Tone(self.severity))
        if undone:
            label = Piece(tr("undone"), Tone.GOOD)
        facts, lines = _facts(self), list[Line]()
        if self.has_lines:
            facts |= {"fields": [], "values": [], "change": []}
            with_none = not self._says_whether_fields_come_or_go
            lines = [field.as_line(with_none=with_none) for field in self.fields]
        author = who(self.changed_by, self.changed_at) if with_author else []
        by = [Piece(" ("), *author, Piece(")")] if author else []
        return Line([*self._sentence(facts), *by], label, lines)

    @property
    def _template(self) -> str:
        """Its sentence in the language that is spoken, with blanks and brackets."""
        return spoken().template(self._english_template)

    @property
    def _english_template(self) -> str:
        """That sentence of its kind which fits it: without an old value, without a new one, or made
        by hand."""
        entry, fields = self.kind.entry, self.fields
        if self.kind is Kind.KEY_CHANGED and fields:  # its thumbprint is the same
            return N_(
                "describes key {subject} otherwise[: {fields}][; thumbprint {thumbprint} stays]"
            )
        if entry.without_old and all(field.old is None for field in fields):
            return entry.without_old
        if entry.without_new and any(field.new is None for field in fields):
            return entry.without_new
        by_hand = (entry.danger_by_hand or entry.by_hand) if self.by_hand else ""
        return by_hand or entry.sentence


def who(author: str | None, at: datetime | None, *, of_all: bool = False) -> list[Piece]:
    """Return ``by jan at 2026-11-30 14:05 UTC``, as far as it is known; nothing where it is not.
    ``of_all``: ``all by jan, last at …``, of all changes of a client."""
    when = f"{at:%Y-%m-%d %H:%M}" if at else ""
    if of_all:
        sentence = N_("all by {author}, last at {when} UTC") if at else N_("all by {author}")
    elif author:
        sentence = N_("by {author} at {when} UTC") if at else N_("by {author}")
    elif at:
        sentence = N_("at {when} UTC")
    else:
        return []
    return sentence_of(sentence, author=author or "?", when=Piece(when))


def sentence_of(sentence: str, /, **facts: str | Piece | None) -> list[Piece]:
    """Return a translated sentence filled in with ``facts``, of which texts look like values;
    nothing where one of them is empty or None."""
    pieces = {fact: [_as_piece(value)] if value else [] for fact, value in facts.items()}
    return _fill_in(spoken().template(sentence), pieces)


def _as_piece(value: str | Piece) -> Piece:
    return Piece(plain(value), Tone.VALUE) if isinstance(value, str) else value


def _fill_in(template: str, facts: Mapping[str, list[Piece]]) -> list[Piece]:
    """Return a template such as ``gains scope {subject}`` with the facts in its blanks; nothing
    where one of these is empty. Raises KeyError for a blank that no fact is for."""
    pieces: list[Piece] = []
    for number, part in enumerate(re.split(r"[{}]", template)):
        is_blank = number % 2 == 1  # between { and }
        filled_in = facts[part] if is_blank else [Piece(part)]
        if not filled_in:
            return []
        pieces += filled_in
    return [piece for piece in pieces if piece.text]


def _facts(change: Change) -> dict[str, list[Piece]]:
    """Return the pieces for each blank that a template can have; no piece where the change has no
    such fact."""
    about_scope: list[str] = []
    if change.owner:
        about_scope.append(tr("owner {owner}", owner=plain(change.owner)))
    if change.verified is False:
        about_scope.append(tr("name not verified"))
    if change.is_default:
        about_scope.append(tr("by default"))
    note = ""
    if change.note and change.note != NO_REASON and not change.by_hand:
        note = plain(cut(change.note, LONGEST), WHOLE)
    expires = day(change.expires) if change.expires else ""
    first = change.fields[0] if change.fields else FieldChange(field="")
    values = {
        "subject": plain(change.subject or "?"),
        "thumbprint": change.thumbprint,
        "old_thumbprint": change.old_thumbprint,
        "until": change.until,
        "old": plain(first.old or tr("nothing")),
        "new": plain(first.new or tr("nothing")),
    }
    words = {"about_scope": ", ".join(about_scope), "note": note, "expires": expires}
    pieces = {name: _piece_if_any(value, Tone.VALUE) for name, value in values.items()}
    pieces |= {name: _piece_if_any(text) for name, text in words.items()}
    new_values = [
        [Piece(f"{plain(field.field)} "), Piece(field.values()[1] or "", Tone.VALUE)]
        for field in change.fields
    ]
    return pieces | {
        "fields": _first_fields(change),
        "values": in_line(new_values, ", "),
        "change": _old_and_new_value(first),
    }


def _piece_if_any(text: str | None, tone: Tone | None = None) -> list[Piece]:
    return [Piece(text, tone)] if text else []


def _first_fields(change: Change) -> list[Piece]:
    """Return ``contacts a → b, client_name c → d``: the first fields, and how many more there
    are."""
    first = change.fields[:_IN_SENTENCE]
    named = [[Piece(f"{plain(field.field)} "), *_old_and_new_value(field)] for field in first]
    pieces = in_line(named, ", ")
    left_out = len(change.fields) - _IN_SENTENCE
    if left_out > 0:
        pieces.append(Piece(tr(", and {count} more", count=left_out)))
    return pieces


def _old_and_new_value(field: FieldChange) -> list[Piece]:
    """Return ``old → new``, both cut short; ``none`` for one that there is not."""
    old, new = map(_value_or_none, field.values(_SHORT))
    return [old, Piece(" → "), new]


def _value_or_none(value: str | None) -> Piece:
    return Piece(tr("none")) if value is None else Piece(value, Tone.VALUE)
