"""Addresses: names as they stand in one, and whose one is."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.values.problems import quoted


def segment(name: str) -> str:
    """Return a name as one segment of a path (RFC 3986 §3.3), whatever it has in it.

    Raises:
        Rejected: for what no encoding makes a name: ``.`` and ``..`` would lead to another document, and nothing to a
        list.
    """
    try:
        if name not in ("", ".", ".."):
            return quote(name, safe="")
    except UnicodeEncodeError:  # half a character
        pass
    raise Rejected(
        f"{quoted(name)} is no name that an address can have, and nothing was sent; correct it where it comes from"
    )


def have_one_origin(one: str, other: str) -> bool:
    """Whether scheme, host and port are the same (RFC 6454 §5): what is elsewhere is another's, whoever names it."""
    return _origin(httpx.URL(one)) == _origin(httpx.URL(other))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
