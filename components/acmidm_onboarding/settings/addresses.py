"""Checks of settings that name a server, a mailbox or a host. No error repeats a value."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, AnyUrl, BeforeValidator, HttpUrl

from acmidm_onboarding.values.identifiers import is_visible
from acmidm_onboarding.values.terms import LONGEST_TEXT

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""The hosts that are this machine, as a URL writes them."""


def _address(url: HttpUrl) -> HttpUrl:
    """Return an address of an API as it is. Raises ValueError with the end of a sentence."""
    # Nobody may read a request on its way: it is encrypted, or stays on this machine.
    if url.scheme != "https" and url.host not in LOOPBACK:
        raise ValueError("is plain http, which goes to loopback only; use https")
    # An address is repeated in errors, and paths are added to it.
    if url.username or url.password:
        raise ValueError(
            "holds a user name or a password; leave it out, the operator's credentials have"
            " settings of their own"
        )
    if url.query or url.fragment:
        raise ValueError("goes on with ? or #; leave that out")
    return url


Address = Annotated[HttpUrl, AfterValidator(_address)]


def _server_shape(text: object) -> object:
    """Return the text of an address of a mail server as it is. Raises ValueError with the end of a
    sentence: pydantic takes many other texts for a URL."""
    if not isinstance(text, str) or not re.match(r"smtps?://[^/?#\\\s]", text):
        raise ValueError(
            "is no address of a mail server; write it as in smtp://smtp.example:587 or"
            " smtps://smtp.example"
        )
    return text


def _server(url: AnyUrl) -> AnyUrl:
    """Return the address of a mail server as it is. Raises ValueError with the end of a sentence
    where it has more than a host and a port."""
    if url.username or url.password:
        raise ValueError(
            "holds a user name or a password; leave it out, ACMIDM_SMTP_USERNAME and"
            " ACMIDM_SMTP_PASSWORD are for those"
        )
    if (url.path or "").strip("/") or url.query or url.fragment:
        raise ValueError("goes on behind the host and its port; leave that out")
    return url


_HTTPS_PORT = 443
SMTP_PORTS = {"smtp": 587, "smtps": 465}
"""Where mail is submitted (RFC 6409, RFC 8314), per scheme: with STARTTLS, or with TLS from the
start."""
SmtpUrl = Annotated[AnyUrl, BeforeValidator(_server_shape), AfterValidator(_server)]

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN_ADDRESS = rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@(?:{_LABEL}\.)+{_LABEL}"
_MAILBOX = re.compile(
    rf"(?:(?P<name>[^<>@\"\\]+) )?<(?P<between>{_PLAIN_ADDRESS})>|(?P<alone>{_PLAIN_ADDRESS})",
    re.ASCII | re.IGNORECASE,
)


def mailbox(text: str) -> tuple[str, str]:
    """Return the name, empty where there is none, and the address of ``address`` or ``Name
    <address>``. Raises ValueError."""
    match = _MAILBOX.fullmatch(text) if is_visible(text) and len(text) <= LONGEST_TEXT else None
    if match is None or "=?" in text:  # mail programs decode it (RFC 2047)
        raise ValueError(
            "is no mail address; write one as in noreply@vlaanderen.example, or Name"
            " <noreply@vlaanderen.example>"
        )
    return (match["name"] or "").strip(), match["between"] or match["alone"]


def names_of_host(url: HttpUrl | AnyUrl) -> list[str]:
    """Return how a host may be written: without its port where that is the default of its
    scheme."""
    default = SMTP_PORTS.get(url.scheme, _HTTPS_PORT)
    host = str(url.host).lower()
    with_port = f"{host}:{url.port or default}"
    return [host, with_port] if url.port in (None, default) else [with_port]
