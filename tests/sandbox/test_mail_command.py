"""`acmidm sandbox start` and `acmidm sandbox mail` of a stack whose mails the sandbox receives: a
real process, a real SMTP client."""

from __future__ import annotations

import json
import os
import re
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from tests.sandbox.mails import CONTACT, mail
from tests.support.ports import reserve_port
from tests.support.sandbox_stack import Stack

pytestmark = pytest.mark.tool


class MailStack(Stack):
    """A stack that has a free port for mails."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reserved_for_mail = reserve_port()
        self.smtp_port = int(self.reserved_for_mail.getsockname()[1])

    def receive_mail(self, url: str = "smtp://127.0.0.1:{port}") -> None:
        """From the next start on."""
        file = self.folder / "Pulumi.tni.yaml"
        more = {
            "acmidm:smtpUrl": url.format(port=self.smtp_port),
            "acmidm:mailSender": "noreply@vlaanderen.example",
        }
        file.write_text(json.dumps({"config": {**json.loads(file.read_text())["config"], **more}}))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailStack]:
    made = MailStack(tmp_path_factory.mktemp("mail"))
    yield made
    assert made.run("stop").returncode == 0
    made.reserved.close()
    made.reserved_for_mail.close()


@pytest.fixture(autouse=True)
def _folder(stack: MailStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stack.folder)


def shown_mails(*words: str) -> Result:
    """`acmidm sandbox mail …`."""
    return CliRunner().invoke(app, ["sandbox", "mail", *words])


@pytest.mark.parametrize(
    "url", [None, "smtps://127.0.0.1:{port}", "smtp://smtp.vlaanderen.example"]
)
def test_a_mail_server_of_others_is_left_to_them(stack: MailStack, url: str | None) -> None:
    """What has a certificate, or is elsewhere, is not the sandbox; nor is none."""
    if url:
        stack.receive_mail(url)
    none = shown_mails()
    assert (none.exit_code, "no sandbox that receives mail" in none.stderr) == (2, True)


def test_mails_of_the_stack_are_received_and_shown(stack: MailStack) -> None:
    """By text for people and by JSON for programs, newest first, whoever they are for; a word, of
    their text too, narrows them down."""
    stack.receive_mail()
    assert shown_mails().stdout == "the sandbox of tni received no mail\n"
    assert (
        stack.run("start").stdout == f"portal tni acmidm: started at {stack.origin}, mail at"
        f" smtp://127.0.0.1:{stack.smtp_port}\n"
    )
    first, second = (
        mail(text="Dag\tGent,\n\nuw \x1b[31mclient-ID\n##[error]x\n"),
        mail("OVO000001", subject=""),
    )
    with smtplib.SMTP("127.0.0.1", stack.smtp_port, timeout=30) as client:
        for message in (first, second, first):
            client.send_message(message)
    shown = shown_mails().stdout
    head, body = shown.split("\n\n", 1)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d \d\d:\d\d UTC  acmidm/tni/OVO000001/mijn-gent  no subject\n  to"
        rf" {CONTACT}",
        head,
    )
    assert (
        f"acmidm/tni/OVO002067/mijn-gent  Uw client-ID\n  to {CONTACT}, received 2 times\n\n    Dag"
        "    Gent,\n\n    uw " in body
    )
    assert "\x1b" not in shown
    assert "##[" not in shown
    found = json.loads(shown_mails("ovo002067", "uw", "-o", "json").stdout)
    assert found["stack"] == "tni"
    assert [(one["message_id"], one["received"], one["step"]) for one in found["mails"]] == [
        (first["Message-ID"], 2, "3")
    ]
    assert found["mails"][0]["text"].startswith("Dag\tGent,\n\nuw ")
    for word, mails in (("dag", 2), ("gent,", 1), ("@stad.example", 2)):
        assert len(json.loads(shown_mails(word, "-o", "json").stdout)["mails"]) == mails, word
    assert shown_mails("067").stdout == 'the sandbox of tni received no mail that has "067"\n'
    assert (
        shown_mails("a\n\x1b\udcff").stdout
        == 'the sandbox of tni received no mail that has "a\\n\\x1b\\udcff"\n'
    )
    stack.run("stop")
    assert "Uw client-ID" in shown_mails().stdout


def test_a_taken_port_for_mail_is_as_clear(stack: MailStack) -> None:
    """Named with who has it, before anything is started."""
    stack.reserved_for_mail.listen()
    refused = stack.run("start")
    assert refused.returncode == 1
    assert (
        f"port {stack.smtp_port} of 127.0.0.1 is taken by process {os.getpid()} " in refused.stderr
    )
    assert "make ports OFFSET=100" in refused.stderr
