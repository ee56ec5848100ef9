"""A real mail server on loopback that fails where a test wants it to, and keeps what it
accepted."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from acmidm_onboarding.mail.sending import trusting
from tests.support.ports import free_port


@dataclass
class MailServer:
    """``answers`` has per step what it says in place of its own answer; ``refused`` per recipient;
    None is no answer at all.

    A mail with the word ``unwanted`` in it is refused.
    """

    port: int = 0
    answers: dict[str, str | None] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unwanted: str | None = None
    received: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    tries: int = 0
    """How often a mail was begun."""
    log_ins: list[tuple[str, str]] = field(default_factory=list)
    once_received: Callable[[], None] | None = None
    """What happens between a mail that is accepted and the answer that says so."""

    async def handle_MAIL(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        self.tries += 1
        envelope.mail_from = address
        return await self._answer("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return await self._answer("RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        refused = self.answers.get("DATA", "")
        if self.unwanted and self.unwanted.encode() in (envelope.original_content or b""):
            return "554 unwanted"
        if not refused:
            content = envelope.original_content or b""
            self.received.append(message_from_bytes(content, EmailMessage, policy=policy.default))
            self.recipients.append(list(envelope.rcpt_tos))
            if self.once_received is not None:
                self.once_received()
        if refused is None:  # it has the mail, and its answer is lost
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return await self._answer("DATA", "250 accepted")

    async def _answer(self, step: str, otherwise: str) -> str:
        said = self.answers.get(step, otherwise)
        if said is None:
            await asyncio.Event().wait()
        return str(said)

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.log_ins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password == b"right", handled=False)


@contextmanager
def running_mail_server(
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    auth: bool = False,
) -> Iterator[MailServer]:
    """Yield a server; ``tls`` from the start, or ``starttls`` on request."""
    server = MailServer()
    more: dict[str, Any] = (
        {"authenticator": server.authenticate, "auth_require_tls": False, "auth_required": True}
        if auth
        else {}
    )
    controller = Controller(
        server,
        hostname=host,
        port=port or free_port(host),
        ssl_context=tls,
        tls_context=starttls,
        **more,
    )
    if tls is not None:
        controller._trigger_server = lambda: _knock(host, controller.port)  # type: ignore[method-assign]  # its own wants to trust the certificate
    controller.start()
    server.port = controller.port
    try:
        yield server
    finally:
        controller.stop()


def _knock(host: str, port: int) -> None:
    with socket.create_connection((host, port)) as plain, trusting().wrap_socket(plain) as knocking:
        knocking.recv(1)
