"""The mails that hand clients over: where a stack sends them, and what its state has of them."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

from tests.support.engine import Project, place_of
from tests.support.forms import FormFile
from tests.support.mail_server import MailServer


def mailing(project: Project, server: MailServer) -> None:
    """Let a stack send its mails to a server."""
    project.configure(
        {"smtpUrl": f"smtp://127.0.0.1:{server.port}", "mailSender": "DV <noreply@dv.example>"}
    )


def hand_over(project: Project, form: FormFile) -> dict[str, Any]:
    """What the state has of the mails about a form's client."""
    resources = project.stored()["resources"]
    (client_id,) = [
        one["id"] for one in resources if place_of(one["urn"]) == f"OAuthClient {form.key}"
    ]
    (records,) = [
        one["outputs"]["records"] for one in resources if place_of(one["urn"]) == "HandOver mails"
    ]
    return {"client_id": client_id, **records[f"acmidm {client_id}"]}


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """The mail as plain text, or as HTML."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
