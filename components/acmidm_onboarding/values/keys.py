"""Public keys as people compare them: by thumbprint, end, and usage."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from acmidm_onboarding.values.jwk import PublicJwk, thumbprint_of
from acmidm_onboarding.values.plain import normalised

_USAGE = ("alg", "use", "key_ops", "x5c", "x5t#S256")
"""The public members that are neither key material nor name nor end."""


@dataclass(frozen=True)
class Key:
    """A public key: its thumbprint (RFC 7638), None where it has none, its end, and its members in
    ``_USAGE``."""

    thumbprint: str | None
    expires: datetime | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    """The hash of all members: keys with the same digest are equal."""

    def has_ended(self, now: datetime) -> bool:
        return self.expires is not None and self.expires <= now

    def days_left(self, now: datetime) -> int | None:
        return (self.expires - now).days if self.expires else None

    @property
    def described(self) -> dict[str, Any]:
        """Usage and end, as people read them."""
        members = dict(self.usage)
        if self.expires:
            members["exp"] = f"{self.expires:%Y-%m-%d %H:%M} UTC"
        return members


@dataclass(frozen=True)
class PublicKeys:
    """What is known of a client's public keys, each mapping of keys per ``kid``."""

    declared: Mapping[str, Key] | None = None
    """Those that its form declares; None where they are left to the portal, or published at an
    address."""
    uploaded: Mapping[str, Key] | None = None
    """Those that were uploaded to the portal; None where keys are not left to it, or are not
    known."""
    compromised: frozenset[str] = frozenset()
    """The thumbprints of the keys that its form declares compromised: a form alone knows them."""
    lent: Mapping[str, str] = field(default_factory=dict)
    """Per thumbprint of a key that a supplier has lent it, by a mandate, that supplier. A state
    remembers it for as long as the client may have the key, whatever the form says meanwhile."""
    revoked: Mapping[str, str] = field(default_factory=dict)
    """Per thumbprint of a key that leaves at once its supplier, whose mandate has ended."""
    signs_without_kid: bool = False
    """Whether the application is known to sign without ``kid``, by evidence or by the authority."""
    proven: Mapping[str, str] = field(default_factory=dict)
    """The evidence that the last run saw (``evidence.summary``); empty without any."""
    seen: str | None = None
    """The thumbprint of the key that signed the evidence, where the authority had that key then,
    and had seen it in use if it records use."""

    @property
    def gone_at_once(self) -> frozenset[str]:
        """The thumbprints of the keys that go without an overlap."""
        return self.compromised | self.revoked.keys()

    @property
    def known(self) -> Mapping[str, Key] | None:
        """The keys, declared or in the portal; None where they are not known."""
        return self.uploaded if self.declared is None else self.declared

    @property
    def thumbprints(self) -> frozenset[str]:
        """The thumbprints of the declared keys; a key that has none is left out."""
        return frozenset(key.thumbprint for key in (self.declared or {}).values() if key.thumbprint)

    def joined(self, part: PublicKeys) -> PublicKeys:
        """Return the keys with those of another part of the same client; the declared ones are
        known where both parts have them."""
        declared = None
        if self.declared is not None and part.declared is not None:
            declared = {**self.declared, **part.declared}
        return replace(self, declared=declared, seen=self.seen or part.seen)


AnyKey = TypeVar("AnyKey", Key, PublicJwk)


def not_ended(keys: Mapping[str, AnyKey], now: datetime) -> dict[str, AnyKey]:
    """Return the keys that have not ended."""
    return {kid: key for kid, key in keys.items() if not key.has_ended(now)}


def keys_of(jwks: Mapping[str, Any]) -> dict[str, Key]:
    return {kid: key_of(members) for kid, members in jwks.items()}


def public_keys(jwks: Mapping[str, PublicJwk] | None) -> dict[str, Key] | None:
    """Return public keys, per ``kid``, as people compare them; None for those that are not
    known."""
    if jwks is None:
        return None
    return {kid: key_of(key.members, key.thumbprint) for kid, key in jwks.items()}


def key_of(members: Mapping[str, Any], thumbprint: str | None = None) -> Key:
    """Return a key of a JWK Set by its ``members``; ``thumbprint`` where the caller knows it
    already. Members that are not in ``_USAGE`` are dropped, so that none gets into a report."""
    exp, expires, thumbprint = members.get("exp"), None, thumbprint or thumbprint_of(members)
    if isinstance(exp, int | float):
        try:
            expires = datetime.fromtimestamp(exp, UTC)
        except (ValueError, OverflowError, OSError):
            thumbprint = None  # an end that is no moment: no key that may be registered
    usage = {name: normalised(members[name]) for name in _USAGE if members.get(name)}
    return Key(
        thumbprint,
        expires,
        usage,
        _hash({name: normalised(value) for name, value in members.items()}),
    )


def _hash(members: Mapping[str, Any]) -> str:
    """Return the SHA-256 of members as RFC 7638 writes them, base64url."""
    text = json.dumps(members, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return (
        base64.urlsafe_b64encode(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest())
        .decode()
        .rstrip("=")
    )
