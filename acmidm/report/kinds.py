"""The kinds of change: one table, most dangerous first. A new kind is a new row.

What ``--fail-on`` names, the order of reports, the sentences, the headline, which resource a kind is about, and by which entry
of an authority's audit trail it was made by hand: all of it is in the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from acmidm.report.words import LONGEST, WHOLE, Piece, cut, day, plain, side_by_side

if TYPE_CHECKING:
    from acmidm.report.model import Change, FieldChange
    from components.authorities.port import RecordedChange

NO_REASON = "requested"
"""The note of a connection's scope where the form gives no reason."""
_IN_SENTENCE = 3
_SHORT = 60


class Severity(StrEnum):
    """How closely a person should look."""

    DANGER = "danger"
    WARNING = "warning"
    NOTICE = "notice"


class Resource(StrEnum):
    """What a change is about: one of the four resources of a client, or the component above them."""

    CLIENT = "OAuthClient"
    SCOPES = "ClientScopes"
    KEYS = "ClientJwks"
    PRODUCT = "ProductConfiguration"
    ONBOARDING = "Onboarding"


class Scale(StrEnum):
    """How much of a client a kind is about."""

    WHOLE = "whole"
    """What becomes of the client itself: reported before what becomes of its parts, and true of all of them."""
    PART = "part"
    NEW_PART = "new part"
    """A part that goes without saying in the headline where the client is new."""
    NOTE = "note"
    """No change by itself: reported of clients that change otherwise, for the engine shows no others."""


Words = Callable[["Change"], Iterator[Piece]]
Trail = Callable[["RecordedChange", "Change"], bool]


@dataclass(frozen=True)
class Row:
    """One kind. In sentences ``{}`` is the subject; in a headline ``|`` divides one and several."""

    severity: Severity
    resource: Resource
    says: str
    headline: str = ""
    """What its clients do, or with ``parts`` what they do to how many of these; empty for a kind that has no place there."""
    parts: str = ""
    more: Words | None = None
    """The pieces after the sentence."""
    says_by_hand: str = ""
    by_hand: Severity | None = None
    """Its severity where somebody did it by hand, if that is another."""
    made: Trail | None = None
    """Whether an entry of the audit trail made it."""
    scale: Scale = Scale.PART
    listed: bool = False
    """Whether its fields are the point of it, so that each is on a line of its own."""


def _note(note: str) -> str:
    return plain(cut(note, LONGEST), WHOLE)


def _scope(change: Change) -> Iterator[Piece]:
    facts = [f"owner {plain(change.owner)}"] if change.owner else []
    facts += ["name not verified"] if change.verified is False else []
    if facts:
        yield Piece(f" ({', '.join(facts)})")
    if change.note and change.note != NO_REASON and not change.by_hand:
        yield Piece(f": {_note(change.note)}")


def _exemption(change: Change) -> Iterator[Piece]:
    if change.note:
        yield Piece(f": {_note(change.note)}")


def _key(change: Change) -> Iterator[Piece]:
    """Other key material; or, with ``fields``, the same material that is described otherwise."""
    if change.fields:
        yield from _fields(change)
        if change.thumbprint:
            yield Piece("; thumbprint ")
            yield Piece(change.thumbprint, value=True)
            yield Piece(" stays")
        return
    if change.thumbprint:
        yield Piece(" with thumbprint ")
        yield Piece(change.thumbprint, value=True)
    if change.old_thumbprint:
        yield Piece(" instead of ")
        yield Piece(change.old_thumbprint, value=True)
    if change.expires:
        yield Piece(f", until {day(change.expires)}")


def _expiry(change: Change) -> Iterator[Piece]:
    if change.expires:
        yield Piece(f" {day(change.expires)}")
    if change.thumbprint:
        yield Piece(", thumbprint ")
        yield Piece(change.thumbprint, value=True)


def _instead(change: Change) -> Iterator[Piece]:
    for one in change.fields:
        yield Piece(plain(one.new or "nothing"), value=True)
        yield Piece(" instead of ")
        yield Piece(plain(one.old or "nothing"), value=True)


def _fields(change: Change) -> Iterator[Piece]:
    """The first fields; all of them are in the details."""
    for place, one in enumerate(change.fields[:_IN_SENTENCE]):
        yield Piece(f"{', ' if place else ': '}{plain(one.field)} ")
        yield from _from_to(one)
    if len(change.fields) > _IN_SENTENCE:
        yield Piece(f", and {len(change.fields) - _IN_SENTENCE} more")


def _reason(change: Change) -> Iterator[Piece]:
    for one in change.fields:
        yield Piece(": ")
        yield from _from_to(one)


def _from_to(field: FieldChange) -> Iterator[Piece]:
    old, new = values(field, _SHORT)
    yield Piece("none" if old is None else old, value=old is not None)
    yield Piece(" → ")
    yield Piece("none" if new is None else new, value=new is not None)


def _field_of_client(*names: str) -> Trail:
    def made(entry: RecordedChange, change: Change) -> bool:
        wanted = names or tuple(one.field.partition(".")[0] for one in change.fields)
        return entry.action == "client.replaced" and any(_side(entry.before, name) != _side(entry.after, name) for name in wanted)

    return made


def _removed(entry: RecordedChange, _: Change) -> bool:
    return entry.action == "client.removed"


def _in_scopes(entry: RecordedChange, change: Change) -> bool:
    before, after = (_side(side, "scopes") or () for side in (entry.before, entry.after))
    return entry.action.startswith("scopes.") and (change.subject in before) != (change.subject in after)


def _in_keys(entry: RecordedChange, change: Change) -> bool:
    return entry.action.startswith("jwks.") and _keys(entry.before).get(change.subject) != _keys(entry.after).get(change.subject)


def _fewer_keys(entry: RecordedChange, _: Change) -> bool:
    return entry.action.startswith("jwks.") and len(_keys(entry.after)) < len(_keys(entry.before))


def _in_product(entry: RecordedChange, change: Change) -> bool:
    return entry.action.startswith("product.") and f"/{change.subject}/" in entry.document and entry.before != entry.after


def _side(document: Mapping[str, Any] | None, name: str) -> Any:
    return (document or {}).get(name)


def _keys(document: Mapping[str, Any] | None) -> dict[Any, Any]:
    keys = _side(document, "keys")
    return {key.get("kid"): key for key in keys if isinstance(key, Mapping)} if isinstance(keys, list) else {}


_CLIENT, _SCOPES, _KEYS, _PRODUCT, _ONBOARDING = Resource
_DANGER, _WARNING, _NOTICE = Severity
_METHOD, _ENABLED, _SECRET = (_field_of_client(name) for name in ("token_endpoint_auth_method", "enabled", "client_secret_updated_at"))


class Kind(StrEnum):
    """One kind of change. Their order here is their order in reports."""

    row: Row

    def __new__(cls, name: str, row: Row) -> Kind:
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.row = row
        return kind

    # fmt: off
    CLIENT_REMOVED = "client_removed", Row(_DANGER, _CLIENT, "is removed, with its scopes, keys and products", "is removed|are removed",
        says_by_hand="was removed by hand: repairing it makes a client with a new client-ID", made=_removed, scale=Scale.WHOLE,
        listed=True)
    CLIENT_REPLACED = "client_replaced", Row(_DANGER, _CLIENT, "is replaced by a new client, whose client-ID has to be handed over",
        "is replaced|are replaced", more=_fields, scale=Scale.WHOLE)
    AUTHENTICATION_WEAKENED = "authentication_weakened", Row(_DANGER, _CLIENT, "authenticates less safely: ",
        "authenticates less safely|authenticate less safely", more=_instead, says_by_hand="was made to authenticate less safely: ",
        made=_METHOD)
    EXEMPTION_GRANTED = "exemption_granted", Row(_DANGER, _ONBOARDING, "is exempted from policy {}", "is exempted from|are exempted from",
        "policy|policies", more=_exemption)
    CLIENT_WITHOUT_KEY = "client_without_key", Row(_DANGER, _KEYS, "is left without a key: it can get no token",
        "is left without a key|are left without a key", says_by_hand="was left without a key: it can get no token", made=_fewer_keys)
    KEYS_HANDED_OVER = "keys_handed_over", Row(_DANGER, _KEYS,
        "leaves its keys to its organisation, in the portal; no change there is seen any more, and these stay valid",
        "leaves its keys to the portal|leave their keys to the portal", listed=True)
    PROTECTION_LIFTED = "protection_lifted", Row(_DANGER, _CLIENT, "is no longer protected against removal",
        "loses its protection|lose their protection")
    CLIENT_ADOPTED = "client_adopted", Row(_WARNING, _CLIENT, "takes over the existing client {}", "is taken over|are taken over",
        scale=Scale.WHOLE)
    CLIENT_RENAMED = "client_renamed", Row(_WARNING, _CLIENT, "keeps its client under another name", "gets another name|get other names",
        more=_fields, says_by_hand="was given another natural key by hand", by_hand=_DANGER, made=_field_of_client("software_id"),
        scale=Scale.WHOLE)
    SCOPE_GRANTED = "scope_granted", Row(_WARNING, _SCOPES, "gains scope {}", "gains|gain", "scope|scopes", more=_scope,
        says_by_hand="was granted scope {} by hand", by_hand=_DANGER, made=_in_scopes, scale=Scale.NEW_PART)
    KEY_CHANGED = "key_changed", Row(_WARNING, _KEYS, "has other key material under {}", "changes|change", "key|keys", more=_key,
        says_by_hand="was given other key material than declared under {}", by_hand=_DANGER, made=_in_keys)
    KEY_ADDED = "key_added", Row(_WARNING, _KEYS, "gains key {}", "gains|gain", "key|keys", more=_key,
        says_by_hand="was given undeclared key {}", by_hand=_DANGER, made=_in_keys, scale=Scale.NEW_PART)
    SECRET_RENEWED = "secret_renewed", Row(_WARNING, _CLIENT, "gets a new client secret, which has to be handed over",
        "gets a new secret|get a new secret", says_by_hand="was given another client secret by hand, which lets in whoever knows it",
        by_hand=_DANGER, made=_SECRET)
    SECRET_RESTORED = "secret_restored", Row(_WARNING, _CLIENT, "gets the declared client secret again: somebody gave it another",
        "gets its declared secret again|get their declared secrets again")
    EXEMPTION_CHANGED = "exemption_changed", Row(_WARNING, _ONBOARDING, "is exempted from policy {} for another reason",
        "restates|restate", "exemption|exemptions", more=_reason)
    CLIENT_DISABLED = "client_disabled", Row(_WARNING, _CLIENT, "is disabled", "is disabled|are disabled",
        says_by_hand="was disabled by hand", by_hand=_DANGER, made=_ENABLED)
    KEY_EXPIRED = "key_expired", Row(_WARNING, _KEYS, "has key {}, which expired on", "has|have", "expired key|expired keys",
        more=_expiry, scale=Scale.NOTE)
    KEYS_DECLARED = "keys_declared", Row(_WARNING, _KEYS,
        "loses every key that was uploaded in the portal and that its form does not name",
        "has its keys declared|have their keys declared")
    SCOPE_WITHDRAWN = "scope_withdrawn", Row(_WARNING, _SCOPES, "loses scope {}", "loses|lose", "scope|scopes", more=_scope,
        says_by_hand="lost scope {} by hand", made=_in_scopes)
    KEY_REMOVED = "key_removed", Row(_WARNING, _KEYS, "loses key {}", "loses|lose", "key|keys", more=_key,
        says_by_hand="lost key {} by hand", made=_in_keys)
    CLIENT_WITH_ONE_KEY = "client_with_one_key", Row(_WARNING, _KEYS, "is left with one key: nothing to fall back on",
        says_by_hand="was left with one key", made=_fewer_keys)
    EXEMPTION_UNNEEDED = "exemption_unneeded", Row(_WARNING, _ONBOARDING,
        "needs no exemption from policy {}, for it satisfies it; take the exemption out of the form", "has|have",
        "needless exemption|needless exemptions", scale=Scale.NOTE)
    PRODUCT_REMOVED = "product_removed", Row(_WARNING, _PRODUCT, "is no longer configured for product {}", "loses|lose",
        "product|products", says_by_hand="lost the configuration of product {} by hand", made=_in_product, listed=True)
    PRODUCT_UNPROTECTED = "product_unprotected", Row(_WARNING, _PRODUCT,
        "may lose product {} in a next change: its configuration is no longer protected", "unprotects|unprotect", "product|products")
    CHANGED_OTHERWISE = "changed_otherwise", Row(_WARNING, _CLIENT,
        "changes its {} in a way that this report cannot show: look with pulumi preview --diff",
        "is changed in what cannot be shown|are changed in what cannot be shown", scale=Scale.WHOLE)
    NOT_RECORDED = "not_recorded", Row(_NOTICE, _CLIENT,
        "lacks its {} in the state, after a run that did not end well: the next pulumi up makes or finds what is missing",
        "is not recorded whole|are not recorded whole", scale=Scale.WHOLE)
    PRODUCT_CHANGED = "product_changed", Row(_NOTICE, _PRODUCT, "is configured differently for product {}", "changes|change",
        "product|products", more=_fields, says_by_hand="was configured differently by hand for product {}", made=_in_product)
    KEY_EXPIRING = "key_expiring", Row(_NOTICE, _KEYS, "has key {}, which expires on", "has|have", "expiring key|expiring keys",
        more=_expiry, scale=Scale.NOTE)
    CLIENT_CREATED = "client_created", Row(_NOTICE, _CLIENT, "is a new client", "is new|are new", scale=Scale.WHOLE)
    KEY_AWAITED = "key_awaited", Row(_NOTICE, _KEYS, "has no key yet: its organisation uploads one before first use")
    PRODUCT_CONFIGURED = "product_configured", Row(_NOTICE, _PRODUCT, "is configured for product {}", "gains|gain", "product|products",
        scale=Scale.NEW_PART, listed=True)
    CLIENT_ENABLED = "client_enabled", Row(_NOTICE, _CLIENT, "is enabled", "is enabled|are enabled", says_by_hand="was enabled by hand",
        made=_ENABLED)
    AUTHENTICATION_CHANGED = "authentication_changed", Row(_NOTICE, _CLIENT, "authenticates with ",
        "authenticates differently|authenticate differently", more=_instead, says_by_hand="was made to authenticate with ", made=_METHOD)
    CLIENT_UPDATED = "client_updated", Row(_NOTICE, _CLIENT, "is described anew", "is described anew|are described anew", more=_fields,
        says_by_hand="was described anew by hand", made=_field_of_client())
    PROTECTION_RESTORED = "protection_restored", Row(_NOTICE, _CLIENT, "is protected against removal",
        "is protected again|are protected again")
    PRODUCT_PROTECTED = "product_protected", Row(_NOTICE, _PRODUCT, "has product {} protected against removal", "protects|protect",
        "product|products")
    EXEMPTION_REMOVED = "exemption_removed", Row(_NOTICE, _ONBOARDING, "must satisfy policy {} again", "loses|lose",
        "exemption|exemptions")
    SCOPE_NOTE_CHANGED = "scope_note_changed", Row(_NOTICE, _SCOPES, "gives another reason for scope {}", "restates|restate",
        "reason|reasons", more=_fields)
    # fmt: on

    @property
    def rank(self) -> int:
        """0 is the most dangerous."""
        return _RANKS[self]

    @property
    def severity(self) -> Severity:
        """How dangerous it is where a form declares it."""
        return self.row.severity

    @property
    def severity_by_hand(self) -> Severity:
        """How dangerous it is where no form does."""
        return self.row.by_hand or self.row.severity


_RANKS = {kind: rank for rank, kind in enumerate(Kind)}


def sentence(change: Change) -> str:
    """The whole sentence as plain text."""
    return "".join(piece.text for piece in pieces(change))


def pieces(change: Change) -> Iterator[Piece]:
    """``gains scope `x`: the reason for it``, without the client that it is about."""
    yield from named(change)
    if change.kind.row.more is not None:
        yield from change.kind.row.more(change)


def named(change: Change) -> Iterator[Piece]:
    """The change alone: ``gains scope `x```."""
    row = change.kind.row
    says = (row.says_by_hand if change.by_hand else "") or row.says
    if change.kind is Kind.KEY_CHANGED and change.fields:
        says = "describes key {} otherwise"
    before, mark, after = says.partition("{}")
    yield Piece(before)
    if mark:
        yield Piece(plain(change.subject or "?"), value=True)
        yield Piece(after)


def fields_below(change: Change) -> bool:
    """Whether its fields are too many for its sentence, or the point of it: then each is on a line of its own."""
    return change.kind.row.listed or len(change.fields) > _IN_SENTENCE


def values(field: FieldChange, longest: int = LONGEST) -> tuple[str | None, str | None]:
    """Its old value and its new one, cut so that what differs shows."""
    old, new = side_by_side(field.old, field.new, longest)
    return (None if old is None else plain(old, WHOLE)), (None if new is None else plain(new, WHOLE))
