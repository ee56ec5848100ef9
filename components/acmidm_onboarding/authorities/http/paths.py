"""Names as segments of an address, and the origin of an address."""

from __future__ import annotations

from urllib.parse import quote

import httpx

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import quoted


def segment(name: str) -> str:
    """Return a name percent-encoded as one segment of a path (RFC 3986 §3.3), slashes too.

    Raises:
        Rejected: for ``.`` and ``..``, which lead to another document, for an empty name, which
            leads to a list, and for a lone surrogate, which UTF-8 has not.
    """
    try:
        if name not in ("", ".", ".."):
            return quote(name, safe="")
    except UnicodeEncodeError:  # a lone surrogate
        pass
    raise Rejected(
        tr(
            "{name} is no name that an address can have, and nothing was sent; correct the name"
            " where it is written",
            name=quoted(name),
        )
    )


def have_one_origin(first: str, second: str) -> bool:
    """Return whether two URLs have the same scheme, host and port (RFC 6454 §5): another origin is
    somebody else's."""
    return _origin(httpx.URL(first)) == _origin(httpx.URL(second))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
