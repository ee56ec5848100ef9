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
