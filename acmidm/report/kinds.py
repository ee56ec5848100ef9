"""The kinds of change, most dangerous first: what ``--fail-on`` names, and what reports are ordered by."""

from __future__ import annotations

from enum import StrEnum

SOON_DAYS = 30
"""How many days before its end a key is said to end soon, where nobody says otherwise."""


class Severity(StrEnum):
    """How closely a person should look."""

    DANGER = "danger"
    WARNING = "warning"
    NOTICE = "notice"


class Kind(StrEnum):
    """One kind of change. Their order here is their order in reports."""

    CLIENT_REMOVED = "client_removed"
    CLIENT_REPLACED = "client_replaced"
    AUTHENTICATION_WEAKENED = "authentication_weakened"
    EXEMPTION_GRANTED = "exemption_granted"
    CLIENT_WITHOUT_KEY = "client_without_key"
    PROTECTION_LIFTED = "protection_lifted"
    CLIENT_ADOPTED = "client_adopted"
    SCOPE_GRANTED = "scope_granted"
    KEY_CHANGED = "key_changed"
    KEY_ADDED = "key_added"
    SECRET_RENEWED = "secret_renewed"
    SECRET_RESTORED = "secret_restored"
    EXEMPTION_CHANGED = "exemption_changed"
    CLIENT_DISABLED = "client_disabled"
    KEY_EXPIRED = "key_expired"
    KEYS_HANDED_OVER = "keys_handed_over"
    KEYS_DECLARED = "keys_declared"
    SCOPE_WITHDRAWN = "scope_withdrawn"
    KEY_REMOVED = "key_removed"
    CLIENT_WITH_ONE_KEY = "client_with_one_key"
    EXEMPTION_UNNEEDED = "exemption_unneeded"
    PRODUCT_REMOVED = "product_removed"
    CHANGED_OTHERWISE = "changed_otherwise"
    PRODUCT_CHANGED = "product_changed"
    KEY_EXPIRING = "key_expiring"
    CLIENT_CREATED = "client_created"
    KEY_AWAITED = "key_awaited"
    PRODUCT_CONFIGURED = "product_configured"
    CLIENT_ENABLED = "client_enabled"
    AUTHENTICATION_CHANGED = "authentication_changed"
    CLIENT_UPDATED = "client_updated"
    CLIENT_MOVED = "client_moved"
    PROTECTION_RESTORED = "protection_restored"
    EXEMPTION_REMOVED = "exemption_removed"
    SCOPE_NOTE_CHANGED = "scope_note_changed"

    @property
    def rank(self) -> int:
        """0 is the most dangerous."""
        return _RANKS[self]

    @property
    def severity(self) -> Severity:
        """How dangerous it is where a form asks for it."""
        if self.rank <= Kind.PROTECTION_LIFTED.rank:
            return Severity.DANGER
        return Severity.WARNING if self.rank <= Kind.CHANGED_OTHERWISE.rank else Severity.NOTICE

    @property
    def severity_by_hand(self) -> Severity:
        """How dangerous it is where nobody asked for it."""
        return Severity.DANGER if self in _DANGER_BY_HAND else self.severity


_RANKS = {kind: rank for rank, kind in enumerate(Kind)}
_DANGER_BY_HAND = frozenset({Kind.SCOPE_GRANTED, Kind.KEY_ADDED, Kind.KEY_CHANGED, Kind.SECRET_RENEWED, Kind.CLIENT_DISABLED})
"""Access that was let in, and a client that was stopped."""
