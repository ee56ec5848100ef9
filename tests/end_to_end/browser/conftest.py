"""One browser and one portal, which offers what the catalogue does, for the whole session; people
and clients are each test's own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Dialog, Page

from tests.sandbox.web import anybody
from tests.support.browser import accessible, shot
from tests.support.fixtures import portal
from tests.support.people import add_user
from tests.support.portal import RunningPortal, register_client

__all__ = ["portal"]


@pytest.fixture
def operator(portal: RunningPortal) -> Iterator[httpx.Client]:
    with portal.operator() as client:
        yield client


class Desk:
    """Someone before a browser of their own. Whatever the console has to complain of is kept, and
    each dialog that opens."""

    def __init__(self, page: Page, portal: RunningPortal, name: str, password: str) -> None:
        self.page, self.portal, self.name, self.password = page, portal, name, password
        self.person = anybody(portal)
        self.complaints: list[str] = []
        self.sent: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._complain)
        page.on(
            "request",
            lambda request: self.sent.append(
                f"{request.method} {request.url}\n{request.post_data or ''}"
            ),
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

    def be_logged_on(self) -> None:
        """As after `log_on`, where that is not what is tested: it takes a browser long."""
        self.person.name, self.person.password = self.name, self.password
        assert self.person.log_on().status_code == 303
        cookies = self.person.http.cookies.items()
        self.page.context.add_cookies(
            [{"name": name, "value": value, "url": self.portal.origin} for name, value in cookies]
        )

    def send(self, path: str, form: str = "", **fields: str) -> httpx.Response:
        """Sends the form of a page without the browser, which is at ``form`` where it is not at the
        same address; after `be_logged_on`."""
        answer = self.person.http.post(path, data={**self.person.fields(form or path), **fields})
        assert answer.status_code == 303, answer.text
        return answer

    def open(self, client_name: str) -> None:
        """Opens a client from the list."""
        self.page.get_by_role("link", name=client_name, exact=True).click()

    def upload(self, jwk: str | Path) -> None:
        """Fills the field of the client's page, by a file where it is one, and presses the
        button."""
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
    """Makes someone with a browser window; what `add_user` takes and the context's options are
    keywords."""
    contexts = []

    def make(
        *,
        organisation: str = "OVO002067",
        api_beheerder: bool = True,
        aansluitingenteam: bool = False,
        **options: Any,
    ) -> Desk:
        name = f"beheer-{uuid.uuid4().hex[:8]}"
        database = portal.settings.database
        password = add_user(
            database,
            name,
            [organisation],
            api_beheerder=api_beheerder,
            aansluitingenteam=aansluitingenteam,
        )
        context = browser.new_context(
            **{"locale": "nl-BE", "viewport": {"width": 1180, "height": 800}, **options}
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        return Desk(context.new_page(), portal, name, password)

    yield make
    for context in contexts:
        context.close()


def registered(operator: httpx.Client, name: str | None = None, **more: Any) -> tuple[str, str]:
    """A client with a name of its own: its client-ID and that name."""
    name = name or f"Stad Gent: {uuid.uuid4().hex[:8]}"
    return register_client(operator, client_name=name, scopes=["dv_notificaties_import"], **more)[
        "client_id"
    ], name


def look_at(page: Page, name: str, address: str) -> None:
    """A page in Dutch: axe finds nothing, and nothing but tables scrolls sideways on a narrow
    screen (WCAG 1.4.10). It leads to the same page in English, which says that it is and leads
    back; that page has the same elements, and is not drawn."""
    page.set_viewport_size({"width": 1180, "height": 800})
    page.goto(address)
    assert page.locator("html").get_attribute("lang") == "nl"
    accessible(page)
    shot(page, f"{name}-nl")
    page.set_viewport_size({"width": 320, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.url
    shot(page, f"{name}-nl-narrow")
    in_english = page.get_by_role("link", name="English").evaluate("link => link.href")
    assert in_english == address.replace("/nl/", "/en/", 1)
    english = page.request.get(in_english).text()
    assert '<html lang="en">' in english
    assert f'href="{urlsplit(address).path}"' in english
