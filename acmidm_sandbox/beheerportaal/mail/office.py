"""The SMTP server (RFC 5321), in the portal's own event loop. It accepts mails for everybody, and
hands none on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from aiosmtpd.smtp import SMTP, Envelope, Session
from anyio import to_thread
from sqlalchemy.exc import OperationalError

from acmidm_sandbox.beheerportaal.limits import LONGEST_MAIL
from acmidm_sandbox.beheerportaal.mail.reading import read_headers, seen
from acmidm_sandbox.beheerportaal.store import mails
from acmidm_sandbox.beheerportaal.store.database import Database

log = logging.getLogger(__name__)


@asynccontextmanager
async def receiving(database: Database, host: str, port: int) -> AsyncIterator[None]:
    """Receive mails while the block runs."""
    protocol = partial(
        SMTP,
        _Office(database),
        data_size_limit=LONGEST_MAIL,
        enable_SMTPUTF8=True,
        hostname="localhost",
        ident="Beheerportaal",
    )
    server = await asyncio.get_running_loop().create_server(protocol, host, port)
    try:
        yield
    finally:
        server.close()


class _Office:
    """What aiosmtpd calls; each method answers with a reply of SMTP."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a whole mail. After the answer 250 it is on the disk."""
        try:
            await to_thread.run_sync(self._keep, envelope)
        except OperationalError as error:
            log.error("a mail was not kept: the database refused: %s", error.orig)
            return "451 4.3.0 The mail could not be kept; send it again later"
        return "250 OK"

    async def handle_exception(self, error: Exception) -> str:
        """Refuse a command that aiosmtpd fails at, such as an address with nested comments, without
        repeating it."""
        log.warning("a command of a mail client was refused: %s", type(error).__name__)
        return "500 5.5.2 The command was not understood"

    def _keep(self, envelope: Envelope) -> None:
        raw = envelope.original_content or b""
        headers = read_headers(raw)
        recipients = [
            seen(address.encode("utf-8", "replace").decode()) for address in envelope.rcpt_tos
        ]
        with self._database.write() as connection:
            mails.receive(connection, headers, recipients, raw)
        log.info(
            "received mail %s about %s",
            headers.message_id or "without Message-ID",
            headers.connection or "no connection",
        )
