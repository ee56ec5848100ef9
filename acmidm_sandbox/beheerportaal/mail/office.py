"""The SMTP server (RFC 5321), in the portal's own event loop. It accepts mails for everybody, and
hands none on.

aiosmtpd's handler for a Maildir parses each mail and writes it anew, which fails for broken ones:
this one writes what came.
"""

import logging
from asyncio import get_running_loop
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from mailbox import Maildir
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session
from anyio import to_thread

from acmidm_sandbox.beheerportaal.limits import LONGEST_MAIL
from acmidm_sandbox.beheerportaal.mail.received import keep

log = logging.getLogger(__name__)


@asynccontextmanager
async def receiving(folder: Path, host: str, port: int) -> AsyncIterator[None]:
    """Receive mails while the block runs."""
    protocol = partial(
        SMTP,
        _Office(folder),
        data_size_limit=LONGEST_MAIL,
        enable_SMTPUTF8=True,
        hostname="localhost",
        ident="Beheerportaal",
    )
    server = await get_running_loop().create_server(protocol, host, port)
    try:
        yield
    finally:
        server.close()


class _Office:
    """What aiosmtpd calls; each method answers with a reply of SMTP."""

    def __init__(self, folder: Path) -> None:
        self._mails = Maildir(folder)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a whole mail. After the answer 250 it is on the disk."""
        raw = envelope.original_content or b""
        try:
            headers = await to_thread.run_sync(keep, self._mails, envelope.rcpt_tos, raw)
        except OSError as error:
            log.error("a mail was not kept: %s", error.strerror)
            return "451 4.3.0 The mail could not be kept; send it again later"
        log.info(
            "received mail %s about %s",
            headers["message_id"] or "without Message-ID",
            headers["connection"] or "no connection",
        )
        return "250 OK"

    async def handle_exception(self, error: Exception) -> str:
        """Refuse a command that aiosmtpd fails at, such as an address with nested comments, without
        repeating it."""
        log.warning("a command of a mail client was refused: %s", type(error).__name__)
        return "500 5.5.2 The command was not understood"
