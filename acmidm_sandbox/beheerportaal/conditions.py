"""Conditional requests (RFC 9110 §13): no document is changed by someone who hasn't seen its
current version."""

import re

from acmidm_sandbox.beheerportaal.problems import Problem

_ETAG = re.compile(r'(W/)?"([\x21\x23-\x7e]*)"')


def etag(version: int) -> str:
    """Return the strong entity tag of a version."""
    return f'"{version}"'


def require_current(if_match: str | None, version: int | None) -> None:
    """Check `If-Match` against a document's version, None for a document that isn't there.

    Raises:
        Problem: 428 without the header (RFC 6585 §3); 412 when none of its tags is the current one.
        Weak tags never match
            (RFC 9110 §13.1.1).
    """
    if if_match is None:
        raise Problem(
            428,
            "A change needs If-Match with the document's ETag; read the document and send its ETag"
            " along.",
        )
    if version is None:
        raise Problem(412, "The document does not exist any more; read it again and decide anew.")
    if if_match.strip() == "*":
        return
    current = etag(version)
    if current not in {match[0] for match in _ETAG.finditer(if_match) if not match[1]}:
        raise Problem(
            412,
            f"The document has changed: its ETag is {current} now; read it again and decide anew.",
        )
