"""What a client asserts of itself, signed, to get a token (RFC 7523 §3)."""

from __future__ import annotations

import time
import uuid

_LIFETIME_SECONDS = 300


def claims_of(client_id: str, audience: str, at: float | None = None) -> dict[str, str | int]:
    """Return the claims of an assertion that is made now, or ``at`` a moment in seconds since 1970:
    valid for five minutes, with a ``jti`` that is used once."""
    if at is None:
        at = time.time()
    now = int(at)
    return {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": str(uuid.uuid4()),
        "iat": now,
        "exp": now + _LIFETIME_SECONDS,
    }
