"""The SMTP server (RFC 5321), in the portal's own event loop. It accepts mails for everybody, and hands none on."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from socket import socket

from aiosmtpd.smtp import SMTP, Envelope, Session
from anyio import to_thread
from sqlalchemy.exc import OperationalError
from typing_extensions import override

from beheerportaal.limits import LONGEST_MAIL, MOST_RECIPIENTS
from beheerportaal.mail.reading import read_headers, seen
from beheerportaal.store import mails
from beheerportaal.store.database import Database

log = logging.getLogger(__name__)

COMMAND_SECONDS = 60  # and for a whole mail
MOST_CONNECTIONS = 64
_LONGEST_LINE = 64 * 1024  # bytes that come without the end of a line
_LONGEST_ADDRESS = 254  # RFC 5321 §4.5.3.1.3


@asynccontextmanager
async def receiving(database: Database, listener: socket) -> AsyncIterator[None]:
    """Receives mails at a bound socket while the block runs."""
    office = _Office(database)
    server = await asyncio.get_running_loop().create_server(partial(_Connection, office), sock=listener)
    try:
        yield
    finally:
        server.close()
        for transport in list(office.open):
            transport.abort()
        await server.wait_closed()


class _Office:
    """What aiosmtpd calls; each method answers with a reply of SMTP."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.open: OrderedDict[asyncio.Transport, None] = OrderedDict()
        """The connections, the oldest first."""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """One more recipient."""
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return f"452 4.5.3 A mail has at most {MOST_RECIPIENTS} recipients"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """A whole mail. What was answered with 250 is on the disk."""
        try:
            await to_thread.run_sync(self._keep, envelope)
        except OperationalError as error:
            log.error("a mail was not kept: the database refused: %s", error.orig)
            return "451 4.3.0 The mail could not be kept; send it again later"
        return "250 OK"

    async def handle_exception(self, error: Exception) -> str:
        """A command that aiosmtpd fails at, such as an address with comments in comments. Nothing of it is repeated."""
        log.warning("a command of a mail client was refused: %s", type(error).__name__)
        return "500 5.5.2 The command was not understood"

    def _keep(self, envelope: Envelope) -> None:
        raw = envelope.original_content or b""
        headers = read_headers(raw)
        recipients = [seen(address.encode("utf-8", "replace").decode())[:_LONGEST_ADDRESS] for address in envelope.rcpt_tos]
        with self._database.write() as connection:
            mails.receive(connection, headers, recipients, raw)
        log.info("received mail %s about %s", headers.message_id or "without Message-ID", headers.connection or "no connection")


class _Connection(SMTP):
    """aiosmtpd's protocol for one connection. Where too many are open, the oldest makes room."""

    def __init__(self, office: _Office) -> None:
        super().__init__(
            office,
            data_size_limit=LONGEST_MAIL,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="Beheerportaal",
            timeout=COMMAND_SECONDS,
        )
        self._office = office
        self._transport: asyncio.Transport | None = None
        self._without_end = 0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """asyncio: somebody has connected."""
        self._transport = transport
        self._office.open[transport] = None
        super().connection_made(transport)
        if len(self._office.open) > MOST_CONNECTIONS:
            oldest, _ = self._office.open.popitem(last=False)
            oldest.abort()

    @override
    def data_received(self, data: bytes) -> None:
        """asyncio: a part of what is sent. aiosmtpd keeps the whole of a line, however long."""
        end = data.rfind(b"\n")
        self._without_end = self._without_end + len(data) if end < 0 else len(data) - end - 1
        if self._without_end > _LONGEST_LINE and self._transport is not None:
            self._transport.abort()
        else:
            super().data_received(data)

    @override
    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: the connection is closed."""
        if self._transport is not None:
            self._office.open.pop(self._transport, None)
        super().connection_lost(error)
