"""For everybody: by keyboard alone, in both languages, with axe's blessing, and on a narrow
screen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from story.person import MENU, client_path
from tests.end_to_end.browser.conftest import Desk, look_at, registered
from tests.sandbox.mails import deliver, mail
from tests.support.browser import accessible, shot, tab_to
from tests.support.forms import DOSIS, NOTIFICATIES
from tests.support.offered import ATTRIBUTE
from tests.support.people import set_right
from tests.support.portal import RunningPortal, new_key, public_jwk, put_current, sign_assertion

_DAY = 24 * 3600


@pytest.fixture
def client_id(portal: RunningPortal, operator: httpx.Client) -> str:
    """A client with all there can be: keys in each state, products, scopes, an attribute, a
    history, a refused request."""
    client_id, _ = registered(operator, attributes={ATTRIBUTE: "loket"})
    scopes = {
        "scopes": ["dv_notificaties_import", "dv_dosis_schrijven"],
        "default": ["dv_dosis_schrijven"],
    }
    put_current(operator, f"/management/v1/clients/{client_id}/scopes", scopes).raise_for_status()
    now = int(time.time())
    ends = {
        "mijn-gent-2024": now - _DAY,
        "mijn-gent-2025": now + 12 * _DAY,
        "mijn-gent-2026": now + 400 * _DAY,
        "zonder-einde": None,
    }
    pairs = {kid: new_key(kid) for kid in ends}
    keys = [
        {**public_jwk(pairs[kid]), **({} if end is None else {"exp": end})}
        for kid, end in ends.items()
    ]
    put_current(
        operator, f"/management/v1/clients/{client_id}/jwks", {"keys": keys}
    ).raise_for_status()
    for product, configuration in (("notificaties", NOTIFICATIES), ("dosis", DOSIS)):
        path = f"/products/v1/{product}/configurations/{client_id}"
        operator.put(
            path, json={"configuration": configuration}, headers={"If-None-Match": "*"}
        ).raise_for_status()
    assertion = sign_assertion(pairs["mijn-gent-2026"], client_id, portal.token_endpoint)
    assert portal.request_token(assertion).status_code == 401
    return client_id


@pytest.mark.exhaustive
def test_every_page_is_for_everybody(
    portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk], client_id: str
) -> None:
    """Before and after logging on, with mistakes, and without the right: see ``look_at``."""
    deliver(
        portal,
        mail(subject="Herinnering: " + "een heel lang onderwerp dat niet op een regel past " * 3),
        "x" * 60 + "@stad.example",
    )
    declared, _ = registered(operator, keys=[new_key("of-form")], keys_declared=True)
    someone = desk()
    page, mailbox, own = someone.page, "/portaal/nl/postvak", client_path(client_id)
    log_on = f"{portal.origin}/portaal/nl/aanmelden"
    look_at(page, "log-on", log_on)
    page.goto(log_on)
    page.get_by_label("Gebruikersnaam").fill("nobody")
    page.get_by_label("Wachtwoord").fill("nothing")
    page.get_by_role("button", name="Aanmelden").click()
    assert "horen niet bij elkaar" in someone.summary
    accessible(page)
    someone.log_on()
    page.goto(portal.origin + mailbox)
    pages = {
        "clients": f"/portaal/nl{MENU}",
        "client": own,
        "client-declared": client_path(declared),
        "not-found": "/portaal/nl/nowhere",
        "mailbox": mailbox,
        "mail": str(page.get_by_role("link", name="Herinnering:").first.get_attribute("href")),
    }
    for name, path in pages.items():
        look_at(page, name, portal.origin + path)
    page.goto(portal.origin + own)
    someone.upload('{"kty": "EC"}')
    assert "kid ontbreekt" in someone.summary
    accessible(page)
    shot(page, "refused")
    set_right(portal.settings.database, someone.name, api_beheerder=False)
    look_at(page, "no-right", portal.origin + own)


def test_the_keyboard_is_enough(
    portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk]
) -> None:
    """From the front door to an uploaded key without a mouse; the focus shows, and the skip link
    skips."""
    client_id, name = registered(operator)
    key = new_key("typed")
    someone = desk()
    page = someone.page
    page.goto(portal.origin)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Naar de inhoud")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Gebruikersnaam")).to_be_focused()
    assert _outline(page) >= 2
    page.keyboard.type(someone.name)
    page.keyboard.press("Tab")
    page.keyboard.type(someone.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Mijn OAuth Clients")
    tab_to(page, name)
    assert _outline(page) >= 2
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    tab_to(page, "JSON Web Key (JWK)")
    page.keyboard.insert_text(json.dumps(public_jwk(key)))
    tab_to(page, "Sleutel opladen")
    page.keyboard.press("Enter")
    expect(page.get_by_text("De sleutel is opgeladen")).to_be_visible()
    tab_to(page, "Ik begrijp dat de applicatie daarna niet meer werkt")
    page.keyboard.press("Space")
    tab_to(page, "Verwijderen typed")
    page.keyboard.press("Enter")
    expect(page.get_by_text("De sleutel is verwijderd")).to_be_visible()
    assert operator.get(f"/management/v1/clients/{client_id}/jwks").json()["keys"] == []


def test_the_end_of_a_key_is_told_in_words(
    portal: RunningPortal, desk: Callable[..., Desk], client_id: str
) -> None:
    """Not by colour alone."""
    someone = desk()
    someone.be_logged_on()
    someone.page.goto(portal.origin + client_path(client_id))
    for kid, words in (
        ("mijn-gent-2024", "Vervallen"),
        ("mijn-gent-2025", "Vervalt binnenkort"),
        ("mijn-gent-2026", "Geldig"),
        ("zonder-einde", "Zonder einddatum"),
    ):
        expect(someone.page.get_by_role("row").filter(has_text=kid).first).to_contain_text(words)


def test_nothing_of_others_runs(operator: httpx.Client, desk: Callable[..., Desk]) -> None:
    """What others call themselves opens no dialog."""
    attack = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    said = {
        "application": attack,
        "attributes": {ATTRIBUTE: attack},
        "contacts": ["<script>@x.example"],
    }
    registered(operator, attack, keys=[new_key(f'"{attack}')], **said)
    someone = desk()
    page = someone.page
    someone.log_on()
    someone.open(attack)
    expect(page.get_by_role("heading", level=1)).to_have_text(attack)
    expect(page.get_by_text(f'"{attack}').first).to_be_visible()
    assert someone.complaints == []


def _outline(page: Page) -> float:
    """The width in pixels of the outline around what has the focus."""
    return float(page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)"))
