"""Requests of a probe, and each answer as it came: no redirect is followed, and no request is sent
twice."""

from __future__ import annotations

import json
import ssl
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from acmidm.probe.findings import Finding, Wording, finding, wording
from acmidm_onboarding.authorities.http.api import trusted_certificates
from acmidm_onboarding.authorities.http.deadlines import Deadlines
from acmidm_onboarding.settings import LOOPBACK
from acmidm_onboarding.texts import N_
from acmidm_onboarding.values.secrecy import HIDDEN, without_keys_and_tokens

_LONGEST_ANSWER = 1024 * 1024
_LONGEST_EXPLANATION = 300
_EXPLAINING = ("error", "error_description", "detail", "message", "description")
"""The members in which a server explains itself."""
_OK, _REDIRECTS, _PROXY_AUTHENTICATION = 200, range(300, 400), 407


class NoAnswer(Exception):
    """No API answered. ``is_reached``: something else did, such as a proxy or another host; nobody
    where it is false. ``finding`` says what."""

    def __init__(self, reason: Finding, *, is_reached: bool) -> None:
        self.finding, self.is_reached = reason, is_reached
        super().__init__(reason.id)


@dataclass(frozen=True)
class Reply:
    """One answer. ``skew_seconds`` is how far the server's clock is ahead of ours, None where it
    does not say."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    skew_seconds: float | None
    token: str | None = field(default=None, repr=False)
    """The one that was sent with the request."""

    @property
    def document(self) -> dict[str, Any] | list[Any] | None:
        """The JSON of the answer; None where it is no JSON."""
        try:
            document = json.loads(self.content)
        except (ValueError, RecursionError):
            return None
        return document if isinstance(document, dict | list) else None

    @property
    def members(self) -> Mapping[str, Any]:
        return self.document if isinstance(self.document, dict) else {}

    @property
    def error(self) -> str:
        """The error code of RFC 6749 §5.2, empty where it has none."""
        error = self.members.get("error")
        return error if isinstance(error, str) else ""

    @property
    def explanation(self) -> str | None:
        """The sentence in which the server explains itself, without the token that it may repeat;
        None without one."""
        members = map(self.members.get, _EXPLAINING)
        sentence = ": ".join(text for text in members if isinstance(text, str) and text)
        if self.token:
            sentence = sentence.replace(self.token, HIDDEN)
        return without_keys_and_tokens(sentence)[:_LONGEST_EXPLANATION] or None

    @property
    def is_ok(self) -> bool:
        return self.status == _OK

    @property
    def finding_in_between(self) -> Finding | None:
        """The finding that something between here and the API answered, such as a proxy; None where
        the answer may be the API's."""
        if self.status == _PROXY_AUTHENTICATION:
            return finding(
                "proxy",
                N_("{url}: a proxy in between wants to know who you are (407)"),
                N_("give it credentials, or go round it with NO_PROXY"),
                url=self.url,
            )
        if self.status in _REDIRECTS:
            return finding(
                "proxy",
                N_("{url}: the answer leads elsewhere ({status})"),
                N_("correct the address, or see which proxy or log-on page is in between"),
                url=self.url,
                status=self.status,
            )
        is_page = "html" in self.headers.get("content-type", "")
        # An API may refuse without JSON.
        if self.document is not None or not (self.is_ok or is_page):
            return None
        what = N_("{url}: the answer is no JSON, with status {status}")
        if is_page:
            what = N_("{url}: the answer is a page (HTML), with status {status}")
        remedy = N_("see which proxy or firewall is in between, or correct the address")
        return finding("proxy", what, remedy, url=self.url, status=self.status)


class Network:
    """Sends requests that are bounded in time and size, with TLS verified."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._deadlines = Deadlines()
        self._client = httpx.Client(
            timeout=timeout_seconds,
            headers={"accept-encoding": "identity"},
            follow_redirects=False,
            verify=trusted_certificates(),
            mounts={f"all://{host}": None for host in LOOPBACK},
        )
        self._deadlines.serve(self._client)

    def get(self, url: str, token: str | None = None) -> Reply:
        """Return the answer to GET. Raises NoAnswer."""
        return self._send("GET", url, token)

    def post_form(self, url: str, form: Mapping[str, str]) -> Reply:
        """Return the answer to a form. Raises NoAnswer."""
        return self._send("POST", url, None, data=dict(form))

    def post_json(self, url: str, document: object, token: str) -> Reply:
        """Return the answer to a document. Raises NoAnswer."""
        return self._send("POST", url, token, json=document)

    def _send(self, method: str, url: str, token: str | None, **body: Any) -> Reply:
        """Return the answer to a request. Raises NoAnswer."""
        content, before = bytearray(), time.time()
        headers = {"authorization": f"Bearer {token}"} if token else {}
        try:
            with (
                self._deadlines.within(self._timeout_seconds),
                self._client.stream(method, url, headers=headers, **body) as response,
            ):
                for chunk in response.iter_raw():
                    content += chunk
                    if len(content) > _LONGEST_ANSWER:
                        raise NoAnswer(
                            finding(
                                "too large",
                                N_("{url}: the answer is larger than a megabyte"),
                                N_("correct the address"),
                                url=url,
                            ),
                            is_reached=True,
                        )
        except httpx.ProxyError as error:
            status = (
                f" ({_PROXY_AUTHENTICATION})" if str(_PROXY_AUTHENTICATION) in str(error) else ""
            )
            unreachable = finding(
                "proxy",
                N_("{url}: the proxy that {proxy} names lets nothing through{status}"),
                N_("correct it, or go round it with NO_PROXY"),
                url=url,
                proxy=proxy_variable_for(url) or wording(N_("the environment")),
                status=status,
            )
            raise NoAnswer(unreachable, is_reached=True) from None
        except httpx.TimeoutException:
            slow = finding(
                "unreached",
                N_("{url}: no whole answer within {seconds} s"),
                N_("{see}"),
                url=url,
                seconds=f"{self._timeout_seconds:g}",
                see=_remedy_unreached(url),
            )
            raise NoAnswer(slow, is_reached=False) from None
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise _unreached(url, error) from None
        after = time.time()
        skew = _skew(response.headers.get("date"), before, after)
        return Reply(url, response.status_code, response.headers, bytes(content), skew, token)


def _skew(date: str | None, before: float, after: float) -> float | None:
    """Return by how many seconds a server's clock is ahead of ours, or below zero behind, by its
    header Date; None without one.

    What the duration of the request, and the whole seconds of the header, explain is no difference.
    """
    try:
        server = parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError):
        return None
    return server - after if server > after else min(0.0, server + 1 - before)


def _unreached(url: str, error: Exception) -> NoAnswer:
    """Return the NoAnswer to raise for an error of httpx at an address: a certificate that is not
    trusted, no TLS, or why nobody answered."""
    text, cause = str(error), error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]
    if "CERTIFICATE_VERIFY_FAILED" in text or isinstance(cause, ssl.SSLCertVerificationError):
        return NoAnswer(
            finding(
                "tls",
                N_(
                    "{url}: the certificate is of nobody that is trusted here, so somebody may be"
                    " in between"
                ),
                N_(
                    "have its certificate authority trusted here (SSL_CERT_FILE), if it is your"
                    " own proxy that opens TLS; else do not go on"
                ),
                url=url,
            ),
            is_reached=True,
        )
    if isinstance(cause, ssl.SSLError):
        return NoAnswer(
            finding(
                "tls",
                N_("{url}: what answers there does not speak https"),
                N_("correct scheme and port, or see what is in between"),
                url=url,
            ),
            is_reached=True,
        )
    if "refused" in text:
        what = N_("{url}: the connection is refused")
    elif "Name or service" in text or "nodename" in text:
        what = N_("{url}: its host is not known")
    else:
        what = N_("{url}: it cannot be reached")
    return NoAnswer(
        finding("unreached", what, N_("{see}"), url=url, see=_remedy_unreached(url)),
        is_reached=False,
    )


def _remedy_unreached(url: str) -> Wording:
    """Return what to do where an address cannot be reached."""
    proxy = proxy_variable_for(url)
    if proxy:
        return wording(N_("see whether the proxy that {proxy} names lets it through"), proxy=proxy)
    return wording(N_("see whether a firewall or a proxy is in between, and correct the address"))


def proxy_variable_for(url: str) -> str | None:
    """Return the environment variable that names a proxy for an address, such as HTTPS_PROXY; None
    where none does. Its value is not shown: it may hold a password."""
    address = httpx.URL(url)
    if address.host in LOOPBACK or urllib.request.proxy_bypass(address.host):
        return None
    if address.scheme not in urllib.request.getproxies():
        return None
    return f"{address.scheme.upper()}_PROXY"
