"""The one line on top: how many clients, what happens to them, where; production first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from acmidm.report.changes import ConnectionChanges
from acmidm.report.kinds import Kind
from components.model.form import Environment

_MOST_PHRASES = 4

_CLIENTS = {
    Kind.CLIENT_REMOVED: "is removed|are removed",
    Kind.CLIENT_REPLACED: "is replaced|are replaced",
    Kind.AUTHENTICATION_WEAKENED: "authenticates less safely|authenticate less safely",
    Kind.CLIENT_WITHOUT_KEY: "is left without a key|are left without a key",
    Kind.PROTECTION_LIFTED: "loses its protection|lose their protection",
    Kind.CLIENT_ADOPTED: "is taken over|are taken over",
    Kind.SECRET_RENEWED: "gets a new secret|get a new secret",
    Kind.SECRET_RESTORED: "gets its declared secret again|get their declared secrets again",
    Kind.CLIENT_DISABLED: "is disabled|are disabled",
    Kind.KEYS_HANDED_OVER: "leaves its keys to the portal|leave their keys to the portal",
    Kind.KEYS_DECLARED: "has its keys declared|have their keys declared",
    Kind.CLIENT_CREATED: "is new|are new",
    Kind.CLIENT_ENABLED: "is enabled|are enabled",
    Kind.AUTHENTICATION_CHANGED: "authenticates differently|authenticate differently",
    Kind.CHANGED_OTHERWISE: "is changed in what cannot be shown|are changed in what cannot be shown",
    Kind.CLIENT_UPDATED: "is described anew|are described anew",
    Kind.CLIENT_MOVED: "moves with its form|move with their forms",
    Kind.PROTECTION_RESTORED: "is protected again|are protected again",
}
_PARTS = {
    Kind.EXEMPTION_GRANTED: ("is exempted from|are exempted from", "policy|policies"),
    Kind.SCOPE_GRANTED: ("gains|gain", "scope|scopes"),
    Kind.KEY_CHANGED: ("changes|change", "key|keys"),
    Kind.KEY_ADDED: ("gains|gain", "key|keys"),
    Kind.EXEMPTION_CHANGED: ("restates|restate", "exemption|exemptions"),
    Kind.KEY_EXPIRED: ("has|have", "expired key|expired keys"),
    Kind.SCOPE_WITHDRAWN: ("loses|lose", "scope|scopes"),
    Kind.KEY_REMOVED: ("loses|lose", "key|keys"),
    Kind.EXEMPTION_UNNEEDED: ("has|have", "needless exemption|needless exemptions"),
    Kind.PRODUCT_REMOVED: ("loses|lose", "product|products"),
    Kind.PRODUCT_CHANGED: ("changes|change", "product|products"),
    Kind.KEY_EXPIRING: ("has|have", "expiring key|expiring keys"),
    Kind.PRODUCT_CONFIGURED: ("gains|gain", "product|products"),
    Kind.EXEMPTION_REMOVED: ("loses|lose", "exemption|exemptions"),
    Kind.SCOPE_NOTE_CHANGED: ("restates|restate", "reason|reasons"),
}
_PART_OF_NEW = frozenset({Kind.SCOPE_GRANTED, Kind.KEY_ADDED, Kind.PRODUCT_CONFIGURED})
"""Kinds that go without saying for a new client; they are told of clients that exist."""


def headline(connections: Sequence[ConnectionChanges], nothing: str = "Nothing changes") -> str:
    """Such as ``1 client gains 1 scope on prod``. All of it is our own words and numbers."""
    said = [
        f"{told} on {environment}"
        for environment in (Environment.PROD, Environment.TNI)
        if (told := phrases([one for one in connections if one.environment is environment]))
    ]
    return "; ".join(said) or nothing


def phrases(connections: Sequence[ConnectionChanges]) -> str:
    """What happens to how many clients, the most dangerous first; empty where nothing does."""
    told = [_told(one) for one in connections]
    said = []
    for kind in sorted({kind for changes in told for kind in changes}, key=lambda kind: kind.rank):
        having = [changes[kind] for changes in told if kind in changes]
        said.append(_phrase(kind, len(having), sum(having)))
    if len(said) > _MOST_PHRASES:
        said = [*said[: _MOST_PHRASES - 1], f"{len(said) - _MOST_PHRASES + 1} more kinds of change"]
    return ", ".join(said)


def _told(connection: ConnectionChanges) -> Mapping[Kind, int]:
    """How many changes of each kind a headline tells of a client."""
    kinds = [change.kind for change in connection.changes]
    new = Kind.CLIENT_CREATED in kinds
    return {kind: kinds.count(kind) for kind in kinds if kind in _CLIENTS or (kind in _PARTS and not (new and kind in _PART_OF_NEW))}


def _phrase(kind: Kind, clients: int, parts: int) -> str:
    subject = "1 client" if clients == 1 else f"{clients:,} clients"
    if kind in _CLIENTS:
        return f"{subject} {_form(_CLIENTS[kind], clients)}"
    verb, noun = _PARTS[kind]
    return f"{subject} {_form(verb, clients)} {parts:,} {_form(noun, parts)}"


def _form(words: str, number: int) -> str:
    one, _, many = words.partition("|")
    return one if number == 1 else many
