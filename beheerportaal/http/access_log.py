"""One line per request: method, path and status, by whom. Never headers, bodies, queries or tokens."""

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger("beheerportaal.access")


class AccessLog:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes everything on, and notes the status on its way out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        started = time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            # The raw path is still percent-encoded, so that it can't forge a line of the log.
            path = scope["raw_path"].decode("ascii", "replace")
            caller = scope.get("state", {}).get("client_id", "-")
            log.info("%s %s %d %s %.1fms", scope["method"], path, status, caller, (time.perf_counter() - started) * 1000)
