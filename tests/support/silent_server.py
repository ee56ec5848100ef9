"""The embedded authority as the real ones may be: whatever is wrong with a client that fails to
authenticate, it says one sentence, so that nobody learns which clients there are. Run as a
script."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

from acmidm_sandbox.beheerportaal import context, server
from acmidm_sandbox.beheerportaal.oauth.authorization import PortalAuthorizationServer
from acmidm_sandbox.beheerportaal.oauth.rules import invalid_client

_SENTENCE = "the client could not be authenticated"


class SilentServer(PortalAuthorizationServer):
    def handle_error_response(self, request: Any, error: Any) -> JSONResponse:
        is_client = error.error == "invalid_client"
        return super().handle_error_response(
            request, invalid_client(_SENTENCE) if is_client else error
        )


if __name__ == "__main__":
    context.PortalAuthorizationServer = SilentServer  # type: ignore[attr-defined]
    server.main()
