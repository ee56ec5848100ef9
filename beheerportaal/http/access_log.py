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
        """Passes everything on, and notes the status before it goes out: who has an answer finds its line in the log."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        is_noted = False

        def note(status: int) -> None:
            nonlocal is_noted
            is_noted = True
            # The raw path is still percent-encoded, so that it can't forge a line of the log.
            path = scope["raw_path"].decode("ascii", "replace")
            caller = scope.get("state", {}).get("client_id", "-")
            log.info("%s %s %d %s %.1fms", scope["method"], path, status, caller, (time.perf_counter() - started) * 1000)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                note(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            if not is_noted:
                note(0)
