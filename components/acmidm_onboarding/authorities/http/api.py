"""One HTTP API: requests with the operator's token, bounded in time and size, and every failure as a sentence."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache, cached_property, partial
from typing import Any, Protocol, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from acmidm_onboarding.authorities.errors import (
    AlreadyRegistered,
    AnswerLost,
    AuthorityError,
    Failed,
    NotAllowed,
    NotFound,
    Passing,
    Rejected,
    Stale,
    TokenRefused,
    TooLarge,
    Unintelligible,
)
from acmidm_onboarding.authorities.http.deadlines import Deadlines
from acmidm_onboarding.authorities.http.retry import Retrying, retry_after_seconds
from acmidm_onboarding.settings import LOOPBACK
from acmidm_onboarding.values.marks import without_marks

MAXIMUM_ANSWER_BYTES = 32 * 1024 * 1024
_PASSING_STATUSES = frozenset({429, 502, 503, 504})
_OF_GATEWAYS = frozenset({502, 504})
"""What stands in between answers so, whatever became of the request behind it."""
_LONGEST_QUOTE = 300
_MOST_MISTAKES = 100
_BEGINNING_BYTES = 1024
_MAXIMUM_DEPTH = 50
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""A surrogate by itself, which no encoding carries."""

Wire = TypeVar("Wire", bound=BaseModel)
Form = Callable[[], Mapping[str, str]]


class Tokens(Protocol):
    """Where access tokens come from."""

    def current(self) -> str:
        """A token that is valid for a while."""

    def renewed(self, refused: str) -> str:
        """Another token than ``refused``, which the API did not accept."""


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    request: str
    """Method and URL, as errors name it."""
    headers: Mapping[str, str]
    document: Any

    @property
    def etag(self) -> str:
        """The document's ETag (RFC 9110 §8.8.3). Raises Unintelligible where there is none."""
        etag = self.headers.get("etag")
        if not etag or not etag.isascii():
            raise Unintelligible(
                f"{self.request}: the answer has no usable ETag; check that the address is that of the management API"
            )
        return etag

    def as_(self, model: type[Wire]) -> Wire:
        """The document as a wire type. Raises Unintelligible, naming the fields that are wrong."""
        try:
            return model.model_validate(self.document)
        except ValidationError as error:
            # To spell out a million mistakes takes a gigabyte.
            details = (
                error.errors(include_url=False, include_context=False, include_input=False)
                if error.error_count() <= _MOST_MISTAKES
                else []
            )
            places = {".".join(str(part) for part in one["loc"]) or "document" for one in details}
            fields = ", ".join(sorted(places)[:5]) or f"more than {_MOST_MISTAKES} places"
            raise Unintelligible(
                f"{self.request}: the answer is not what this API gives (at {fields}); check the address and the"
                " server's version"
            ) from None


@cache
def _trusted() -> ssl.SSLContext:
    """Who is trusted, the same for all servers: to read the certificates takes 20 ms."""
    return httpx.create_ssl_context()


class Api:
    """One server. Thread-safe, as httpx.Client is; ``tokens`` is None for what needs none."""

    def __init__(self, base_url: str, tokens: Tokens | None, *, timeout_seconds: float, retrying: Retrying) -> None:
        self.base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._timeout_seconds = timeout_seconds
        self._retrying = retrying
        self._deadlines = Deadlines()

    @cached_property
    def _client(self) -> httpx.Client:
        # Made by the first request, for most runs of a program send none: it takes a tenth of a second.
        client = httpx.Client(
            timeout=self._timeout_seconds,
            headers={
                "accept-encoding": "identity"
            },  # an answer that is packed has no bound, one that is packed twice least of all
            follow_redirects=False,
            limits=httpx.Limits(max_connections=16),
            verify=_trusted(),
            # The proxy that the environment names (HTTP_PROXY) is for other machines: plain http to this one never
            # leaves it.
            mounts={f"all://{host}": None for host in LOOPBACK},
        )
        self._deadlines.serve(client)
        return client

    def request(
        self,
        method: str,
        path: str,
        *,
        document: object = None,
        form: Form | None = None,
        headers: Mapping[str, str] | None = None,
        is_repeatable: bool = True,
        token: str | None = None,
    ) -> Answer:
        """The answer to one request, retried while its failure may pass. Raises an AuthorityError.

        ``token`` opens it in the place of the operator's.
        One that is not ``is_repeatable`` is retried only where it surely was not carried out; else raises AnswerLost.

        ``form`` makes the fields anew for each try: an assertion may be used once (RFC 7523 §3), and the server may
        have seen the one whose answer was lost.
        """
        url = path if path.startswith("http") else self.base_url + path

        def send(authorization: Mapping[str, str]) -> Answer:
            try:
                return self._once(method, url, document, form, {**(headers or {}), **authorization})
            except AuthorityError as error:
                if is_repeatable or not error.may_be_done:
                    raise
                raise AnswerLost(str(error)) from None

        return self._retrying(lambda: self._authorised(send, token), self.base_url)

    def _authorised(self, send: Callable[[Mapping[str, str]], Answer], given: str | None) -> Answer:
        if given is not None:
            return send({"authorization": f"Bearer {given}"})
        if self._tokens is None:
            return send({})
        token = self._tokens.current()
        # Not tried again inside the handler: the user would see both errors.
        with suppress(TokenRefused):
            return send({"authorization": f"Bearer {token}"})
        return send({"authorization": f"Bearer {self._tokens.renewed(token)}"})

    def _once(self, method: str, url: str, document: object, form: Form | None, headers: dict[str, str]) -> Answer:
        request, begun = f"{method} {url}", False
        stream = self._client.stream(method, url, json=document, data=form() if form else None, headers=headers)
        try:
            with self._deadlines.within(self._timeout_seconds), stream as response:
                begun = True
                content = self._bounded(request, response)
        except httpx.TimeoutException as error:
            what = "the answer was not complete" if begun else "no answer"
            connected = not isinstance(error, httpx.ConnectTimeout)
            sentence = f"{request}: {what} within {self._timeout_seconds:g} s"
            raise Passing(sentence, connected=connected, may_be_done=connected) from None
        except httpx.TransportError as error:
            raise _unreached(request, error) from None
        except httpx.InvalidURL:
            raise Rejected(
                f"{request[:_LONGEST_QUOTE]}: this is no address that a request can be sent to; correct it"
            ) from None
        if response.is_success:
            try:
                return Answer(request, response.headers, _document(request, response, content))
            except Unintelligible as error:
                error.may_be_done = True
                raise
        raise _failure(request, response, content)

    def _bounded(self, request: str, response: httpx.Response) -> bytes:
        """The body, no larger than is reasonable, as it was sent."""
        packed = response.headers.get("content-encoding", "identity")
        if packed != "identity":
            raise Unintelligible(
                f"{request}: the answer is packed ({packed}), which was not requested; check what stands in between"
            )
        declared, content = int(response.headers.get("content-length", "0")), bytearray()
        for chunk in response.iter_raw():
            content += chunk
            if max(declared, len(content)) > MAXIMUM_ANSWER_BYTES:
                sentence = (
                    f"{request}: the answer is larger than {MAXIMUM_ANSWER_BYTES // 2**20} MiB; check the address"
                )
                raise TooLarge(sentence, bytes(content[:_BEGINNING_BYTES]))
        return bytes(content)


def parse_json(text: str | bytes) -> Any:
    """Parse JSON into what the engine carries without changing it. Raises ValueError or RecursionError.

    A number that a double cannot carry stays text: 2**53 + 1 would become 2**53. The engine's own marks and half
    characters are renamed, and what is nested too deeply for its state is left out.
    """
    return _carried(
        json.loads(text, parse_int=partial(_number, int), parse_float=partial(_number, float), parse_constant=str), 0
    )


def _carried(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _HALF_CHARACTER.sub("\ufffd", without_marks(value))
    if depth > _MAXIMUM_DEPTH and isinstance(value, dict | list):
        return "nested too deeply"
    if isinstance(value, dict):
        return {_carried(name, depth): _carried(part, depth + 1) for name, part in value.items()}
    return [_carried(part, depth + 1) for part in value] if isinstance(value, list) else value


def _number(kind: type[int] | type[float], text: str) -> float | str:
    try:
        return kind(text) if Decimal(repr(float(text))) == Decimal(text) else text
    except InvalidOperation:  # an exponent beyond all bounds
        return text


def _document(request: str, response: httpx.Response, content: bytes) -> Any:
    if not content:
        return None
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Unintelligible(
            f"{request}: {response.status_code} {_media_type(response)} instead of JSON; check the address"
        )
    try:
        return parse_json(content)
    except (ValueError, RecursionError):
        raise Unintelligible(
            f"{request}: {response.status_code} with JSON that does not parse; check the server"
        ) from None


def _failure(request: str, response: httpx.Response, content: bytes) -> AuthorityError:
    status = response.status_code
    detail = _detail(response, content)
    said = f"{request}: {status} {response.reason_phrase}{f', {detail}' if detail else ''}".rstrip(". ")
    if status in _PASSING_STATUSES:
        wait = retry_after_seconds(response.headers.get("retry-after"))
        return Passing(said, wait, may_be_done=status in _OF_GATEWAYS)
    if response.is_redirect:
        return Rejected(f"{said}; the server redirects, which is never followed: set the address to the right one")
    if status == 401:
        return TokenRefused(f"{said}; check the operator's credentials and that its client is enabled")
    if status == 403:
        return NotAllowed(f"{said}; have this right granted")
    if status == 404 and _json_or_none(content) is None:
        return Unintelligible(f"{said}, not from this API; check the address")
    if status == 404:
        return NotFound(f"{said}; if it was removed by hand, run pulumi up --refresh, else check the address")
    if status == 409:
        return AlreadyRegistered(f"{said}; see which client it is, or adopt it", _existing_client_id(content))
    if status == 412:
        return Stale(f"{said}; someone else writes the same document: run the command again")
    if status == 500:
        return Failed(f"{said}; see the server's log, then run the same command again")
    return Rejected(f"{said}; correct what it names, then run the same command again")


def _detail(response: httpx.Response, content: bytes) -> str:
    """What the server said, on one line: the detail of a problem (RFC 9457), else an OAuth or Keycloak error."""
    document = _json_or_none(content)
    if isinstance(document, dict):
        for member in ("detail", "error_description", "errorMessage", "error"):
            text = document.get(member)
            if isinstance(text, str):
                return " ".join(text.split())[:_LONGEST_QUOTE]
    return _media_type(response) if content and document is None else ""


def _media_type(response: httpx.Response) -> str:
    media_type = response.headers.get("content-type", "")
    return f"with {media_type[:_LONGEST_QUOTE]}" if media_type else "with no media type"


def _existing_client_id(content: bytes) -> str | None:
    document = _json_or_none(content)
    client_id = document.get("client_id") if isinstance(document, dict) else None
    return client_id if isinstance(client_id, str) else None


def _json_or_none(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _speaks_no_tls(error: BaseException | None) -> bool:
    """Whether a TLS handshake failed for another reason than that the connection ended, which may pass."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError)
        error = error.__cause__ or error.__context__
    return False


def _unreached(request: str, error: httpx.TransportError) -> AuthorityError:
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return Rejected(
            f"{request}: the server's certificate cannot be verified; check the address, and whether its issuer is"
            " trusted here"
        )
    if isinstance(error, httpx.ConnectError):
        if _speaks_no_tls(error):
            return Rejected(f"{request}: what answers there does not speak https; check scheme and port of the address")
        refused = " (connection refused)" if "refused" in text else ""
        return Passing(f"{request}: the server cannot be reached{refused}", connected=False)
    return Passing(f"{request}: the connection broke off", may_be_done=True)
