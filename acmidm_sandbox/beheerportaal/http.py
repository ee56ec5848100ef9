"""What requests have in common: the size and the type of a body, the versions of documents
(RFC 9110 §13: nobody changes a document without having seen its current version), the access log.
"""

import logging
import re
import time
from typing import Any

from fastapi import Request
from pydantic_core import from_json
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acmidm_sandbox.beheerportaal.limits import LONGEST_BODY
from acmidm_sandbox.beheerportaal.problems import RefusedRequest

_ETAG = re.compile(r'(?P<weak>W/)?"[\x21\x23-\x7e]*"')
log = logging.getLogger("acmidm_sandbox.beheerportaal.access")


class LimitedRequest(Request):
    """A request whose body may have at most `longest` bytes.

    Raises:
        RefusedRequest: 413 when the body is read, 400 when it is read as JSON and is none.
    """

    def __init__(self, request: Request, longest: int = LONGEST_BODY) -> None:
        super().__init__(request.scope, request.receive)
        self._longest = longest

    async def body(self) -> bytes:
        """Return the whole body."""
        body = await super().body()
        if len(body) > self._longest:
            raise RefusedRequest(413, f"The body is larger than {self._longest} bytes; send less.")
        return body

    async def json(self) -> Any:
        """Return the body as a JSON value (RFC 8259): in UTF-8, without NaN, and not so deep that
        nobody can read it."""
        try:
            return from_json(await self.body(), allow_inf_nan=False)
        except ValueError as error:
            raise RefusedRequest(400, f"The body is not JSON: {error}; correct it.") from None


def require_json(request: Request) -> None:
    """Check that a body is sent as JSON. Raises RefusedRequest: 415 (RFC 9110 §15.5.16)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise RefusedRequest(
            415,
            "The body must be JSON; send Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )


def etag(version: int) -> str:
    """Return the strong entity tag of a version (RFC 9110 §8.8.3): "7", with its quotes."""
    return f'"{version}"'


def require_current(if_match: str | None, version: int | None) -> None:
    """Check the header `If-Match` against a document's version, None for a document that isn't
    there. `*` is any version; weak tags never match (RFC 9110 §13.1.1).

    Raises:
        RefusedRequest: 428 without the header (RFC 6585 §3); 412 when it names another version.
    """
    if if_match is None:
        raise RefusedRequest(
            428,
            "A change needs If-Match with the document's ETag; read the document and send its ETag"
            " along.",
        )
    if version is None:
        raise RefusedRequest(
            412, "The document does not exist any more; read it again and decide anew."
        )
    if if_match.strip() == "*":
        return
    current = etag(version)
    strong_tags = {match[0] for match in _ETAG.finditer(if_match) if not match["weak"]}
    if current not in strong_tags:
        raise RefusedRequest(
            412,
            f"The document has changed: its ETag is {current} now; read it again and decide anew.",
        )


class RequestLog:
    """Log a line per request before its answer goes out: method, path, status and duration, and who
    sent it; `-` for nobody known. Never headers, bodies, queries or tokens."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()

        async def log_and_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                _log_answer(scope, message["status"], time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, log_and_send)


def _log_answer(scope: Scope, status: int, seconds: float) -> None:
    """Log as in `GET /management/v1/clients 200 onboarding 3.1ms`."""
    # The raw path is still percent-encoded: a line break in it forges no line of the log.
    path = scope["raw_path"].decode("ascii", "replace")
    caller = getattr(Request(scope).state, "client_id", "-")
    log.info("%s %s %d %s %.1fms", scope["method"], path, status, caller, seconds * 1000)
