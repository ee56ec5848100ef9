"""A mail server on loopback, and the settings that lead to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from acmidm_onboarding.settings import Settings
from tests.support.mail_server import MailServer, running_mail_server
from tests.support.settings import read


@pytest.fixture
def post_office() -> Iterator[MailServer]:
    with running_mail_server() as server:
        yield server


@pytest.fixture
def settings(post_office: MailServer) -> Settings:
    return settings_of(f"smtp://127.0.0.1:{post_office.port}")


def settings_of(smtp_url: str) -> Settings:
    return read(
        portalUrl="https://portaal.example",
        smtpUrl=smtp_url,
        mailSender="Digitaal Vlaanderen <noreply@vlaanderen.example>",
    )
