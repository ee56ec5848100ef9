"""A mail server on loopback that accepts, or refuses by recipient, and the settings that lead to it."""

from __future__ import annotations

import email
from asyncio.base_events import Server
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from acmidm_onboarding.settings import Settings, read_settings
from tests.support.fixtures import portal, project, registry

__all__ = ["portal", "project", "registry"]


@dataclass
class PostOffice:
    """What was accepted, in order, and who is refused."""

    refused: set[str] = field(default_factory=set)
    accepted: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: ARG002, N802
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ARG002, N802
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.accepted.append(message)
        return "250 OK"


class OnAnyPort(Controller):
    """On a port that the system gives; ``Controller`` looks for itself on the one that it asked for."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@pytest.fixture
def post_office() -> PostOffice:
    return PostOffice()


@pytest.fixture
def settings(post_office: PostOffice) -> Iterator[Settings]:
    controller = OnAnyPort(post_office, hostname="127.0.0.1", port=0)
    controller.start()
    yield settings_of(f"smtp://127.0.0.1:{controller.port}")
    controller.stop()


def settings_of(smtp_url: str) -> Settings:
    values = {
        "environment": "tni",
        "managementUrl": "http://127.0.0.1:1/management",
        "issuer": "http://127.0.0.1:1",
        "productsUrl": "http://127.0.0.1:1/products",
        "operatorClientId": "operator",
        "portalUrl": "https://portaal.example",
        "smtpUrl": smtp_url,
        "mailSender": "Digitaal Vlaanderen <noreply@vlaanderen.example>",
    }
    return read_settings(values.get, {})
