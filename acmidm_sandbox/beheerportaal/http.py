"""What happens to every request before and after an endpoint: its body is read, and the log gets a
line."""

import logging
import time
from typing import Any

from fastapi import Request
from pydantic_core import from_json
from starlette.middleware.base import RequestResponseEndpoint
from starlette.responses import Response

from acmidm_sandbox.beheerportaal.limits import LONGEST_BODY
from acmidm_sandbox.beheerportaal.problems import Problem

log = logging.getLogger("acmidm_sandbox.beheerportaal.access")


class LimitedRequest(Request):
    """A request whose body may have at most `longest` bytes.

    Raises:
        Problem: 413 when the body is read, 400 when it is read as JSON and is none.
    """

    def __init__(self, request: Request, longest: int = LONGEST_BODY) -> None:
        super().__init__(request.scope, request.receive)
        self._longest = longest

    async def body(self) -> bytes:
        """Return the whole body."""
        body = await super().body()
        if len(body) > self._longest:
            raise Problem(413, f"The body is larger than {self._longest} bytes; send less.")
        return body

    async def json(self) -> Any:
        """Return the body as a JSON value (RFC 8259): in UTF-8, without NaN, and not so deep that
        nobody can read it."""
        try:
            return from_json(await self.body(), allow_inf_nan=False)
        except ValueError as error:
            raise Problem(400, f"The body is not JSON: {error}; correct it.") from None


def require_json(request: Request) -> None:
    """Check the media type of a body.

    Raises:
        Problem: 415 (RFC 9110 §15.5.16).
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(
            415,
            "The body must be JSON; send Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )


async def log_request(request: Request, answer: RequestResponseEndpoint) -> Response:
    """Log a line per request: method, path and status, by whom. Never headers, bodies, queries or
    tokens. It is there before the answer goes out."""
    started = time.perf_counter()
    response = await answer(request)
    # The raw path is still percent-encoded, so that it can't forge a line of the log.
    path = request.scope["raw_path"].decode("ascii", "replace")
    caller = getattr(request.state, "client_id", "-")
    log.info(
        "%s %s %d %s %.1fms",
        request.method,
        path,
        response.status_code,
        caller,
        (time.perf_counter() - started) * 1000,
    )
    return response
