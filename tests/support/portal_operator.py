"""Plays the people at a Beheerportaal, with a real Chromium: what an order asks of a person,
somebody does.

Each is a new user of the sandbox with a window of its own, who logs on, clicks and types in Dutch.
What the page refuses is an AssertionError with what it said. There are three kinds of people: who
has the right API-beheerder for a client's organisation, who has it for the organisation that owns
an API, and the Aansluitingenteam.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from acmidm_sandbox.beheerportaal.settings import PortalSettings
from acmidm_sandbox.beheerportaal.store import clients
from acmidm_sandbox.beheerportaal.store.opening import open_database
from story.person import MENU, client_path
from tests.support.people import add_user

APIS = "/portaal/nl/toegangsbeheer/api-en-clientbeheer/mijn-apis"
TEAM = "OVO002949"
"""Of whom the Aansluitingenteam is."""


class PortalOperator:
    """The people at the portal with these settings, such as ``RunningPortal.settings``; windows of
    ``browser`` are theirs."""

    def __init__(self, browser: Browser, settings: PortalSettings) -> None:
        self._browser, self._settings = browser, settings
        self._windows: dict[tuple[str, bool], Page] = {}

    def referentie(self, scope: str) -> str:
        """The Referentie of the API that grants a scope."""
        return next(
            referentie for referentie, api in self._settings.apis.items() if scope in api.scopes
        )

    def create_client(
        self,
        organisation: str,
        name: str,
        contacts: Sequence[str] = ("api-beheer@stad.example",),
        organisation_name: str = "",
    ) -> str:
        """Makes a client for the organisation with this OVO code or KBO number; returns its
        client-ID.

        ``organisation_name`` counts where nobody acted for the organisation before.
        """
        page = self._open(organisation, f"/portaal/nl{MENU}/nieuw", organisation_name)
        page.get_by_label("Client", exact=True).fill(name)
        page.get_by_label("Contact").fill("\n".join(contacts))
        _press(page, "Client aanmaken")
        return page.url.rpartition("/")[2].partition("?")[0]

    def change_client(self, client_id: str, name: str, contacts: Sequence[str]) -> None:
        """Gives the client another name and other contacts."""
        page = self._open(self._organisation_of(client_id), f"{client_path(client_id)}/aanpassen")
        page.get_by_label("Client", exact=True).fill(name)
        page.get_by_label("Contact").fill("\n".join(contacts))
        _press(page, "Client aanpassen")

    def request_coupling(self, client_id: str, referentie: str) -> None:
        """Requests that the client is coupled to the API with this Referentie."""
        page = self._open(self._organisation_of(client_id), client_path(client_id))
        page.get_by_label("Referentie").fill(referentie)
        _press(page, "Koppelen")

    def approve(
        self,
        client_id: str,
        referentie: str,
        scopes: Collection[str],
        default: Collection[str] = (),
    ) -> None:
        """As the API's owner: grants these scopes and no others of the API, those in ``default`` as
        such. A coupling that was approved before is changed to that."""
        page = self._coupling(client_id, referentie)
        for scope in self._settings.apis[referentie].scopes:
            page.locator(f'[name="scope.{scope}"]').set_checked(scope in scopes)
            page.locator(f'[name="default.{scope}"]').set_checked(scope in default)
        waits = page.get_by_role("button", name="Goedkeuren").count()
        _press(page, "Goedkeuren" if waits else "Scopes wijzigen")

    def refuse(self, client_id: str, referentie: str, reason: str) -> None:
        """As the API's owner: refuses what was requested."""
        page = self._coupling(client_id, referentie)
        page.get_by_label("Reden").fill(reason)
        _press(page, "Weigeren")

    def disconnect(self, client_id: str, referentie: str) -> None:
        """As the API's owner: takes all scopes of the API from the client."""
        _press(self._coupling(client_id, referentie), "Loskoppelen")

    def upload_key(self, client_id: str, jwk: Path) -> None:
        """Uploads a public key, or a set of them, as a file."""
        page = self._open(self._organisation_of(client_id), client_path(client_id))
        page.get_by_label("Bestand").set_input_files(jwk)
        _press(page, "Sleutel opladen")

    def remove_key(self, client_id: str, kid: str) -> None:
        """Removes a public key, the last one too."""
        page = self._open(self._organisation_of(client_id), client_path(client_id))
        last = page.locator('[name="laatste"]')
        if last.count():
            last.check()
        _press(page, f"Verwijderen {kid}")

    def register_product(
        self, client_id: str, product: str, configuration: Mapping[str, Any]
    ) -> None:
        """As the Aansluitingenteam: configures the product, with these fields and no others."""
        page = self._configuration(client_id, product)
        for name in self._settings.products[product].json_schema["properties"]:
            value = configuration.get(name, "")
            lines = (
                value
                if isinstance(value, list)
                else [value if isinstance(value, str) else json.dumps(value)]
            )
            page.locator(f'[name="veld-{name}"]').fill("\n".join(lines))
        _press(page, "Configuratie bewaren")

    def remove_product(self, client_id: str, product: str) -> None:
        """As the Aansluitingenteam: removes the product's configuration. The client must still be
        there."""
        _press(self._configuration(client_id, product), "Configuratie verwijderen")

    def remove_client(self, client_id: str) -> None:
        """Removes the client, as somebody of its organisation."""
        page = self._open(self._organisation_of(client_id), client_path(client_id))
        page.get_by_text("Client verwijderen").first.click()
        page.locator('[name="bevestigd"]').check()
        _press(page, "Client verwijderen")

    def _coupling(self, client_id: str, referentie: str) -> Page:
        api = self._settings.apis[referentie]
        return self._open(api.owner, f"{APIS}/{api.client_id}/{client_id}")

    def _configuration(self, client_id: str, product: str) -> Page:
        return self._open(TEAM, f"{client_path(client_id)}/producten/{product}", team=True)

    def _organisation_of(self, client_id: str) -> str:
        with closing(open_database(self._settings.database)) as store, store.read() as connection:
            client = clients.find(connection, client_id)
        assert client is not None, f"there is no client {client_id}"
        return client.document.organisation.code

    def _open(
        self, organisation: str, path: str, organisation_name: str = "", *, team: bool = False
    ) -> Page:
        """A page, in the window of somebody of the organisation, who logs on the first time."""
        page = self._windows.get((organisation, team))
        if page is None:
            name = f"{'team' if team else 'beheer'}-{organisation}-{uuid.uuid4().hex[:6]}"
            rights = {"api_beheerder": not team, "aansluitingenteam": team}
            database = self._settings.database
            password = add_user(
                database, name, [organisation], organisation_name=organisation_name, **rights
            )
            page = self._windows[organisation, team] = self._browser.new_context(
                locale="nl-BE"
            ).new_page()
            page.goto(self._settings.origin)
            page.get_by_label("Gebruikersnaam").fill(name)
            page.get_by_label("Wachtwoord").fill(password)
            page.get_by_role("button", name="Aanmelden").click()
            page.get_by_role("button", name="Afmelden").wait_for()
        page.goto(self._settings.origin + path)
        return page


def _press(page: Page, button: str) -> None:
    """Presses a button; the page that follows says that it is done, or what is wrong."""
    page.get_by_role("button", name=button, exact=True).click()
    said = page.locator(".notice.good, #fouten").first
    text = said.inner_text()
    assert "good" in (said.get_attribute("class") or ""), f"{page.url}: {text}"
