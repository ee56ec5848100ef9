"""How many requests a command sends at a time, and for how long a server wants none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

REQUESTS_AT_ONCE = 4
"""As the engine's Python has four threads for its providers."""
_TOO_MANY_REQUESTS = 429
_LONGEST_PAUSE_SECONDS = 3600.0
_BEGINNING_OF_MOMENTS = 1e9
"""From here on X-RateLimit-Reset is a moment, in seconds since 1970."""


def pause_seconds(status: int, headers: Mapping[str, str], now: float) -> float:
    """Return for how long a host wants no requests at all, by an answer's status and headers; at
    most an hour, 0.0 where it sets no limit or the limit is not reached.

    The host says so by Retry-After with 429 (RFC 9110 §10.2.3, RFC 6585 §4), by RateLimit
    (draft-ietf-httpapi-ratelimit-headers), or by the older X-RateLimit. With 503, Retry-After is
    about what was requested: others of the host may be well. ``now`` is in seconds since 1970.
    """
    pauses = [0.0]
    if status == _TOO_MANY_REQUESTS:
        pauses.append(retry_after_seconds(headers.get("retry-after")) or 0.0)
    pauses += _until_quotas_are_renewed(headers)
    pauses += _until_reset(headers, now)
    return min(max(pauses), _LONGEST_PAUSE_SECONDS)


def retry_after_seconds(header: str | None) -> float | None:
    """Return the wait that a Retry-After header requests, as seconds or as a date; None where it
    has neither."""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    wait = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)
    return max(0.0, wait.total_seconds())


def _until_quotas_are_renewed(headers: Mapping[str, str]) -> list[float]:
    """Return the seconds until each used-up quota of the header RateLimit is renewed, such as
    ``"default";r=0;t=30``; the longest window of RateLimit-Policy for a quota without ``t``."""
    windows = re.findall(r";\s*w=(\d{1,9})\b", headers.get("ratelimit-policy", ""))
    window = max(map(float, windows), default=0.0)
    waits = []
    for quota in headers.get("ratelimit", "").split(","):
        if re.search(r";\s*r=0\b", quota):
            reset = re.search(r";\s*t=(\d{1,9})\b", quota)
            wait = float(reset[1]) if reset else window
            waits.append(wait)
    return waits


def _until_reset(headers: Mapping[str, str], now: float) -> list[float]:
    """Return the seconds until the reset of each limit that has 0 in X-RateLimit-Remaining, or in
    RateLimit-Remaining; ``now`` is in seconds since 1970."""
    waits = []
    for prefix in ("ratelimit", "x-ratelimit"):
        reset = re.fullmatch(r"\s*(\d{1,12})\s*", headers.get(f"{prefix}-reset", ""))
        if headers.get(f"{prefix}-remaining", "").strip() == "0" and reset:
            wait = float(reset[1])
            if wait >= _BEGINNING_OF_MOMENTS:
                wait -= now
            waits.append(wait)
    return waits
