"""The sentence about a change, in pieces: what this project says, and the values that others chose, which renderers mark and escape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from acmidm.report.changes import Change, ConnectionChanges, FieldChange
from acmidm.report.kinds import Kind
from acmidm.report.state import NO_REASON
from acmidm.report.values import cut, side_by_side
from components.model.form import Environment
from components.model.problems import on_one_line

ENVIRONMENTS = {Environment.PROD: "production", Environment.TNI: "TNI"}
LONGEST = 200
WHOLE = 600
"""For what was cut by its meaning before, and for what the engine or a check says: its remedy stands at its end."""
_SHORT = 60


@dataclass(frozen=True)
class Piece:
    """A piece of a sentence. ``value`` says that it is a name or a value, not a word of ours."""

    text: str
    value: bool = False


def plain(text: str, longest: int = LONGEST) -> str:
    """A text that others chose, fit for a terminal and a report: control characters spelled out, what is too long cut."""
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    return on_one_line(text)


def sentence(change: Change) -> str:
    """The whole sentence as plain text."""
    return "".join(piece.text for piece in pieces(change))


def pieces(change: Change) -> Iterator[Piece]:
    """``gains scope `x`: why it was asked``, without the client that it is about."""
    yield from named(change)
    yield from _more(change)


def named(change: Change) -> Iterator[Piece]:
    """The change alone: ``gains scope `x```."""
    words = _words(change)
    before, mark, after = words.partition("{}")
    yield Piece(before)
    if mark:
        yield Piece(plain(change.subject or "?"), value=True)
        yield Piece(after)


def fields_below(change: Change) -> bool:
    """Whether its fields are too many for its sentence, or the point of it: then each stands on a line of its own."""
    return change.kind in _LISTED or len(change.fields) > _IN_SENTENCE


_LISTED = frozenset({Kind.CLIENT_REMOVED, Kind.PRODUCT_CONFIGURED, Kind.PRODUCT_REMOVED})
_IN_SENTENCE = 3


def _words(change: Change) -> str:
    if change.kind is Kind.KEY_CHANGED and change.fields:
        return "describes key {} otherwise"
    return (_BY_HAND.get(change.kind) if change.by_hand else None) or _ASKED[change.kind]


def _more(change: Change) -> Iterator[Piece]:
    more = _MORE.get(change.kind)
    if more is not None:
        yield from more(change)


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


def _note(note: str) -> str:
    return plain(cut(note, LONGEST), WHOLE)


def _key_change(change: Change) -> Iterator[Piece]:
    """Other key material; or, with ``fields``, the same material of which something else is said."""
    if not change.fields:
        yield from _key(change)
        return
    yield from _fields(change)
    if change.thumbprint:
        yield Piece("; thumbprint ")
        yield Piece(change.thumbprint, value=True)
        yield Piece(" stays")


def _key(change: Change) -> Iterator[Piece]:
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
    """The first fields in the sentence; all of them stand in the details."""
    yield Piece(": ")
    for place, one in enumerate(change.fields[:_IN_SENTENCE]):
        yield Piece(f"{', ' if place else ''}{plain(one.field)} ")
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


def values(field: FieldChange, longest: int = LONGEST) -> tuple[str | None, str | None]:
    """Its old value and its new one, cut so that what differs shows."""
    old, new = side_by_side(field.old, field.new, longest)
    return (None if old is None else plain(old, WHOLE)), (None if new is None else plain(new, WHOLE))


def _moved(change: Change) -> Iterator[Piece]:
    for one in change.fields:
        yield Piece(" from ")
        yield Piece(plain(one.old or ""), value=True)
    yield Piece("; the client stays")


def heading(environment: Environment) -> str:
    """``Production``, ``TNI``."""
    name = ENVIRONMENTS[environment]
    return name[0].upper() + name[1:]


def who(author: str | None, at: datetime | None, how: str = "") -> Iterator[Piece]:
    """``by `helpdesk` at 2026-11-25 03:17 UTC``; ``how`` goes before ``at``."""
    if author:
        yield Piece("by ")
        yield Piece(plain(author), value=True)
    if at:
        yield Piece(f"{how} at {at:%Y-%m-%d %H:%M} UTC" if author else f"at {at:%Y-%m-%d %H:%M} UTC")


def by_one(connection: ConnectionChanges) -> Iterator[Piece]:
    """Who made all of a client's changes, where that was one and the same; else each change says it itself."""
    if connection.sole_author:
        yield Piece("all ")
        yield from who(connection.sole_author, connection.last_changed_at, ", last")


def day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def days(left: int) -> str:
    """How long something still lasts, in whole days."""
    return {0: "less than a day left", 1: "1 day left"}.get(left, f"{left} days left")


_ASKED = {
    Kind.CLIENT_REMOVED: "is removed, with its scopes, keys and products",
    Kind.CLIENT_REPLACED: "is replaced by a new client, whose client-ID has to be handed over",
    Kind.AUTHENTICATION_WEAKENED: "authenticates less safely: ",
    Kind.AUTHENTICATION_CHANGED: "authenticates with ",
    Kind.EXEMPTION_GRANTED: "is exempted from policy {}",
    Kind.EXEMPTION_CHANGED: "is exempted from policy {} for another reason",
    Kind.EXEMPTION_UNNEEDED: "needs no exemption from policy {}: what it asks is allowed; take it out of the form",
    Kind.EXEMPTION_REMOVED: "is held to policy {} again",
    Kind.CLIENT_WITHOUT_KEY: "is left without a key: it can get no token",
    Kind.CLIENT_WITH_ONE_KEY: "is left with one key: nothing to fall back on",
    Kind.KEYS_HANDED_OVER: "leaves its keys to its organisation, which manages them in the portal",
    Kind.KEYS_DECLARED: "has its keys in the form from now on: others in the portal go",
    Kind.KEY_AWAITED: "has no key yet: its organisation uploads one before first use",
    Kind.PROTECTION_LIFTED: "is no longer protected against removal",
    Kind.PROTECTION_RESTORED: "is protected against removal",
    Kind.CLIENT_ADOPTED: "takes over the existing client {}",
    Kind.CLIENT_CREATED: "is a new client",
    Kind.CLIENT_MOVED: "moves with its form",
    Kind.CLIENT_UPDATED: "is described anew",
    Kind.CLIENT_DISABLED: "is disabled",
    Kind.CLIENT_ENABLED: "is enabled",
    Kind.SECRET_RENEWED: "gets a new client secret, which has to be handed over",
    Kind.SECRET_RESTORED: "gets the declared client secret again: somebody gave it another",
    Kind.SCOPE_GRANTED: "gains scope {}",
    Kind.SCOPE_WITHDRAWN: "loses scope {}",
    Kind.SCOPE_NOTE_CHANGED: "gives another reason for scope {}",
    Kind.KEY_ADDED: "gains key {}",
    Kind.KEY_REMOVED: "loses key {}",
    Kind.KEY_CHANGED: "has other key material under {}",
    Kind.KEY_EXPIRED: "has key {}, which expired on",
    Kind.KEY_EXPIRING: "has key {}, which expires on",
    Kind.PRODUCT_CONFIGURED: "is configured for product {}",
    Kind.PRODUCT_CHANGED: "is configured differently for product {}",
    Kind.PRODUCT_REMOVED: "is no longer configured for product {}",
    Kind.CHANGED_OTHERWISE: "changes its {} in a way that this report cannot show: look with pulumi preview --diff",
}
_BY_HAND = {
    Kind.CLIENT_REMOVED: "was removed by hand: repairing it makes a client with a new client-ID",
    Kind.CLIENT_REPLACED: "was made into another client by hand: its natural key is not the one declared",
    Kind.AUTHENTICATION_WEAKENED: "was made to authenticate less safely: ",
    Kind.AUTHENTICATION_CHANGED: "was made to authenticate with ",
    Kind.CLIENT_WITHOUT_KEY: "was left without a key: it can get no token",
    Kind.CLIENT_WITH_ONE_KEY: "was left with one key",
    Kind.CLIENT_UPDATED: "was described anew by hand",
    Kind.SECRET_RENEWED: "was given another client secret by hand, which lets in whoever knows it",
    Kind.CLIENT_DISABLED: "was disabled by hand",
    Kind.CLIENT_ENABLED: "was enabled by hand",
    Kind.SCOPE_GRANTED: "was granted scope {} by hand",
    Kind.SCOPE_WITHDRAWN: "lost scope {} by hand",
    Kind.KEY_ADDED: "was given undeclared key {}",
    Kind.KEY_REMOVED: "lost key {} by hand",
    Kind.KEY_CHANGED: "was given other key material than declared under {}",
    Kind.PRODUCT_CONFIGURED: "was configured by hand for product {}",
    Kind.PRODUCT_CHANGED: "was configured differently by hand for product {}",
    Kind.PRODUCT_REMOVED: "lost the configuration of product {} by hand",
}
_MORE: dict[Kind, Callable[[Change], Iterator[Piece]]] = {
    Kind.AUTHENTICATION_WEAKENED: _instead,
    Kind.AUTHENTICATION_CHANGED: _instead,
    Kind.EXEMPTION_GRANTED: _exemption,
    Kind.EXEMPTION_CHANGED: _reason,
    Kind.CLIENT_REPLACED: _fields,
    Kind.CLIENT_MOVED: _moved,
    Kind.CLIENT_UPDATED: _fields,
    Kind.SCOPE_GRANTED: _scope,
    Kind.SCOPE_WITHDRAWN: _scope,
    Kind.SCOPE_NOTE_CHANGED: _fields,
    Kind.KEY_ADDED: _key,
    Kind.KEY_REMOVED: _key,
    Kind.KEY_CHANGED: _key_change,
    Kind.KEY_EXPIRED: _expiry,
    Kind.KEY_EXPIRING: _expiry,
    Kind.PRODUCT_CHANGED: _fields,
}
