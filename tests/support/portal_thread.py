"""Real portals in a thread of the test's own process: the same application on a free port of
loopback.

A process of its own takes a second of processor time to start, and tests of Python alone start
none.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import uvicorn
from authlib.oauth2.rfc6749 import InvalidClientError
from starlette.responses import JSONResponse

from acmidm_sandbox.beheerportaal import context
from acmidm_sandbox.beheerportaal.app import create_app
from acmidm_sandbox.beheerportaal.oauth.authorization import PortalAuthorizationServer
from tests.support.portal import RunningPortal, prepare_portal
from tests.support.trust import TRUSTED

_SENTENCE = "the client could not be authenticated"


class _SilentServer(PortalAuthorizationServer):
    """As the real ones may be: nobody learns which clients there are."""

    def refuse(self, request: Any, error: Any) -> JSONResponse:
        if error.error == "invalid_client":
            error = InvalidClientError(_SENTENCE, status_code=401)
        return super().refuse(request, error)


@contextmanager
def portal_in_thread(
    folder: Path, *, is_silent: bool = False, **settings: Any
) -> Iterator[RunningPortal]:
    """Run a portal with the settings of `prepare_portal`.

    One that `is_silent` says one sentence, whatever is wrong with a client that fails to
    authenticate.
    """
    portal = prepare_portal(folder, **settings)
    authorization = _SilentServer if is_silent else PortalAuthorizationServer
    app = create_app(portal.settings)
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    )
    # Whoever connects before the application has started waits.
    listening = socket.create_server((portal.settings.host, portal.settings.port))
    # Its connections inherit it. Else each answer's content waits 40 ms for its head to be
    # acknowledged: asyncio sees to that for the sockets alone that it makes itself.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    with patch.object(context, "PortalAuthorizationServer", authorization):
        thread.start()
        httpx.get(f"{portal.origin}/health", timeout=60, verify=TRUSTED).raise_for_status()
    try:
        yield portal
    finally:
        server.should_exit = True
        thread.join()
