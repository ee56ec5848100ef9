"""Hand a mail to the stack's mail server (RFC 5321, RFC 6409), in one try: the next try is the next
run of the command.

The connection is encrypted and the server's certificate verified, but for a server on this machine.
Credentials come from the environment alone.
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
"""A mail may take as long as this many answers of a slow server, each within
``requestTimeoutSeconds``."""
_DOWN_SECONDS = 60
"""How long no mail is sent to a server that could not be reached: else each of many mails would
wait for it."""
_TEMPORARY = range(400, 500)

_down: dict[tuple[str, int], tuple[float, str]] = {}
"""Per host and port of a server that could not be reached, until when nothing is sent to it, and
why."""


class NotSent(Failure):
    """Why no mail was accepted, a sentence without anything secret."""

    exit_code = 3


class RecipientRefusal(str):
    """Why a server refused a recipient: its code and its text, on one line."""

    is_temporary: bool
    """Whether the server may accept the same mail later (RFC 5321 §4.2.1)."""

    __slots__ = ("is_temporary",)

    @classmethod
    def of(cls, code: int, text: bytes | str, password: str = "") -> RecipientRefusal:
        """Return the refusal in a server's answer, without the password, which a server may
        repeat."""
        refusal = cls(_answer(code, text, password))
        refusal.is_temporary = code in _TEMPORARY
        return refusal


def send(
    message: Mail, settings: Settings, environ: Mapping[str, str] = os.environ
) -> dict[str, RecipientRefusal]:
    """Send a mail to its recipients, and return why each refused one was refused; empty where all
    were accepted.

    Raises:
        NotSent: where the server took the mail for nobody for another reason, or nobody knows
        whether it did.
    """
    url = settings.smtp_url
    if url is None:
        raise NotSent(f"no mail server is set; set one with pulumi config set {NAMESPACE}:smtpUrl")
    host = str(url.host)
    port = url.port or SMTP_PORTS[url.scheme]
    refused = {address: RecipientRefusal.of(553, why) for address, why in message.unusable.items()}
    if not message.recipients:
        return refused
    written = {wire: address for address, wire in message.recipients.items()}
    password = environ.get(PASSWORD) or ""
    is_tls = url.scheme == "smtps"
    seconds = settings.request_timeout_seconds
    with (
        _explained(f"mail server {host}:{port}", (host, port), password) as progress,
        _connected(is_tls, host, port, seconds) as server,
    ):
        progress.stage = "connected"
        _secure(server, host, is_tls=is_tls)
        _log_in(server, environ)
        progress.stage = "data"
        try:
            answers = server.sendmail(message.sender, list(written), message.as_bytes())
        except smtplib.SMTPRecipientsRefused as error:
            # An answer of 421 ends the transaction, without a word about the other recipients.
            answers = {**dict.fromkeys(written, (421, b"not asked about")), **error.recipients}
    for wire, answer in answers.items():
        refused[written[wire]] = RecipientRefusal.of(*answer, password)
    return refused


class _Progress:
    """How far sending a mail got: ``connecting``, ``connected`` or ``data``."""

    stage = "connecting"


@contextmanager
def _connected(is_tls: bool, host: str, port: int, seconds: int) -> Iterator[smtplib.SMTP]:
    """Yield a connection to a mail server, and end it. It is cut off after ``_ANSWERS`` times
    ``seconds``, however slowly the server answers; ``seconds`` bounds each answer."""
    bare = host.strip("[]")
    if is_tls:
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            bare, port, timeout=seconds, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(bare, port, timeout=seconds)
    end = threading.Timer(_ANSWERS * seconds, _cut, [server])
    end.daemon = True
    end.start()
    try:
        yield server
        with suppress(OSError, smtplib.SMTPException):  # the server has the mail already
            server.quit()
    finally:
        end.cancel()
        server.close()


def _cut(server: smtplib.SMTP) -> None:
    if server.sock is not None:
        with suppress(OSError):  # the connection has just ended by itself
            server.sock.shutdown(socket.SHUT_RDWR)


def _secure(server: smtplib.SMTP, host: str, *, is_tls: bool) -> None:
    """Encrypt the connection by STARTTLS (RFC 3207); a server on this machine may have any
    certificate, or none.

    Raises:
        NotSent: where a server elsewhere does not offer it.
    """
    server.ehlo_or_helo_if_needed()
    if is_tls:
        return
    is_offered = server.has_extn("starttls")
    is_local = host in LOOPBACK
    if not is_offered and not is_local:
        raise NotSent(
            "does not offer STARTTLS, and nothing is sent in the clear; use smtps://, or another"
            " server"
        )
    if is_offered:
        # On this machine nobody listens in between, and a certificate for localhost is rare.
        context = trusting() if is_local else ssl.create_default_context()
        server.starttls(context=context)
        server.ehlo()


def trusting() -> ssl.SSLContext:
    """Return a context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _log_in(server: smtplib.SMTP, environ: Mapping[str, str]) -> None:
    """Log in with the credentials in the environment; without any, do nothing.

    Raises:
        NotSent: where one of the two is missing, or has other characters than ASCII's.
        smtplib.SMTPException: where the server refuses them.
    """
    name = environ.get(USERNAME)
    password = environ.get(PASSWORD)
    if bool(name) != bool(password):
        raise NotSent(f"needs both {USERNAME} and {PASSWORD} in the environment, or neither")
    if name and password:
        if not (name.isascii() and password.isascii()):
            raise NotSent(
                f"is not given {USERNAME} and {PASSWORD}: they have other characters than ASCII's;"
                " use others"
            )
        try:
            server.login(name, password)
        except smtplib.SMTPException as error:
            if type(error) is smtplib.SMTPException:
                # smtplib knows none of the ways to log in that are offered.
                raise smtplib.SMTPNotSupportedError from None
            raise


@contextmanager
def _explained(server: str, host_and_port: tuple[str, int], password: str) -> Iterator[_Progress]:
    """Raise NotSent with one sentence for every failure within the block, which says in the yielded
    value how far it got. A server that could not be reached is not tried again for a minute."""
    progress = _Progress()
    until, why = _down.get(host_and_port, (0.0, ""))
    if time.monotonic() < until:
        raise NotSent(why)
    try:
        yield progress
    except NotSent as error:
        raise NotSent(f"{server}: {error}") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"{server}: {_refused(error, password)}") from None
    except smtplib.SMTPNotSupportedError:
        raise NotSent(
            f"{server}: does not offer what is needed to send it: STARTTLS, or to log in with a"
            " name and a password"
        ) from None
    except ssl.SSLError as error:  # a kind of OSError
        why = error.reason or "TLS fails"
        if isinstance(error, ssl.SSLCertVerificationError):
            why = error.verify_message
        raise NotSent(
            on_one_line(
                f"{server}: no encrypted connection: {why}; correct its certificate, or"
                f" {NAMESPACE}:smtpUrl"
            )
        ) from None
    except OSError as error:  # smtplib's own errors are of this kind too
        if progress.stage == "data":
            raise NotSent(
                f"{server}: gave no answer in time, so that nobody knows whether it has the mail;"
                " it is sent again with the same Message-ID"
            ) from None
        if progress.stage == "connected":
            raise NotSent(f"{server}: gave no answer in time, or ended the connection") from None
        why = on_one_line(f"{server}: cannot be reached: {error.strerror or 'no answer'}")
        _down[host_and_port] = (time.monotonic() + _DOWN_SECONDS, why)
        raise NotSent(why) from None


def _refused(error: smtplib.SMTPResponseException, password: str) -> str:
    """Return the end of the sentence about a server's refusal, without the password."""
    if isinstance(error, smtplib.SMTPAuthenticationError):  # its text may repeat the credentials
        return f"refused the credentials ({error.smtp_code}); correct {USERNAME} and {PASSWORD}"
    what = {smtplib.SMTPSenderRefused: " the sender", smtplib.SMTPDataError: " the mail"}.get(
        type(error), ""
    )
    return f"refused{what}: {_answer(error.smtp_code, error.smtp_error, password)}"


def _answer(code: int, text: bytes | str, password: str) -> str:
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if password:
        decoded = decoded.replace(password, "…")
    return f"{code} {quoted(decoded)}"
