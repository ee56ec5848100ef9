"""What an address of public keys may look like, so that it leads to a public web server and nowhere
else (RFC 3986, RFC 7591 §2)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.problems import quoted

_URI = re.compile(r"https://[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]+", re.ASCII)
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"({_LABEL}\.)+[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?", re.ASCII)
"""A name with a dot. The last part begins with a letter: no number is read as an IPv4 address,
however it is written."""
_PRIVATE = ("localhost", "localdomain", "local", "internal", "home.arpa")
"""The ends of names that lead to nobody outside (RFC 6761, RFC 6762, RFC 8375)."""
_HTTPS_PORT = 443


def key_address(text: str) -> str:
    """Return an address of public keys: https on port 443, at a public host name. Raises ValueError
    with a sentence."""
    if not _URI.fullmatch(text):
        raise ValueError(
            tr(
                "{text} is no https address without a fragment; write one such as"
                " https://keys.stad.example/jwks.json",
                text=quoted(text),
            )
        )
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(
            tr(
                "{text} is no address; write one such as https://keys.stad.example/jwks.json",
                text=quoted(text),
            )
        ) from None
    if "@" in parts.netloc:
        raise ValueError(
            tr(
                "this address has a user name or a password in it; leave it out, public keys need"
                " none: write one such as https://keys.stad.example/jwks.json"
            )
        )
    if port not in (None, _HTTPS_PORT):
        raise ValueError(
            tr(
                "{text} is on port {port}; publish the keys on port {https_port}, which"
                " authorities reach",
                text=quoted(text),
                port=port,
                https_port=_HTTPS_PORT,
            )
        )
    if not _HOST.fullmatch(host) or host.endswith(tuple(f".{end}" for end in _PRIVATE)):
        raise ValueError(
            tr(
                "{host} is no public host name; write one such as"
                " https://keys.stad.example/jwks.json",
                host=quoted(host),
            )
        )
    return text
