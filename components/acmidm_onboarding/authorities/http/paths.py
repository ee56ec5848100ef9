"""Names as they stand in an address."""

from __future__ import annotations

from urllib.parse import quote

from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.texts import say
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
    raise Rejected(say("authorities.no_name", name=quoted(name)))
