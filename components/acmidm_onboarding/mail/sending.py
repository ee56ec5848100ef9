"""Hand a mail to the stack's mail server (RFC 5321, RFC 6409), in one try: the next run of the command is the next one.

Encrypted and with the server's certificate verified, but for a server on this machine. Credentials come from the
environment alone.
"""

from __future__ import annotations

import os
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from acmidm_onboarding.mail.message import Mail
from acmidm_onboarding.settings import LOOPBACK, NAMESPACE, SMTP_PORTS, Settings
from acmidm_onboarding.values.problems import Failure, on_one_line, quoted

USERNAME, PASSWORD = "ACMIDM_SMTP_USERNAME", "ACMIDM_SMTP_PASSWORD"
_ANSWERS = 6
"""A mail may take as long as this many answers of a slow server, each within ``requestTimeoutSeconds``."""
_DOWN_SECONDS = 60
"""How long a server that could not be connected to is left alone: each of many mails would wait for it otherwise."""
_TEMPORARY = range(400, 500)

_down: dict[tuple[str, int], tuple[float, str]] = {}
"""Per server that could not be connected to, until when it is left alone, and why."""


class NotSent(Failure):
    """Why no mail was accepted, a sentence without anything secret."""

    exit_code = 3


class Refusal(str):
    """Why a server refused a recipient: its code and its words, on one line."""

    is_temporary: bool
    """Whether it may accept the same later (RFC 5321 §4.2.1)."""

    __slots__ = ("is_temporary",)

    @classmethod
    def of(cls, code: int, words: bytes | str, password: str = "") -> Refusal:
        """Return the refusal that an answer is, without the password: a server may say anything."""
        made = cls(_words(code, words, password))
        made.is_temporary = code in _TEMPORARY
        return made


def send(message: Mail, settings: Settings, environ: Mapping[str, str] = os.environ) -> dict[str, Refusal]:
    """Send a mail to its recipients, and return those that were refused with reasons: empty where all were accepted.

    Where the server refused all of them nobody has the mail, and all are in the answer.

    Raises:
        NotSent: where the server accepted it for nobody for another reason, or where that is not known.
    """
    url = settings.smtp_url
    if url is None:
        raise NotSent(f"no mail server is set; set one with pulumi config set {NAMESPACE}:smtpUrl")
    host, port = str(url.host), url.port or SMTP_PORTS[url.scheme]
    refused = {address: Refusal.of(553, why) for address, why in message.unusable.items()}
    if not message.recipients:
        return refused
    written = {wire: address for address, wire in message.recipients.items()}
    password = environ.get(PASSWORD) or ""
    is_tls, seconds = url.scheme == "smtps", settings.request_timeout_seconds
    with (
        _explained(f"mail server {host}:{port}", (host, port), password) as at,
        _connected(is_tls, host, port, seconds) as server,
    ):
        at.stage = "connected"
        _secure(server, host, is_tls=is_tls)
        _log_in(server, environ)
        at.stage = "data"
        try:
            answers = server.sendmail(message.sender, list(written), message.as_bytes())
        except smtplib.SMTPRecipientsRefused as error:
            # The answer 421 ends the session: later recipients got no answer.
            answers = {wire: error.recipients.get(wire, (421, b"not asked about")) for wire in written}
    return refused | {written[wire]: Refusal.of(*answer, password) for wire, answer in answers.items()}


class _Stage:
    """How far it got."""

    stage = "connecting"


@contextmanager
def _connected(is_tls: bool, host: str, port: int, seconds: int) -> Iterator[smtplib.SMTP]:
    """A connection that ends with its deadline, however a server strings its answers out."""
    bare = host.strip("[]")
    if is_tls:
        server: smtplib.SMTP = smtplib.SMTP_SSL(bare, port, timeout=seconds, context=ssl.create_default_context())
    else:
        server = smtplib.SMTP(bare, port, timeout=seconds)
    end = threading.Timer(_ANSWERS * seconds, _cut, [server])
    end.daemon = True
    end.start()
    try:
        yield server
        with suppress(OSError, smtplib.SMTPException):  # the mail was accepted
            server.quit()
    finally:
        end.cancel()
        server.close()


def _cut(server: smtplib.SMTP) -> None:
    if server.sock is not None:
        with suppress(OSError):  # the connection has just ended
            server.sock.shutdown(socket.SHUT_RDWR)


def _secure(server: smtplib.SMTP, host: str, *, is_tls: bool) -> None:
    """STARTTLS (RFC 3207): required, but on this machine, where it is used if it is offered, whatever the
    certificate."""
    server.ehlo_or_helo_if_needed()
    if is_tls:
        return
    offered, local = server.has_extn("starttls"), host in LOOPBACK
    if not offered and not local:
        raise NotSent("does not offer STARTTLS, and nothing is sent in the clear; use smtps://, or another server")
    if offered:
        # Nobody listens between two programs of one machine, and servers rarely have a certificate for loopback.
        server.starttls(context=trusting() if local else ssl.create_default_context())
        server.ehlo()


def trusting() -> ssl.SSLContext:
    """Return a context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _log_in(server: smtplib.SMTP, environ: Mapping[str, str]) -> None:
    name, password = environ.get(USERNAME), environ.get(PASSWORD)
    if bool(name) != bool(password):
        raise NotSent(f"needs both {USERNAME} and {PASSWORD} in the environment, or neither")
    if name and password:
        if not (name.isascii() and password.isascii()):
            raise NotSent(
                f"is not given {USERNAME} and {PASSWORD}: they have other characters than ASCII's; use others"
            )
        try:
            server.login(name, password)
        except smtplib.SMTPException as error:
            if type(error) is smtplib.SMTPException:  # the server offers no known way to log in
                raise smtplib.SMTPNotSupportedError from None
            raise


@contextmanager
def _explained(server: str, address: tuple[str, int], password: str) -> Iterator[_Stage]:
    """Every way in which it can fail, as one sentence."""
    at = _Stage()
    until, why = _down.get(address, (0.0, ""))
    if time.monotonic() < until:
        raise NotSent(why)
    try:
        yield at
    except NotSent as error:
        raise NotSent(f"{server}: {error}") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"{server}: {_refused(error, password)}") from None
    except smtplib.SMTPNotSupportedError:
        raise NotSent(
            f"{server}: does not offer what is needed to send it: STARTTLS, or to log in with a name and a password"
        ) from None
    except ssl.SSLError as error:  # a subclass of OSError, and so before it
        why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else (error.reason or "TLS fails")
        raise NotSent(
            on_one_line(f"{server}: no encrypted connection: {why}; correct its certificate, or {NAMESPACE}:smtpUrl")
        ) from None
    except OSError as error:  # the errors of smtplib are OSErrors too
        if at.stage == "connecting":
            why = on_one_line(f"{server}: cannot be reached: {error.strerror or 'no answer'}")
            _down[address] = (time.monotonic() + _DOWN_SECONDS, why)
            raise NotSent(why) from None
        raise NotSent(_ended(server, at)) from None


def _refused(error: smtplib.SMTPResponseException, password: str) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):  # the answer may repeat the credentials
        return f"refused the credentials ({error.smtp_code}); correct {USERNAME} and {PASSWORD}"
    what = {smtplib.SMTPSenderRefused: " the sender", smtplib.SMTPDataError: " the mail"}.get(type(error), "")
    return f"refused{what}: {_words(error.smtp_code, error.smtp_error, password)}"


def _ended(server: str, at: _Stage) -> str:
    if at.stage == "data":
        return (
            f"{server}: gave no answer in time, so that nobody knows whether it has the mail; it is sent again with the"
            " same Message-ID"
        )
    return f"{server}: gave no answer in time, or ended the connection"


def _words(code: int, words: bytes | str, password: str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {quoted(text.replace(password, '…') if password else text)}"
