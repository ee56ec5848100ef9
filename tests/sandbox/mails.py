"""Mails for the post office of a portal, sent by Python's own SMTP client."""

from __future__ import annotations

import smtplib
import uuid
from email.message import EmailMessage
from email.policy import SMTP

from tests.support.portal import RunningPortal

CONTACT = "api-beheer@stad.example"


def mail(
    organisation: str = "OVO002067",
    subject: str = "Uw client-ID",
    text: str = "Dag, dit is uw client-ID.\n",
) -> EmailMessage:
    """A mail about a connection of an organisation, as the mail room writes one."""
    made = EmailMessage(SMTP)
    made["Subject"], made["From"], made["To"] = (
        subject,
        "Digitaal Vlaanderen <noreply@vlaanderen.example>",
        CONTACT,
    )
    made["Message-ID"] = f"<{uuid.uuid4()}@vlaanderen.example>"
    made["X-Acmidm-Connection"] = f"acmidm/tni/{organisation}/mijn-gent"
    made["X-Acmidm-Step"] = "3"
    made.set_content(text)
    return made


def deliver(portal: RunningPortal, message: EmailMessage | bytes, *to: str) -> None:
    """Sends a mail, whatever bytes it has, to its contact or to others; raises what smtplib
    does."""
    with connected(portal) as client:
        raw = message if isinstance(message, bytes) else message.as_bytes()
        client.sendmail("noreply@vlaanderen.example", to or (CONTACT,), raw)


def connected(portal: RunningPortal) -> smtplib.SMTP:
    """A client that has not said anything yet."""
    assert portal.settings.smtp_port is not None
    return smtplib.SMTP(portal.settings.host, portal.settings.smtp_port, timeout=30)


def hostile(code: str) -> dict[str, bytes]:
    """Mails that are broken or made to break: as they lie on the wire, each about the
    organisation."""
    own = f"X-Acmidm-Connection: acmidm/tni/{code}/x\r\n".encode()

    def of(headers: bytes, body: bytes = b"text\r\n") -> bytes:
        return own + headers + b"\r\n" + body

    return {
        "no header at all": own + b"\r\n",
        "not ASCII": of(
            "Subject: één ✉\r\n".encode() + b"From: \xff\xfe\r\n", b"\xff\xfe\x00text\r\n"
        ),
        "a wrong charset": of(b"Content-Type: text/plain; charset=klingon\r\n"),
        "a wrong encoding": of(b"Content-Transfer-Encoding: base64\r\n", b"====not base64\r\n"),
        "an encoded word that is none": of(
            b"Subject: =?utf-8?b?A?= =?x?q?y?= =?utf-8?q?=ZZ?= =?\r\n"
        ),
        "comments in comments": of(
            b"To: " + b"(" * 900 + b"\r\n" + b"From: " + b"[" * 900 + b"\r\n"
        ),
        "a part without an end": of(
            b'Content-Type: multipart/mixed; boundary="b"\r\n',
            b"--b\r\nContent-Disposition: attachment\r\n",
        ),
        "a name with everything": of(
            b"Content-Disposition: attachment;"
            b" filename*=utf-8''%0D%0ASet-Cookie%3A%20x%3D1%22%3C%E2%80%AE.ics\r\n"
        ),
        "unseen text": of(b"Subject: a\x00\x1b[31m\r\n", "a\u202eb\x00\x1b\r\n".encode()),
        "two of all": of(
            b"Subject: a\r\nSubject: b\r\nMessage-ID: <c>\r\nMessage-ID: <d>\r\nFrom: a\r\nFrom:"
            b" b\r\n"
        ),
        "a Message-ID that is none": of(b"Message-ID: " + b"\xe2\x80\xae" * 200 + b"\r\n"),
    }
