"""One portal in one process, on loopback, until SIGTERM."""

import logging
import sys
import warnings

import uvicorn
from joserfc.errors import SecurityWarning

from acmidm_sandbox.beheerportaal.app import create_app
from acmidm_sandbox.beheerportaal.settings import PortalSettings

GRACE_SECONDS = 5


def run(settings: PortalSettings) -> None:
    """Serve a portal, whose database can be used, until SIGTERM, or Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    # aiosmtpd's, which has a line for each command.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    # ACM/IDM's clients call the algorithm EdDSA; that RFC 9864 prefers the name Ed25519 is no news
    # at each request.
    warnings.filterwarnings("ignore", message="EdDSA is deprecated", category=SecurityWarning)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
