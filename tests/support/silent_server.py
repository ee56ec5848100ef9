"""The embedded authority as the real ones may be: whatever is wrong with a client that fails to
authenticate, it says one sentence, so that nobody learns which clients there are. Run as a
script."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError
from starlette.responses import JSONResponse

from acmidm_sandbox import main
from acmidm_sandbox.beheerportaal import context
from acmidm_sandbox.beheerportaal.oauth.authorization import PortalAuthorizationServer

_SENTENCE = "the client could not be authenticated"


class SilentServer(PortalAuthorizationServer):
    def refuse(self, request: Any, error: Any) -> JSONResponse:
        if error.error == "invalid_client":
            error = InvalidClientError(_SENTENCE, status_code=401)
        return super().refuse(request, error)


if __name__ == "__main__":
    context.PortalAuthorizationServer = SilentServer  # type: ignore[attr-defined]
    main()
