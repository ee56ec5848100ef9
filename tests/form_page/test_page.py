"""The page in a real browser, without a network: it refuses what the loader refuses, it makes keys
that software reads, and it is for everybody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Dialog, Page, expect

from acmidm_onboarding.values.jwk import public_jwk
from tests.form_page.cases import CASES, document_of, filled_in
from tests.form_page.conftest import KEEPING, SENTENCE, Filled
from tests.support.browser import accessible, shot, tab_to


def test_the_page_refuses_what_the_loader_refuses_and_saves_what_it_takes(filled: Filled) -> None:
    """By the table; what is right comes out as it went in, whatever YAML would make of it."""
    filled.page.evaluate(KEEPING)
    filled.without_key()
    documents = {name: document_of(case) for name, case in CASES.items()}
    outcomes = dict(zip(CASES, filled.outcomes(documents.values()), strict=True))
    for name, (mistakes, saved) in outcomes.items():
        assert bool(mistakes) == (saved is None) == CASES[name].is_wrong, (name, mistakes)
        if saved is not None:
            assert without_names(yaml.safe_load(saved)) == without_names(documents[name]), name


def without_names(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the names of key files, which the page makes of the application's."""
    requests = [
        {**one, "jwks": len(one.get("jwks", ()))}
        for one in document["form"]["environments"].values()
    ]
    form = {
        **document["form"],
        "environments": dict(zip(document["form"]["environments"], requests, strict=True)),
    }
    return {**document, "form": form, "keys": [*document.get("keys", {}).values()]}


def test_the_keyboard_is_enough(filled: Filled) -> None:
    """From the first field to the file; mistakes have the focus, and lead to their fields; the
    value that an OVO code tells is there."""
    page = filled.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Naar het formulier")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "Maak het bestand")
    page.keyboard.press("Enter")
    alert = page.get_by_role("alert")
    expect(alert).to_be_focused()
    expect(alert).to_contain_text("Er zijn nog 6 dingen te verbeteren")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#name")).to_be_focused()
    for text in (
        "Gemeente Voorbeeldem",
        "OVO099999",
        "",
        "e-loket",
        "digitalisering@voorbeeldem.example",
    ):
        page.keyboard.insert_text(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    summary = page.get_by_text("Notificaties", exact=True)
    while page.evaluate("document.activeElement.innerText") != "Notificaties":
        page.keyboard.press("Tab")
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.insert_text("meldingen van het loket")
    page.keyboard.press("Tab")
    page.keyboard.insert_text("2027-12-31")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_value(
        "https://data.vlaanderen.be/id/organisatie/OVO099999"
    )
    for text in ("gemeente-voorbeeldem", "10311"):
        page.keyboard.press("Tab")
        page.keyboard.insert_text(text)
    page.locator("#algorithm").focus()
    page.keyboard.press("ArrowDown")
    page.locator("#passphrase").focus()
    page.keyboard.insert_text(SENTENCE)
    page.keyboard.press("Tab")
    page.keyboard.insert_text(SENTENCE)
    name, private = filled.saved(lambda: page.keyboard.press("Enter"))
    assert name == "e-loket-tni.private.pem"
    assert private.startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    expect(page.locator("#key-state")).to_contain_text("e-loket-tni.private.pem, versleuteld")
    tab_to(page, "Maak het bestand")
    name, text = filled.saved(lambda: page.keyboard.press("Enter"))
    expect(page.locator("#done")).to_be_focused()
    assert name == "aansluiting-e-loket.yaml"
    document = yaml.safe_load(text)
    [key] = document.pop("keys").values()
    assert public_jwk(key).kid in page.locator("#done").inner_text()
    assert document == {
        "organisation": {"name": "Gemeente Voorbeeldem", "ovo": "OVO099999", "language": "nl"},
        "form": {
            "application": "e-loket",
            "contacts": ["digitalisering@voorbeeldem.example"],
            "environments": {
                "tni": {
                    "jwks": ["e-loket-tni.jwk.json"],
                    "scopes": {
                        "dv_notificaties_import": {
                            "reason": "meldingen van het loket",
                            "until": "2027-12-31",
                        }
                    },
                    "products": {
                        "notificaties": {
                            "aanbieder_uri": "https://data.vlaanderen.be/id/organisatie/OVO099999",
                            "merk_code": "gemeente-voorbeeldem",
                            "product_ids": ["10311"],
                        }
                    },
                }
            },
        },
    }


def test_a_value_of_the_wrong_form_gets_an_example(filled: Filled) -> None:
    filled.open("aansluiting-loket.yaml", document_of(CASES["no scheme"]))
    [mistake] = filled.mistakes()
    assert (
        "heeft niet de vereiste vorm; geef op: de URI van de organisatie die verstuurt"
        " (AanbiederUri), zoals" in mistake
    )
    expect(filled.page.get_by_label("passief, zonder mail")).to_be_visible()
    filled.page.get_by_role("button", name="English").click()
    expect(filled.page.get_by_label("passive (passief), without a mail")).to_be_visible()


def test_a_mistake_goes_when_the_corrected_field_is_left(filled: Filled) -> None:
    """Also one that another field corrects, and only that one. What is below stays where it is."""
    page = filled.page
    assert len(filled.mistakes()) == 6
    page.locator("#kbo").fill("0207.437.468")
    top = "document.getElementById('application').getBoundingClientRect().top + scrollY"
    before = page.evaluate(top)
    page.locator("#application").focus()
    expect(page.locator("#ovo-mistake")).to_be_empty()
    expect(page.locator("#name-mistake")).to_have_text("ontbreekt; voeg het toe")
    assert page.evaluate(top) == before
    assert len(filled.mistakes()) == 5


def test_it_is_kept_half_filled_in(filled: Filled) -> None:
    """With the public key that was made, never with the private one; the page goes on where it
    was."""
    page = filled.page
    page.locator("#name").fill("Gemeente Voorb")
    page.locator("#application").fill("e-loket")
    page.get_by_text("DOSIS, statusinformatie van dossiers").click()
    page.locator("[value=dv_dosis_schrijven]").check()
    page.locator("[id='dosis.product_ids']").fill("10311\n10312")
    filled.make_key(form="pkcs8")
    name, text = filled.saved(lambda: page.locator("#keep").click())
    assert name == "aansluiting-e-loket-concept.yaml"
    assert text.startswith("# Concept van een aansluitingsformulier. Het is niet af.")
    assert not re.search("PRIVATE|\\bd:", text)
    page.reload()
    filled.open(name, text)
    for place, value in (
        ("name", "Gemeente Voorb"),
        ("application", "e-loket"),
        ("dosis.product_ids", "10311\n10312"),
    ):
        expect(page.locator(f"[id='{place}']")).to_have_value(value)
    assert filled.saved(lambda: page.locator("#keep").click()) == (name, text)
    assert len(filled.mistakes()) == 3


def test_what_is_not_saved_is_not_lost_without_a_warning(filled: Filled) -> None:
    page = filled.page
    filled.open("aansluiting-loket.yaml", {**filled_in(), "keys": {}})
    page.locator("#name").fill("Stad Brugge (West-Vlaanderen)")
    stay(page)
    filled.saved(lambda: page.locator("#keep").click())
    filled.make_key(form="pkcs8")
    stay(page)
    filled.made()
    asked: list[str] = []

    def go_on(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", go_on)
    page.reload()
    filled.open("aansluiting-loket.yaml", filled_in())
    page.reload()
    page.remove_listener("dialog", go_on)
    assert asked == []


def stay(page: Page) -> None:
    """Reload, and take the warning to heart."""
    page.once("dialog", lambda dialog: dialog.dismiss())
    with page.expect_event("dialog") as asked:
        page.evaluate("setTimeout(() => location.reload())")
    assert asked.value.type == "beforeunload"


LONG = {
    "organisation": {"name": "b" * 189, "ovo": "OVO1"},
    "form": {**filled_in()["form"], "application": "x" * 70, "contacts": ["y" * 300]},
}


@pytest.mark.exhaustive
def test_it_is_for_everybody(filled: Filled) -> None:
    """In both languages, empty, with mistakes and done, in light and in dark, narrow and wide: axe
    finds nothing, and nothing lies beyond the edge."""
    page = filled.page
    look_at(page, "empty-nl")
    filled.open("x.yaml", LONG)
    assert filled.mistakes()
    look_at(page, "mistakes-nl")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Connection form (aansluitingsformulier)"
    )
    assert filled.mistakes()
    look_at(page, "mistakes-en")
    filled.open("aansluiting-loket.yaml", filled_in())
    assert filled.mistakes() == []
    look_at(page, "done-en")
    page.get_by_role("button", name="Nederlands").click()
    assert filled.mistakes() == []
    page.locator("details").evaluate_all("all => all.forEach(node => { node.open = true; })")
    page.emulate_media(color_scheme="dark")
    look_at(page, "done-nl-dark")


def look_at(page: Page, name: str) -> None:
    """The page as it is, narrow and wide; axe looks at the wide one."""
    for width in (400, 1180):
        page.set_viewport_size({"width": width, "height": 900})
        shot(page, f"form-page-{name}-{width}")
        edges = page.evaluate(
            "[...document.querySelectorAll('main *:not(.away)')].map(node =>"
            " node.getBoundingClientRect().right)"
        )
        shown = page.evaluate("document.documentElement.clientWidth")
        assert max(edges) <= shown
        assert page.evaluate("document.scrollingElement.scrollWidth") <= shown
    accessible(page)


def test_nothing_else_runs_and_nothing_is_requested(
    browser: Browser, html: str, tmp_path: Path
) -> None:
    """By the policy, also where a network is there."""
    file = tmp_path / "page.html"
    file.write_text(html.replace("</main>", "<script>document.title = 'ran'</script></main>"))
    page = browser.new_context(locale="nl-BE").new_page()
    page.goto(file.as_uri())
    assert page.title() == "Aansluitingsformulier"
    refused = "fetch('https://vlaanderen.example/').then(() => 'sent', () => 'refused')"
    assert page.evaluate(refused) == "refused"
    assert (
        page.evaluate("try { document.body.innerHTML = '<b>x</b>'; 'set' } catch { 'refused' }")
        == "refused"
    )
