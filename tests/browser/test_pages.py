"""For everybody: by keyboard alone, in both languages, with axe's blessing, on a narrow screen and on paper."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Dialog, Page, expect

from story.person import MENU, client_path
from tests.browser.conftest import Desk
from tests.browser.test_steps import registered
from tests.support.browser import accessible, shot
from tests.support.engine import ROOT
from tests.support.forms import DOSIS, NOTIFICATIES
from tests.support.offered import ATTRIBUTE
from tests.support.portal import RunningPortal, new_key, public_jwk, put_current
from tests.support.registry import NOT_DECLARED

_DAY = 24 * 3600


@pytest.fixture
def client(operator: httpx.Client) -> tuple[str, str]:
    """A client with all there can be: keys in each state, products, scopes, an attribute, a history."""
    client_id, name = registered(operator, attributes={ATTRIBUTE: "loket"})
    scopes = {"scopes": ["dv_notificaties_schrijven", "dv_dosis_schrijven"], "default": ["dv_dosis_schrijven"]}
    put_current(operator, f"/management/v1/clients/{client_id}/scopes", scopes).raise_for_status()
    now = int(time.time())
    ends = {"mijn-gent-2024": now - _DAY, "mijn-gent-2025": now + 12 * _DAY, "mijn-gent-2026": now + 400 * _DAY, "zonder-einde": None}
    keys = [{**public_jwk(new_key(kid)), **({} if end is None else {"exp": end})} for kid, end in ends.items()]
    put_current(operator, f"/management/v1/clients/{client_id}/jwks", {"keys": keys}).raise_for_status()
    for product, configuration in (("notificaties", NOTIFICATIES), ("dosis", DOSIS)):
        path = f"/products/v1/{product}/configurations/{client_id}"
        operator.put(path, json={"configuration": configuration}, headers={"If-None-Match": "*"}).raise_for_status()
    return client_id, name


def pages_of(client_id: str, language: str) -> dict[str, str]:
    """Every page of someone who has logged on."""
    own = client_path(client_id, language)
    return {
        "clients": f"/portaal/{language}{MENU}",
        "client": own,
        "history": f"{own}/geschiedenis",
        "remove-key": f"{own}/sleutels/verwijderen?kid=mijn-gent-2025",
        "not-found": f"/portaal/{language}/nowhere",
    }


def test_axe_finds_nothing(portal: RunningPortal, desk: Callable[..., Desk], client: tuple[str, str]) -> None:
    """On every page, in both languages, before and after logging on."""
    someone = desk()
    for language in ("nl", "en"):
        someone.page.goto(f"{portal.origin}/portaal/{language}/aanmelden")
        accessible(someone.page)
        shot(someone.page, f"log-on-{language}")
    someone.page.goto(f"{portal.origin}/portaal/nl/aanmelden")
    someone.page.get_by_label("Gebruikersnaam").fill("nobody")
    someone.page.get_by_label("Wachtwoord").fill("nothing")
    someone.page.get_by_role("button", name="Aanmelden").click()
    assert "horen niet bij elkaar" in someone.summary
    accessible(someone.page)
    someone.log_on()
    for language in ("nl", "en"):
        for name, path in pages_of(client[0], language).items():
            someone.page.goto(portal.origin + path)
            accessible(someone.page)
            shot(someone.page, f"{name}-{language}")
    someone.page.goto(portal.origin + client_path(client[0]))
    someone.page.get_by_label("JSON Web Key").fill('{"kty": "EC"}')
    someone.page.get_by_role("button", name="Sleutel opladen").click()
    assert "kid ontbreekt" in someone.summary
    accessible(someone.page)
    shot(someone.page, "refused")


def test_the_keyboard_is_enough(portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk]) -> None:
    """From the front door to an uploaded key without a mouse; the focus shows, and the skip link skips."""
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
    _tab_to(page, name)
    assert _outline(page) >= 2
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    _tab_to(page, "JSON Web Key (JWK)")
    page.keyboard.insert_text(json.dumps(public_jwk(key)))
    _tab_to(page, "Sleutel opladen")
    page.keyboard.press("Enter")
    expect(page.get_by_text("De sleutel is opgeladen")).to_be_visible()
    _tab_to(page, "Verwijderen typed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sleutel verwijderen")
    _tab_to(page, "Ik begrijp dat de applicatie daarna niet meer werkt")
    page.keyboard.press("Space")
    _tab_to(page, "Sleutel verwijderen")
    page.keyboard.press("Enter")
    expect(page.get_by_text("De sleutel is verwijderd")).to_be_visible()
    assert operator.get(f"/management/v1/clients/{client_id}/jwks").json()["keys"] == []


def test_the_language_can_be_switched_on_every_page(portal: RunningPortal, desk: Callable[..., Desk], client: tuple[str, str]) -> None:
    """To the same page, there and back; the page says which language it is in."""
    someone = desk()
    someone.log_on()
    page = someone.page
    for path in pages_of(client[0], "nl").values():
        page.goto(portal.origin + path)
        assert page.locator("html").get_attribute("lang") == "nl"
        heading = page.get_by_role("heading", level=1).inner_text()
        page.get_by_role("link", name="English").click()
        assert page.url == portal.origin + path.replace("/nl/", "/en/", 1)
        assert page.locator("html").get_attribute("lang") == "en"
        page.get_by_role("link", name="Nederlands").click()
        assert page.get_by_role("heading", level=1).inner_text() == heading
    english = desk(locale="en-GB")
    english.page.goto(portal.origin)
    expect(english.page.get_by_role("heading", level=1)).to_have_text("Log on to the Beheerportaal")


def test_expiry_is_told_in_words(portal: RunningPortal, desk: Callable[..., Desk], client: tuple[str, str]) -> None:
    """Not by colour alone."""
    someone = desk()
    someone.log_on()
    someone.page.goto(portal.origin + client_path(client[0]))
    for kid, words in (
        ("mijn-gent-2024", "Vervallen"),
        ("mijn-gent-2025", "Vervalt binnenkort"),
        ("mijn-gent-2026", "Geldig"),
        ("zonder-einde", "Zonder einddatum"),
    ):
        expect(someone.page.get_by_role("row").filter(has_text=kid).first).to_contain_text(words)
    expect(someone.page.get_by_text("nog 11 dagen")).to_be_visible()


@pytest.mark.parametrize("width", [320, 390])
def test_a_narrow_screen(portal: RunningPortal, desk: Callable[..., Desk], client: tuple[str, str], width: int) -> None:
    """WCAG 1.4.10: nothing but tables scrolls sideways."""
    someone = desk(viewport={"width": width, "height": 700})
    someone.log_on()
    for name, path in pages_of(client[0], "nl").items():
        someone.page.goto(portal.origin + path)
        assert someone.page.evaluate("document.documentElement.scrollWidth") <= width, path
        accessible(someone.page)
        shot(someone.page, f"{name}-{width}")


def test_on_paper(portal: RunningPortal, desk: Callable[..., Desk], client: tuple[str, str]) -> None:
    """What can be done is left out, what is known is there."""
    someone = desk()
    someone.log_on()
    someone.page.goto(portal.origin + client_path(client[0]))
    someone.page.emulate_media(media="print")
    expect(someone.page.get_by_role("rowheader", name="mijn-gent-2026")).to_be_visible()
    for gone in ("Sleutel opladen", "Afmelden"):
        expect(someone.page.get_by_role("button", name=gone)).to_be_hidden()
    expect(someone.page.get_by_role("link", name="Verwijderen mijn-gent-2026")).to_be_hidden()
    shot(someone.page, "print")
    assert someone.page.pdf().startswith(b"%PDF")


def test_names_are_no_markup(operator: httpx.Client, desk: Callable[..., Desk]) -> None:
    """Nothing of what others call themselves runs: no dialog opens, and the page's policy has nothing to stop."""
    attack = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    client_id, _ = registered(operator)
    path = f"/management/v1/clients/{client_id}"
    document = operator.get(path).json()
    declared = {key: value for key, value in document.items() if key not in NOT_DECLARED}
    operator.put(path, json={**declared, "client_name": attack}, headers={"If-Match": "*"}).raise_for_status()
    put_current(operator, f"{path}/jwks", {"keys": [public_jwk(new_key(f'"{attack}'))]}).raise_for_status()
    someone = desk()
    dialogs: list[str] = []

    def note(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    someone.page.on("dialog", note)
    someone.log_on()
    someone.open(attack)
    expect(someone.page.get_by_role("heading", level=1)).to_have_text(attack)
    someone.page.get_by_role("link", name="Verwijderen").click()
    expect(someone.page.get_by_text(f'"{attack}').first).to_be_visible()
    assert (dialogs, someone.complaints) == ([], [])


def test_another_origin_can_not_use_the_session(portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk]) -> None:
    """A form that another page sends is refused, and no page of the portal shows inside another."""
    client_id, _ = registered(operator, keys=[new_key()])
    someone = desk()
    someone.log_on()
    page = someone.page
    target = f"{portal.origin}{client_path(client_id)}"
    page.route(
        "http://evil.example/",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f'<form method="post" action="{target}/sleutels/verwijderen"><input name="kid" value="key-1"><button>x</button></form>'
            f'<iframe src="{target}"></iframe>',
        ),
    )
    page.goto("http://evil.example/")
    framed = page.frames[-1]
    assert "Publieke sleutels" not in framed.content()
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Dit formulier geldt niet meer")
    assert len(operator.get(f"/management/v1/clients/{client_id}/jwks").json()["keys"]) == 1


def test_the_screenshots_are_small() -> None:
    """Those of the README."""
    files = list((ROOT / "docs" / "images").glob("*.png"))
    assert files
    assert all(file.stat().st_size < 150_000 for file in files)


def _tab_to(page: Page, name: str) -> None:
    """Presses Tab until what has the focus is called ``name``."""
    named = "e => e.labels?.length ? e.labels[0].innerText : e.innerText"
    for _ in range(60):
        page.keyboard.press("Tab")
        text = page.evaluate(f"({named})(document.activeElement)") or ""
        if " ".join(text.split()) == name:
            return
    raise AssertionError(f"the keyboard does not reach {name}")


def _outline(page: Page) -> float:
    """The width in pixels of the outline around what has the focus."""
    return float(page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)"))
