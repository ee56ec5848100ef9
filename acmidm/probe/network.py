"""Requests of a probe: each answer as it came, whatever it is. Nothing is followed, repeated or believed."""

from __future__ import annotations

import json
import ssl
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from acmidm.probe.steps import Finding
from acmidm_onboarding.authorities.deadlines import Deadlines
from acmidm_onboarding.model.secrecy import without_secrets
from acmidm_onboarding.settings import LOOPBACK

_LONGEST_ANSWER = 1024 * 1024
_LONGEST_SAID = 300
_OK, _REDIRECTS, _PROXY_AUTHENTICATION = 200, range(300, 400), 407


class NoAnswer(Exception):
    """Nobody answered, or nobody who can be believed. ``is_reached``: something is there."""

    def __init__(self, finding: Finding, *, is_reached: bool) -> None:
        self.finding, self.is_reached = finding, is_reached
        super().__init__(str(finding))


@dataclass(frozen=True)
class Answer:
    """One answer. ``skew_seconds`` is how far the server's clock is ahead of ours, None where it does not say."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    skew_seconds: float | None

    @property
    def document(self) -> dict[str, Any] | list[Any] | None:
        """The JSON that it is; None where it is none."""
        try:
            found = json.loads(self.content)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict | list) else None

    @property
    def members(self) -> Mapping[str, Any]:
        return self.document if isinstance(self.document, dict) else {}

    @property
    def error(self) -> str:
        """The error code of RFC 6749 §5.2, empty where it has none."""
        error = self.members.get("error")
        return error if isinstance(error, str) else ""

    @property
    def said(self) -> str | None:
        """What the server says of it, if it says something: nothing that may be a token that it repeats."""
        texts = [self.members.get(name) for name in ("error", "error_description", "detail", "message", "description")]
        said = ": ".join(text for text in texts if isinstance(text, str) and text)
        return without_secrets(said)[:_LONGEST_SAID] or None

    @property
    def is_ok(self) -> bool:
        return self.status == _OK

    @property
    def in_between(self) -> Finding | None:
        """Why this is no answer of an API, but of something in between; None where it may be one."""
        if self.status == _PROXY_AUTHENTICATION:
            return _found(
                "proxy",
                f"{self.url}: a proxy in between wants to know who you are (407)",
                "give it credentials, or go round it with NO_PROXY",
            )
        if self.status in _REDIRECTS:
            return _found(
                "proxy",
                f"{self.url}: the answer leads elsewhere ({self.status})",
                "correct the address, or see which proxy or log-on page is in between",
            )
        if self.document is None and (self.is_ok or "html" in self.headers.get("content-type", "")):
            kind = "a page (HTML)" if "html" in self.headers.get("content-type", "") else "no JSON"
            return _found(
                "proxy",
                f"{self.url}: the answer is {kind}, with status {self.status}",
                "see which proxy or firewall is in between, or correct the address",
            )
        return None


class Network:
    """Whatever is asked, it is bounded in time and size, and TLS is verified."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._deadlines = Deadlines()
        self._client = httpx.Client(
            timeout=timeout_seconds,
            headers={"accept-encoding": "identity"},
            follow_redirects=False,
            mounts={f"all://{host}": None for host in LOOPBACK},
        )
        self._deadlines.serve(self._client)

    def get(self, url: str, token: str | None = None) -> Answer:
        """The answer to GET. Raises NoAnswer."""
        return self._send("GET", url, {"authorization": f"Bearer {token}"} if token else {})

    def post_form(self, url: str, form: Mapping[str, str]) -> Answer:
        """The answer to a form. Raises NoAnswer."""
        return self._send("POST", url, {}, data=dict(form))

    def post_json(self, url: str, document: object, token: str) -> Answer:
        """The answer to a document. Raises NoAnswer."""
        return self._send("POST", url, {"authorization": f"Bearer {token}"}, json=document)

    def _send(self, method: str, url: str, headers: Mapping[str, str], **body: Any) -> Answer:
        content, before = bytearray(), time.time()
        try:
            with self._deadlines.within(self._timeout_seconds), self._client.stream(method, url, headers=headers, **body) as response:
                for chunk in response.iter_raw():
                    content += chunk
                    if len(content) > _LONGEST_ANSWER:
                        raise NoAnswer(
                            _found("too large", f"{url}: the answer is larger than a megabyte", "correct the address"), is_reached=True
                        )
        except httpx.ProxyError as error:
            said = " (407)" if str(_PROXY_AUTHENTICATION) in str(error) else ""
            raise NoAnswer(
                _found(
                    "proxy",
                    f"{url}: the proxy that {_proxy_of(url) or 'the environment'} names lets nothing through{said}",
                    "correct it, or go round it with NO_PROXY",
                ),
                is_reached=True,
            ) from None
        except httpx.TimeoutException:
            raise NoAnswer(
                _found("unreached", f"{url}: no whole answer within {self._timeout_seconds:g} s", _see(url)), is_reached=False
            ) from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise _unreached(url, error) from None
        after = time.time()
        return Answer(url, response.status_code, response.headers, bytes(content), _skew(response.headers.get("date"), before, after))


def _skew(date: str | None, before: float, after: float) -> float | None:
    """How far a server's clock is ahead. It was read between our two moments, and has whole seconds: what that explains is no skew."""
    try:
        server = parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError):
        return None
    return server - after if server > after else min(0.0, server + 1 - before)


def _unreached(url: str, error: Exception) -> NoAnswer:
    text, cause = str(error), error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    if "CERTIFICATE_VERIFY_FAILED" in text or isinstance(cause, ssl.SSLCertVerificationError):
        remedy = "have its certificate authority trusted here (SSL_CERT_FILE), if it is your own proxy that opens TLS; else do not go on"
        return NoAnswer(
            _found("tls", f"{url}: the certificate is of nobody that is trusted here, so somebody may be in between", remedy),
            is_reached=True,
        )
    if isinstance(cause, ssl.SSLError):
        return NoAnswer(
            _found("tls", f"{url}: what answers there does not speak https", "correct scheme and port, or see what is in between"),
            is_reached=True,
        )
    said = (
        "the connection is refused"
        if "refused" in text
        else "its host is not known"
        if "Name or service" in text or "nodename" in text
        else "it cannot be reached"
    )
    return NoAnswer(_found("unreached", f"{url}: {said}", _see(url)), is_reached=False)


def _see(url: str) -> str:
    proxy = _proxy_of(url)
    return (
        f"see whether the proxy that {proxy} names lets it through"
        if proxy
        else "see whether a firewall or a proxy is in between, and correct the address"
    )


def _proxy_of(url: str) -> str | None:
    """The variable that names a proxy for an address. Its value may hold a password."""
    address = httpx.URL(url)
    is_passed_by = address.host in LOOPBACK or urllib.request.proxy_bypass(address.host)
    return f"{address.scheme.upper()}_PROXY" if address.scheme in urllib.request.getproxies() and not is_passed_by else None


def proxy_note(url: str) -> str:
    """A note on the proxy that requests to an address go through; empty where they go through none that is known."""
    proxy = _proxy_of(url)
    return f", through the proxy that {proxy} names" if proxy else ""


def _found(name: str, what: str, remedy: str) -> Finding:
    return Finding(id=name, what=what, remedy=remedy)
