"""Public keys as people compare them: by thumbprint, end, and usage."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

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
        return {
            **self.usage,
            **({"exp": f"{self.expires:%Y-%m-%d %H:%M} UTC"} if self.expires else {}),
        }


def keys_of(jwks: Mapping[str, Any]) -> dict[str, Key]:
    return {kid: key_of(members) for kid, members in jwks.items()}


def public_keys(jwks: Mapping[str, PublicJwk] | None) -> dict[str, Key] | None:
    """Return the keys of a JWK Set that was looked through; None where nobody knows it."""
    return (
        None
        if jwks is None
        else {kid: key_of(key.members, key.thumbprint) for kid, key in jwks.items()}
    )


def key_of(members: Mapping[str, Any], thumbprint: str | None = None) -> Key:
    """Return a key of a JWK Set, with its ``thumbprint`` where that is known already. Its other
    members are dropped, so that none gets into a report."""
    exp, expires, thumbprint = members.get("exp"), None, thumbprint or thumbprint_of(members)
    if isinstance(exp, int | float):
        try:
            expires = datetime.fromtimestamp(exp, UTC)
        except (ValueError, OverflowError, OSError):
            thumbprint = None
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
