"""One browser and one portal, which offers what the catalogue does, for the whole session; people and clients are each
test's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, Page

from acmidm_sandbox.beheerportaal.users import add_user
from tests.support.fixtures import portal
from tests.support.portal import RunningPortal

__all__ = ["portal"]


@pytest.fixture
def operator(portal: RunningPortal) -> Iterator[httpx.Client]:
    with portal.operator() as client:
        yield client


class Desk:
    """Someone of Stad Gent before a browser of their own. Whatever the console has to complain of is kept, and each
    dialog that opens."""

    def __init__(self, page: Page, portal: RunningPortal, name: str, password: str) -> None:
        self.page, self.portal, self.name, self.password = page, portal, name, password
        self.complaints: list[str] = []
        self.sent: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._complain)
        page.on(
            "request", lambda request: self.sent.append(f"{request.method} {request.url}\n{request.post_data or ''}")
        )

    def _complain(self, dialog: Dialog) -> None:
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def log_on(self) -> None:
        """From the portal's front door, in Dutch."""
        self.page.goto(self.portal.origin)
        self.page.get_by_label("Gebruikersnaam").fill(self.name)
        self.page.get_by_label("Wachtwoord").fill(self.password)
        self.page.get_by_role("button", name="Aanmelden").click()

    def open(self, client_name: str) -> None:
        """Opens a client from the list."""
        self.page.get_by_role("link", name=client_name, exact=True).click()

    def upload(self, jwk: str | Path) -> None:
        """Fills the field of the client's page, by a file where it is one, and presses the button."""
        if isinstance(jwk, Path):
            self.page.get_by_label("Bestand").set_input_files(jwk)
        else:
            self.page.get_by_label("JSON Web Key").fill(jwk)
        self.page.get_by_role("button", name="Sleutel opladen").click()

    @property
    def summary(self) -> str:
        """What the error summary says."""
        return self.page.get_by_role("alert").inner_text()


@pytest.fixture
def desk(browser: Browser, portal: RunningPortal) -> Iterator[Callable[..., Desk]]:
    """Makes someone with a browser window; `api_beheerder` and the context's options are keywords."""
    contexts = []

    def make(*, api_beheerder: bool = True, **options: Any) -> Desk:
        name = f"beheer-{uuid.uuid4().hex[:8]}"
        password = add_user(portal.settings.database, name, ["OVO002067"], api_beheerder=api_beheerder)
        context = browser.new_context(**{"locale": "nl-BE", "viewport": {"width": 1180, "height": 800}, **options})
        context.set_default_timeout(20_000)
        contexts.append(context)
        return Desk(context.new_page(), portal, name, password)

    yield make
    for context in contexts:
        context.close()
