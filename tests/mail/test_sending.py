"""A mail and a real mail server that fails at each step: one sentence each, nothing secret, and
never a second copy by itself."""

from __future__ import annotations

import smtplib
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from acmidm_onboarding.mail import Mail, NotSent, compose, send, sending
from acmidm_onboarding.settings import Settings
from acmidm_onboarding.texts import Language
from tests.support.fake_server import talking
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.settings import read
from tests.support.tls_server import self_signed

A, B = "a@stad.example", "b@stad.example"
CREDENTIALS = {"ACMIDM_SMTP_USERNAME": "onboarding", "ACMIDM_SMTP_PASSWORD": "very-private"}


def settings_for(port: int, scheme: str = "smtp", host: str = "127.0.0.1") -> Settings:
    return read(
        smtpUrl=f"{scheme}://{host}:{port}",
        mailSender="Digitaal Vlaanderen <noreply@dv.example>",
        requestTimeoutSeconds=1,
    )


def mail_to(*to: str, settings: Settings) -> Mail:
    one: dict[str, Any] = {
        "application": "loket",
        "organisation": "Stad Gent",
        "platform": "acmidm",
        "client_id": "c",
        "scopes": ["s"],
        "keys": "form",
        "issuer": "https://acm.example/op",
        "token_endpoint": None,
        "discovery": "https://acm.example/op/.well-known/openid-configuration",
        "apis": {},
        "afterwards": "",
    }
    values = {
        "application": "loket",
        "environment": "tni",
        "made": [{**one, "portal": None, "jwks_uri": None}],
        "added": [],
    }
    return compose(
        "hand-over",
        values,
        language=Language.NL,
        to=to,
        key="acmidm/tni/OVO002067/loket",
        step="3",
        settings=settings,
    )


def sent(
    server: MailServer, *to: str, environ: dict[str, str] | None = None
) -> dict[str, sending.RecipientRefusal]:
    settings = settings_for(server.port)
    return send(mail_to(*to, settings=settings), settings, environ or {})


def why_not(server: MailServer, *to: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(NotSent) as caught:
        sent(server, *(to or (A,)), environ=environ)
    said = str(caught.value)
    assert said.startswith(f"mail server 127.0.0.1:{server.port}: ")
    assert "\n" not in said
    assert "very-private" not in said
    return said.partition(": ")[2]


def test_what_is_sent_is_what_was_composed() -> None:
    """To whom, with text and HTML, the headers that machines read, and nothing of the stack's
    credentials."""
    with running_mail_server() as server:
        assert sent(server, A, B) == {}
    (found,) = server.received
    assert server.recipients == [[A, B]]
    assert found["To"] == f"{A}, {B}"
    assert found["From"] == "Digitaal Vlaanderen <noreply@dv.example>"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found["X-Acmidm-Connection"] == "acmidm/tni/OVO002067/loket"
    assert found["X-Acmidm-Step"] == "3"
    assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("answer", "is_temporary"), [("450 mailbox busy", True), ("550 no such user", False)]
)
def test_a_refused_recipient_holds_up_no_other(answer: str, is_temporary: bool) -> None:
    with running_mail_server() as server:
        server.refused[A] = answer
        found = sent(server, A, B)
        assert sent(server, A).keys() == {A}, "all of them"
    assert found == {A: f'{answer[:3]} "{answer[4:]}"'}
    assert found[A].is_temporary is is_temporary
    assert server.recipients == [[B]]


def test_an_end_in_the_middle_of_the_recipients_reaches_nobody() -> None:
    """421 ends the session: whoever was not asked about may be accepted later."""
    with running_mail_server() as server:
        server.refused[A] = "421 closing"
        found = sent(server, A, B)
    assert {address: why.is_temporary for address, why in found.items()} == {A: True, B: True}
    assert server.received == []


def test_an_address_that_no_server_can_have_is_refused_here() -> None:
    """The others get the mail, and one alone makes no connection at all."""
    with running_mail_server() as server:
        found = sent(server, A, "é@stad.example", "b@stad.example>,c.example")
        assert server.recipients == [[A]]
        assert {address: why.is_temporary for address, why in found.items()} == {
            "é@stad.example": False,
            "b@stad.example>,c.example": False,
        }
        assert sent(server, "é@stad.example").keys() == {"é@stad.example"}
        assert server.tries == 1


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"MAIL": "451 later"}, 'refused the sender: 451 "later"'),
        ({"MAIL": "553 not you"}, 'refused the sender: 553 "not you"'),
        ({"DATA": "452 full"}, 'refused the mail: 452 "full"'),
        ({"DATA": "554 spam"}, 'refused the mail: 554 "spam"'),
        (
            {"RCPT": None},
            (
                "gave no answer in time, so that nobody knows whether it has the mail; it is sent"
                " again with the same Message-ID"
            ),
        ),
        (
            {"DATA": None},
            (
                "gave no answer in time, so that nobody knows whether it has the mail; it is sent"
                " again with the same Message-ID"
            ),
        ),
    ],
)
def test_a_server_that_fails_at_each_step(answers: dict[str, str | None], sentence: str) -> None:
    """4xx, 5xx, a lost answer, none at all: the same sentence for the person who reads it, and one
    try."""
    with running_mail_server() as server:
        server.answers = answers
        assert why_not(server) == sentence
        assert server.tries <= 1


def test_a_mail_that_arrived_without_an_answer_has_the_same_id_when_it_comes_again() -> None:
    with running_mail_server() as server:
        server.answers = {"DATA": None}
        why_not(server)
        server.answers = {}
        assert sent(server, A) == {}
    first, second = server.received
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        (
            CREDENTIALS,
            "refused the credentials (535); correct ACMIDM_SMTP_USERNAME and ACMIDM_SMTP_PASSWORD",
        ),
        (
            {"ACMIDM_SMTP_USERNAME": "onboarding"},
            (
                "needs both ACMIDM_SMTP_USERNAME and ACMIDM_SMTP_PASSWORD in the environment, or"
                " neither"
            ),
        ),
        ({}, "refused the sender: 530"),
        (
            {"ACMIDM_SMTP_USERNAME": "onboarding", "ACMIDM_SMTP_PASSWORD": "very-private-é"},
            "is not given ACMIDM_SMTP_USERNAME",
        ),
    ],
)
def test_credentials_that_are_wrong_or_missing(environ: dict[str, str], said: str) -> None:
    with running_mail_server(auth=True) as server:
        assert why_not(server, environ=environ).startswith(said)
        assert server.received == []


def test_credentials_that_are_right() -> None:
    with running_mail_server(auth=True) as server:
        assert (
            sent(
                server,
                A,
                environ={"ACMIDM_SMTP_USERNAME": "onboarding", "ACMIDM_SMTP_PASSWORD": "right"},
            )
            == {}
        )
        assert server.log_ins == [("onboarding", "right")]


def test_a_server_that_repeats_the_password_is_not_repeated() -> None:
    """Nor does what it says move a cursor."""
    with running_mail_server(auth=True) as server:
        server.answers = {"DATA": "554 right \x1b[2J"}
        said = why_not(
            server, environ={"ACMIDM_SMTP_USERNAME": "onboarding", "ACMIDM_SMTP_PASSWORD": "right"}
        )
    assert said.startswith("refused the mail: 554")
    assert "right" not in said
    assert said.isprintable()


def test_credentials_for_a_server_that_takes_none() -> None:
    with running_mail_server() as server:
        assert why_not(server, environ=CREDENTIALS).startswith(
            "does not offer what is needed to send it"
        )


ELSEWHERE = "127.0.0.2"
"""This machine too, but by a name that is not one of loopback's: what holds for every other host
holds for it."""


def test_nothing_goes_to_another_machine_in_the_clear() -> None:
    with running_mail_server(host=ELSEWHERE) as server:
        settings = settings_for(server.port, host=ELSEWHERE)
        with pytest.raises(
            NotSent, match="does not offer STARTTLS, and nothing is sent in the clear"
        ):
            send(mail_to(A, settings=settings), settings, CREDENTIALS)
        assert (server.tries, server.log_ins) == (0, [])


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_certificate_that_nobody_trusts_gets_nothing(tmp_path: Path, scheme: str) -> None:
    """With STARTTLS and with TLS from the start: no credentials, no mail."""
    own, _ = self_signed(tmp_path, "mail.example")
    with running_mail_server(
        host=ELSEWHERE,
        **({"starttls": own} if scheme == "smtp" else {"tls": own}),  # type: ignore[arg-type]
    ) as server:
        settings = settings_for(server.port, scheme, ELSEWHERE)
        with pytest.raises(
            NotSent,
            match=(
                r"no encrypted connection: .*certificate.*; correct its certificate, or"
                r" acmidm:smtpUrl"
            ),
        ):
            send(mail_to(A, settings=settings), settings, CREDENTIALS)
        assert (server.tries, server.log_ins) == (0, [])


def test_on_this_machine_starttls_is_used_where_it_is_offered(tmp_path: Path) -> None:
    with running_mail_server(starttls=self_signed(tmp_path, "mail.example")[0]) as server:
        assert sent(server, A) == {}


def test_a_server_that_is_down_is_tried_once_for_many_mails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of a thousand would wait for it otherwise; another server is none of its business."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        settings = settings_for(port)
        for _ in range(2):
            with pytest.raises(
                NotSent,
                match=rf"mail server 127\.0\.0\.1:{port}: cannot be reached: Connection refused",
            ):
                send(mail_to(A, settings=settings), settings, {})
            monkeypatch.setattr(smtplib, "SMTP", None)
    monkeypatch.undo()
    with running_mail_server() as server:
        assert sent(server, A) == {}


def test_a_server_that_strings_its_answer_out_is_left_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A byte now and then is within every time-out of one read."""
    monkeypatch.setattr(sending, "_ANSWERS", 1)

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"220 here\r\n")
        while True:
            connection.sendall(b"2")
            time.sleep(0.1)  # the server's slowness is what is tested

    with talking(drip) as port, pytest.raises(NotSent, match="gave no answer in time"):
        send(mail_to(A, settings=settings_for(port)), settings_for(port), {})


def test_a_server_that_wants_to_be_logged_on_to_in_another_way_is_told_apart_from_one_that_ends() -> (  # noqa: E501
    None
):
    def serve(connection: socket.socket) -> None:
        with connection.makefile("rwb", buffering=0) as stream:
            stream.write(b"220 here\r\n")
            stream.readline()
            stream.write(b"250-here\r\n250 AUTH XOAUTH2\r\n")
            stream.readline()

    with (
        talking(serve) as port,
        pytest.raises(NotSent, match="does not offer what is needed to send it"),
    ):
        send(mail_to(A, settings=settings_for(port)), settings_for(port), CREDENTIALS)
