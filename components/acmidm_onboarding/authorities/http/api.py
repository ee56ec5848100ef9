"""One HTTP API: requests with the operator's token, bounded in time and size, and every failure as
a sentence."""

from __future__ import annotations

import json
import re
import ssl
import time
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
from acmidm_onboarding.authorities.http.pace import (
    REQUESTS_AT_ONCE,
    pause_seconds,
    retry_after_seconds,
)
from acmidm_onboarding.authorities.http.retry import Retrying
from acmidm_onboarding.settings import LOOPBACK
from acmidm_onboarding.texts import tr
from acmidm_onboarding.values.marks import without_marks
from acmidm_onboarding.values.secrecy import HIDDEN

MAXIMUM_ANSWER_BYTES = 32 * 1024 * 1024
_PASSING_STATUSES = frozenset({429, 502, 503, 504})
_LONGEST_QUOTE = 300
_MOST_MISTAKES = 100
_BEGINNING_BYTES = 1024
_MAXIMUM_DEPTH = 50
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""A surrogate by itself, which UTF-8 cannot encode."""

Wire = TypeVar("Wire", bound=BaseModel)
Form = Callable[[], Mapping[str, str]]


class Tokens(Protocol):
    """A source of access tokens."""

    def current(self) -> str:
        """Return a token that is valid for a while. Raises AuthorityError."""

    def renewed(self, refused: str) -> str:
        """Return another token than ``refused``, which the API did not accept. Raises
        AuthorityError."""


@dataclass(frozen=True)
class Answer:
    """A successful answer."""

    request: str
    """Method and URL of the request, as errors name them."""
    headers: Mapping[str, str]
    document: Any

    @property
    def etag(self) -> str:
        """The document's ETag (RFC 9110 §8.8.3). Raises Unintelligible where there is none."""
        etag = self.headers.get("etag")
        if not etag or not etag.isascii():
            raise Unintelligible(
                tr(
                    "{request}: the answer has no usable ETag; check that the address is that of"
                    " the management API",
                    request=self.request,
                )
            )
        return etag

    def as_(self, model: type[Wire]) -> Wire:
        """Return the document as a value of a wire type. Raises Unintelligible, which names the
        fields that are wrong."""
        try:
            return model.model_validate(self.document)
        except ValidationError as error:
            raise Unintelligible(
                tr(
                    "{request}: the answer is not what this API gives (at {fields}); check the"
                    " address and the server's version",
                    request=self.request,
                    fields=_wrong_places(error),
                )
            ) from None


def _wrong_places(error: ValidationError) -> str:
    """Return five fields of an answer that are wrong, as ``items.3.client_id, next``; of more than
    a hundred only that there are so many: to spell out a million takes a gigabyte."""
    if error.error_count() > _MOST_MISTAKES:
        return tr("more than {most} places", most=_MOST_MISTAKES)
    places: set[str] = set()
    for mistake in error.errors(include_url=False, include_context=False, include_input=False):
        places.add(".".join(map(str, mistake["loc"])) or tr("document"))
    return ", ".join(sorted(places)[:5])


@cache
def trusted_certificates() -> ssl.SSLContext:
    """Return the trusted certificates, the same for all servers: to read them takes 20 ms."""
    return httpx.create_ssl_context()


class Api:
    """One server. Thread-safe, as httpx.Client is; ``tokens`` is None for what needs none."""

    def __init__(
        self, base_url: str, tokens: Tokens | None, *, timeout_seconds: float, retrying: Retrying
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._tokens = tokens
        self._timeout_seconds = timeout_seconds
        self._retrying = retrying
        self._deadlines = Deadlines()

    @cached_property
    def _client(self) -> httpx.Client:
        # Made by the first request, for most runs of a program send none: it takes a tenth of a
        # second.
        client = httpx.Client(
            timeout=self._timeout_seconds,
            headers={"accept-encoding": "identity"},  # a small compressed answer may be huge
            follow_redirects=False,
            limits=httpx.Limits(max_connections=REQUESTS_AT_ONCE),
            verify=trusted_certificates(),
            # The proxy that the environment names (HTTP_PROXY) is for other machines: plain http to
            # this one never leaves it.
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
    ) -> Answer:
        """Return the successful answer to one request, which is retried while its failure may pass.

        ``path`` is below the API's address, or a whole URL. The body is the JSON ``document``, or
        the fields of a ``form``, which are made anew for each try: an assertion may be used once
        (RFC 7523 §3), and the server may have seen the assertion of a try whose answer was lost.

        Raises:
            AuthorityError: for every other answer, of the class of its status, and for none;
            see ``errors.py``.
        """
        url = path if path.startswith("http") else self.base_url + path

        def send(authorization: Mapping[str, str]) -> Answer:
            return self._send_once(
                method, url, document, form, {**(headers or {}), **authorization}
            )

        return self._retrying(lambda: self._authorised(send), self.base_url)

    def _authorised(self, send: Callable[[Mapping[str, str]], Answer]) -> Answer:
        """Return the answer to ``send``, which gets the headers with the operator's token. Where
        the server answers 401, it is sent once more with a new token. An API that takes no tokens
        gets none."""
        if self._tokens is None:
            return send({})
        token = self._tokens.current()
        # Not tried again inside the handler: the user would see both errors.
        with suppress(TokenRefused):
            return send({"authorization": f"Bearer {token}"})
        return send({"authorization": f"Bearer {self._tokens.renewed(token)}"})

    def _send_once(
        self, method: str, url: str, document: object, form: Form | None, headers: dict[str, str]
    ) -> Answer:
        """Send a request once and return the answer to it. Raises Passing for a failure that a
        retry may mend, else another AuthorityError."""
        request = f"{method} {url}"
        has_begun_to_answer = False
        data = form() if form else None
        stream = self._client.stream(method, url, json=document, data=data, headers=headers)
        try:
            with self._deadlines.within(self._timeout_seconds), stream as response:
                has_begun_to_answer = True
                self._retrying.pause(
                    pause_seconds(response.status_code, response.headers, time.time())
                )
                content = self._bounded(request, response)
        except httpx.TimeoutException as error:
            connected = not isinstance(error, httpx.ConnectTimeout)
            seconds = self._timeout_seconds
            sentence = tr(
                "{request}: no answer within {seconds:g} s", request=request, seconds=seconds
            )
            if has_begun_to_answer:
                sentence = tr(
                    "{request}: the answer was not complete within {seconds:g} s",
                    request=request,
                    seconds=seconds,
                )
            raise Passing(sentence, connected=connected) from None
        except httpx.TransportError as error:
            raise _unreached(request, error) from None
        except httpx.InvalidURL:
            raise Rejected(
                tr(
                    "{request}: this is no address to which a request can be sent; correct the"
                    " address",
                    request=request[:_LONGEST_QUOTE],
                )
            ) from None
        if response.is_success:
            return Answer(request, response.headers, _json_content(request, response, content))
        raise _failure(request, response, content)

    def _bounded(self, request: str, response: httpx.Response) -> bytes:
        """Return the body of an answer, of at most MAXIMUM_ANSWER_BYTES. Raises TooLarge for a
        longer one, Unintelligible for a compressed one."""
        packed = response.headers.get("content-encoding", "identity")
        if packed != "identity":
            raise Unintelligible(
                tr(
                    "{request}: the answer is packed ({packed}), which was not requested; check"
                    " what stands between this machine and the server",
                    request=request,
                    packed=packed,
                )
            )
        declared = int(response.headers.get("content-length", "0"))
        content = bytearray()
        for chunk in response.iter_raw():
            content += chunk
            if max(declared, len(content)) > MAXIMUM_ANSWER_BYTES:
                sentence = tr(
                    "{request}: the answer is larger than {most} MiB; check the address",
                    request=request,
                    most=MAXIMUM_ANSWER_BYTES // 2**20,
                )
                raise TooLarge(sentence, bytes(content[:_BEGINNING_BYTES]))
        return bytes(content)


def parse_json(text: str | bytes) -> Any:
    """Parse JSON into what the engine carries without changing it. Raises ValueError or
    RecursionError.

    A number that a double cannot carry stays text: 2**53 + 1 would become 2**53. The engine's own
    marks and half characters are replaced, and what is nested too deeply for a state is left out.
    """
    return _carried(
        json.loads(
            text,
            parse_int=partial(_number, int),
            parse_float=partial(_number, float),
            parse_constant=str,
        ),
        0,
    )


def _carried(value: Any, depth: int) -> Any:
    """Return a value that was read from JSON so that a state can have it: without the engine's own
    marks for secrets, without lone surrogates, and cut off below 50 levels. ``depth`` is the level
    of the value in its document."""
    if isinstance(value, str):
        return _HALF_CHARACTER.sub("\ufffd", without_marks(value))
    if depth > _MAXIMUM_DEPTH and isinstance(value, dict | list):
        return "nested too deeply"
    if isinstance(value, dict):
        return {_carried(name, depth): _carried(part, depth + 1) for name, part in value.items()}
    if isinstance(value, list):
        return [_carried(part, depth + 1) for part in value]
    return value


def _number(kind: type[int] | type[float], text: str) -> float | str:
    """Return the number that a JSON text stands for; the text itself where a double, as the engine
    has it, would be another number."""
    try:
        is_exact = Decimal(repr(float(text))) == Decimal(text)
    except InvalidOperation:  # an exponent beyond all bounds
        return text
    return kind(text) if is_exact else text


def _json_content(request: str, response: httpx.Response, content: bytes) -> Any:
    """Return the parsed JSON of a successful answer; None for an empty one. Raises Unintelligible
    for another media type, or JSON that does not parse."""
    if not content:
        return None
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Unintelligible(
            tr(
                "{request}: {status} {media_type} instead of JSON; check the address",
                request=request,
                status=response.status_code,
                media_type=_media_type(response),
            )
        )
    try:
        return parse_json(content)
    except (ValueError, RecursionError):
        raise Unintelligible(
            tr(
                "{request}: {status} with JSON that does not parse; check the server",
                request=request,
                status=response.status_code,
            )
        ) from None


def _failure(request: str, response: httpx.Response, content: bytes) -> AuthorityError:
    """Return the exception for an answer that is no success, by its status: what the server said,
    then what the reader can do."""
    status = response.status_code
    answer = _in_words(request, response, content)
    if status in _PASSING_STATUSES:
        wait = retry_after_seconds(response.headers.get("retry-after"))
        return Passing(answer, wait)
    if response.is_redirect:
        return Rejected(
            tr(
                "{answer}; the server redirects, which is never followed: set the address to the"
                " right one",
                answer=answer,
            )
        )
    if status == 401:
        return TokenRefused(
            tr(
                "{answer}; check the operator's credentials, and that the operator's client is"
                " enabled",
                answer=answer,
            )
        )
    if status == 403:
        return NotAllowed(tr("{answer}; have this right granted to the operator", answer=answer))
    if status == 404 and _json_or_none(content) is None:
        return Unintelligible(tr("{answer}, not from this API; check the address", answer=answer))
    if status == 404:
        return NotFound(
            tr(
                "{answer}; if somebody removed this document by hand, run pulumi up --refresh,"
                " else check the address",
                answer=answer,
            )
        )
    if status == 409:
        return AlreadyRegistered(
            tr(
                "{answer}; see which client exists already, or name that client under adopt in the"
                " form",
                answer=answer,
            ),
            _existing_client_id(content),
        )
    if status == 412:
        return Stale(
            tr(
                "{answer}; someone else writes the same document: run the command again",
                answer=answer,
            )
        )
    if status == 500:
        return Failed(
            tr("{answer}; see the server's log, then run the same command again", answer=answer)
        )
    return Rejected(
        tr(
            "{answer}; correct what the server names, then run the same command again",
            answer=answer,
        )
    )


def _in_words(request: str, response: httpx.Response, content: bytes) -> str:
    """Return an answer for people: ``PUT https://…/clients/x: 409 Conflict, <the server's
    words>``."""
    answer = f"{request}: {response.status_code} {response.reason_phrase}"
    detail = _detail(response, content)
    if detail:
        answer += f", {detail}"
    return answer.rstrip(". ")


def _detail(response: httpx.Response, content: bytes) -> str:
    """Return the server's reason, on one line of at most 300 characters: the detail of a problem
    (RFC 9457), else an OAuth or Keycloak error; empty where it gives none. The operator's token is
    masked, in case the server repeats it. Of an answer that is no JSON only the media type shows.
    """
    document = _json_or_none(content)
    if document is None:
        return _media_type(response) if content else ""
    if not isinstance(document, dict):
        return ""
    token = response.request.headers.get("authorization", "").rpartition(" ")[2]
    for member in ("detail", "error_description", "errorMessage", "error"):
        text = document.get(member)
        if not isinstance(text, str):
            continue
        if token:
            text = text.replace(token, HIDDEN)
        return " ".join(text.split())[:_LONGEST_QUOTE]
    return ""


def _media_type(response: httpx.Response) -> str:
    media_type = response.headers.get("content-type", "")
    if not media_type:
        return tr("with no media type")
    return tr("with {media_type}", media_type=media_type[:_LONGEST_QUOTE])


def _existing_client_id(content: bytes) -> str | None:
    """Return the client that a 409 names as the one in the way; None where it names none."""
    document = _json_or_none(content)
    client_id = document.get("client_id") if isinstance(document, dict) else None
    return client_id if isinstance(client_id, str) else None


def _json_or_none(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _speaks_no_tls(error: BaseException | None) -> bool:
    """Return whether a TLS handshake failed because the server does not speak TLS: an SSLError
    among the causes of ``error``, other than a connection that ended, which may pass."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return not isinstance(
                error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError
            )
        error = error.__cause__ or error.__context__
    return False


def _unreached(request: str, error: httpx.TransportError) -> AuthorityError:
    """Return the exception for a connection that failed: Rejected for a certificate or a scheme
    that no retry mends, else Passing, which is retried."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return Rejected(
            tr(
                "{request}: the server's certificate cannot be verified; check the address, and"
                " whether the issuer of the certificate is trusted here",
                request=request,
            )
        )
    if isinstance(error, httpx.ConnectError):
        if _speaks_no_tls(error):
            return Rejected(
                tr(
                    "{request}: what answers there does not speak https; check scheme and port of"
                    " the address",
                    request=request,
                )
            )
        sentence = tr("{request}: the server cannot be reached", request=request)
        if "refused" in text:
            sentence = tr(
                "{request}: the server cannot be reached (connection refused)", request=request
            )
        return Passing(sentence, connected=False)
    return Passing(tr("{request}: the connection broke off", request=request))
