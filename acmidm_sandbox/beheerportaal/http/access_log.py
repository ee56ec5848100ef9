"""One line per request: method, path and status, by whom. Never headers, bodies, queries or
tokens."""

import logging
import time

from starlette.middleware.base import RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response

log = logging.getLogger("acmidm_sandbox.beheerportaal.access")


async def log_request(request: Request, answer: RequestResponseEndpoint) -> Response:
    """Passes everything on, and notes the status before it goes out: who has an answer finds its
    line in the log."""
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
