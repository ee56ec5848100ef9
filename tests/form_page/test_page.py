"""The page in a real browser, without a network: it refuses what the loader refuses, it makes keys that software reads,
and it is for everybody."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwcrypto.jwk import JWK
from playwright.sync_api import Browser, Dialog, Page, expect
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm_onboarding.texts import Language, texts
from acmidm_onboarding.values.jwk import public_jwk
from tests.end_to_end.browser.conftest import tab_to
from tests.form_page.cases import CASES, KEY, document_of, filled_in
from tests.form_page.conftest import SENTENCE, Filled
from tests.forms.test_secrets_in_forms import JWT, SECRETS
from tests.support.browser import accessible, shot
from tests.support.engine import ROOT
from tests.support.terminal import contents
from tests.support.workspace import private_key

ASSETS = ROOT / "acmidm/form_page/assets"
JS_YAML = "32391560601990bb6e0daabd8106a35a6a539de088532413931a70a4cb4f4769"
"""SHA-256 of dist/js-yaml.min.js of js-yaml 4.3.2."""

KEEPING = """() => {
    HTMLAnchorElement.prototype.click = () => {};
    const create = URL.createObjectURL;
    URL.createObjectURL = (blob) => { globalThis.kept = blob.text(); return create(blob); };
}"""


def test_the_page_refuses_what_the_loader_refuses_and_saves_what_it_takes(filled: Filled) -> None:
    """By the table; what is right comes out as it went in, whatever YAML would make of it."""
    filled.page.evaluate(KEEPING)  # a browser stops a page that saves a file a second
    filled.without_key()
    for name, case in CASES.items():
        document = document_of(case)
        filled.open("aansluiting-loket.yaml", document)
        assert bool(mistakes := filled.mistakes()) == case.is_wrong, (name, mistakes)
        if not case.is_wrong:
            saved = yaml.safe_load(filled.page.evaluate("kept"))
            assert without_names(saved) == without_names(document), name


def without_names(document: dict[str, Any]) -> dict[str, Any]:
    """The document without the names of key files, which the page makes of the application's."""
    requests = [{**one, "jwks": len(one.get("jwks", ()))} for one in document["form"]["environments"].values()]
    form = {**document["form"], "environments": dict(zip(document["form"]["environments"], requests, strict=True))}
    return {**document, "form": form, "keys": [*document.get("keys", {}).values()]}


def test_the_keyboard_is_enough(filled: Filled) -> None:
    """From the first field to the file; mistakes have the focus, and lead to their fields; the value that an OVO code
    tells is there."""
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
    for text in ("Gemeente Voorbeeldem", "OVO099999", "", "e-loket", "digitalisering@voorbeeldem.example"):
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
    expect(page.locator(":focus")).to_have_value("https://data.vlaanderen.be/id/organisatie/OVO099999")
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
                    "scopes": {"dv_notificaties_import": {"reason": "meldingen van het loket"}},
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


@pytest.mark.parametrize(
    ("algorithm", "form"), [("ES256", "encrypted"), ("ES256", "pkcs8"), ("ES256", "jwk"), ("RS256", "encrypted")]
)
def test_the_private_key_is_one_that_software_reads(filled: Filled, algorithm: str, form: str) -> None:
    """Its public half is in the file, as ``acmidm keys`` would write it; of the private half nothing is left in the
    page."""
    filled.open("aansluiting-loket.yaml", {**filled_in(), "keys": {}})
    sentence = "wachtwoordzin é €"
    name, text = filled.make_key(algorithm, form, sentence)
    secret = sentence.encode() if form == "encrypted" else None
    assert name == f"loket-tni.private.{'jwk.json' if form == 'jwk' else 'pem'}"
    own = JWK.from_json(text) if form == "jwk" else JWK.from_pyca(load_pem_private_key(text.encode(), secret))
    [public] = filled.made()["keys"].values()
    assert public["kid"] == JWK(**public).thumbprint() == own.thumbprint()
    assert (public["use"], public["alg"]) == ("sig", algorithm)
    assert public_jwk(public).expires is not None
    d = own.export_private(as_dict=True)["d"]
    left = filled.page.evaluate("document.documentElement.outerHTML + JSON.stringify(keys)")
    assert d not in left
    assert sentence not in left
    assert filled.page.locator("#passphrase").input_value() == ""
    warned = (
        "wie het bestand leest, kan zich als de applicatie aanmelden" in filled.page.locator("#key-state").inner_text()
    )
    assert warned is (form != "encrypted")


def test_a_value_of_the_wrong_form_gets_an_example(filled: Filled) -> None:
    filled.open("aansluiting-loket.yaml", document_of(CASES["no scheme"]))
    [mistake] = filled.mistakes()
    assert (
        "heeft niet de vereiste vorm; geef op: de URI van de organisatie die verstuurt (AanbiederUri), zoals" in mistake
    )
    expect(filled.page.get_by_label("passief, zonder mail")).to_be_visible()
    filled.page.get_by_role("button", name="English").click()
    expect(filled.page.get_by_label("passive (passief), without a mail")).to_be_visible()


def test_a_passphrase_is_long_and_typed_twice(filled: Filled) -> None:
    page = filled.page
    page.locator("#passphrase").fill("kort")
    page.locator("#make-key").click()
    expect(page.get_by_role("alert")).to_contain_text("Wachtwoordzin: de wachtwoordzin heeft minder dan 12 tekens")
    page.locator("#passphrase").fill(SENTENCE)
    page.locator("#make-key").click()
    expect(page.get_by_role("alert")).to_contain_text("de twee wachtwoordzinnen verschillen")
    expect(page.locator("#again")).to_be_focused()


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
    """With the public key that was made, never with the private one; the page goes on where it was."""
    page = filled.page
    page.locator("#name").fill("Gemeente Voorb")
    page.locator("#application").fill("e-loket")
    page.get_by_text("DOSIS, statusinformatie van dossiers").click()
    page.locator("[value=dv_dosis_schrijven]").check()
    page.locator("[id='dosis.product_ids']").fill("10311\n10312")
    filled.make_key()
    name, text = filled.saved(lambda: page.locator("#keep").click())
    assert name == "aansluiting-e-loket-concept.yaml"
    assert text.startswith("# Concept van een aansluitingsformulier. Het is niet af.")
    assert not re.search("PRIVATE|\\bd:", text)
    page.reload()
    filled.open(name, text)
    for place, value in (("name", "Gemeente Voorb"), ("application", "e-loket"), ("dosis.product_ids", "10311\n10312")):
        expect(page.locator(f"[id='{place}']")).to_have_value(value)
    assert filled.saved(lambda: page.locator("#keep").click()) == (name, text)
    assert len(filled.mistakes()) == 3


def test_a_file_without_a_key_is_a_choice(filled: Filled) -> None:
    """The result says whether there is a key; it goes away as soon as anything changes. A form that exists keeps its
    key without a question."""
    filled.open("aansluiting-loket.yaml", {**filled_in(), "keys": {}})
    [mistake] = filled.mistakes()
    assert "er is nog geen sleutel" in mistake
    done = filled.page.locator("#done")
    expect(done).to_be_empty()
    filled.page.get_by_label("Maak het bestand zonder sleutel. U laadt uw publieke sleutel later zelf op").check()
    assert "keys" not in filled.made()
    expect(done).to_contain_text("Het bestand heeft geen publieke sleutel.")
    filled.page.locator("#name").press("x")
    expect(done).to_be_empty()
    filled.made()
    filled.page.get_by_text("Productie. Pas na").click()
    expect(done).to_be_empty()
    filled.open("mijn.jwk.json", json.dumps(KEY))
    filled.made()
    expect(done).to_contain_text(f"Publieke sleutel in het bestand: {KEY['kid']}")
    filled.page.reload()
    filled.open("organisation.yaml", (ROOT / "onboardings/stad-gent/organisation.yaml").read_text())
    filled.open("mijn-gent.yaml", (ROOT / "onboardings/stad-gent/mijn-gent.yaml").read_text())
    filled.made()
    expect(done).to_contain_text("De aansluiting houdt die van het formulier dat u opende.")


def test_each_environment_keeps_its_key(filled: Filled) -> None:
    filled.open("aansluiting-loket.yaml", filled_in())
    state = filled.page.locator("#key-state")
    expect(state).to_contain_text(KEY["kid"])
    filled.page.get_by_text("Productie. Pas na").click()
    expect(state).to_have_text("Het bestand heeft geen publieke sleutel.")
    filled.make_key()
    expect(state).to_contain_text("loket-prod.private.pem")
    filled.page.get_by_text("Testomgeving (TNI)").click()
    assert filled.made()["keys"] == {"loket-tni.jwk.json": KEY}
    filled.page.get_by_text("Productie. Pas na").click()
    assert list(filled.made()["keys"]) == ["loket-prod.jwk.json"]


def test_a_second_pair_is_asked_for(filled: Filled) -> None:
    """It replaces the first; what is made is in view, also on a telephone."""
    filled.page.set_viewport_size({"width": 400, "height": 700})
    filled.make_key()
    state = filled.page.locator("#key-state")
    expect(state).to_be_in_viewport(ratio=1)
    expect(state).to_contain_text("Private sleutel, in uw map Downloads: sleutel-tni.private.pem")
    first = state.inner_text()
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    filled.page.once("dialog", refuse)
    filled.page.locator("#format").select_option("jwk")
    filled.page.locator("#make-key").click()
    assert "Een nieuw paar vervangt hem." in asked[0]
    assert state.inner_text() == first
    filled.page.once("dialog", lambda dialog: dialog.accept())
    filled.make_key()
    assert state.inner_text() != first


def test_what_is_not_saved_is_not_lost_without_a_warning(filled: Filled) -> None:
    page = filled.page
    filled.open("aansluiting-loket.yaml", {**filled_in(), "keys": {}})
    page.locator("#name").fill("Stad Brugge (West-Vlaanderen)")
    stay(page)
    filled.saved(lambda: page.locator("#keep").click())
    filled.make_key()
    stay(page)
    filled.made()
    page.on("dialog", lambda dialog: pytest.fail(f"asks {dialog.message}"))
    page.reload()
    filled.open("aansluiting-loket.yaml", filled_in())
    page.reload()


def stay(page: Page) -> None:
    """Reload, and take the warning to heart."""
    page.once("dialog", lambda dialog: dialog.dismiss())
    with page.expect_event("dialog") as asked:
        page.evaluate("setTimeout(() => location.reload())")
    assert asked.value.type == "beforeunload"


@pytest.mark.usefixtures("workspace")
def test_each_form_of_ours_can_be_opened_and_nothing_of_it_is_lost(filled: Filled) -> None:
    """A person opens a form and its organisation, and mails what the page makes: that changes nothing of the form."""
    for folder in ("onboardings", "catalogue"):
        shutil.rmtree(folder)
        shutil.copytree(ROOT / folder, folder)
    forms = [file for file in Path("onboardings").glob("*/*.yaml") if "application:" in file.read_text()]
    assert len(forms) > 5
    filled.page.evaluate(KEEPING)
    filled.without_key()
    before = contents(Path("onboardings"))
    for file in forms:
        for opened in (file, file.with_name("organisation.yaml")):
            filled.open(opened.name, opened.read_text())
        assert filled.mistakes() == [], file
        Path("aansluiting.yaml").write_text(filled.page.evaluate("kept"))
        result = CliRunner().invoke(app, ["new", "--from", "aansluiting.yaml"])
        assert result.exit_code == 0, (file, result.output)
        assert contents(Path("onboardings")) == before, file


def test_a_scope_and_a_key_for_a_form_that_exists(filled: Filled) -> None:
    """What the page does not know is named, and is not in the file; production is filled in by production's part."""
    form = yaml.safe_load((ROOT / "onboardings/stad-gent/mijn-gent.yaml").read_text())
    form |= {"retire": "2030-01-01"}
    form["environments"]["tni"]["scopes"]["dv_weg"] = {}
    filled.open("mijn-gent.yaml", form)
    told = filled.page.locator("#opened").inner_text()
    assert "blijft in het formulier zoals het is" in told
    assert "retire" in told
    assert "niet overgenomen: dv_weg" in told
    filled.page.get_by_text("Productie. Pas na").click()
    filled.open("organisation.yaml", (ROOT / "onboardings/stad-gent/organisation.yaml").read_text())
    scopes = filled.page.locator("[name=scope]:checked").evaluate_all("all => all.map((one) => one.value)")
    assert set(scopes) == set(form["environments"]["prod"]["scopes"])
    filled.open("mijn.jwk.json", json.dumps(KEY))
    document = filled.made()
    assert document["keys"] == {"mijn-gent-prod.jwk.json": KEY}
    assert set(document["form"]) == {"application", "contacts", "environments"}


HOSTILE: dict[str, tuple[str, str]] = {
    "a private key in PEM": (SECRETS["PEM"], "bevat een private sleutel"),
    "a private JSON Web Key": (json.dumps(private_key("ec", kty="EC", crv="P-256")), "bevat een private sleutel"),
    "a private key in a file": (
        yaml.safe_dump({**filled_in(), "keys": {"x": private_key("ec", kty="EC", crv="P-256")}}),
        "bevat een private sleutel",
    ),
    "a token": (JWT, "geen bestand van deze pagina"),
    "no YAML": ("{[", "geen bestand van deze pagina"),
    "a list": ("- application", "geen bestand van deze pagina"),
    "a text": ("form", "geen bestand van deze pagina"),
    "nothing": ("", "geen bestand van deze pagina"),
    "too much": (f"application: {'x' * 70_000}", "geen bestand van deze pagina"),
    "too deep": (f"application: {'[' * 20_000}{']' * 20_000}", "geen bestand van deze pagina"),
    "a million aliases": (
        "application: x\na0: &a0 [x]\n"
        + "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(9)),
        "ingelezen",
    ),
    "a tag": ("application: !!js/function 'function () { alert(1) }'", "geen bestand van deze pagina"),
    "markup": ('application: "<img src=x onerror=alert(1)>"\nenvironments: {tni: {scopes: {"<b>": {}}}}', "<b>"),
    "a prototype": ("application: {__proto__: {x: 1}}\n__proto__: {form: 1}\nenvironments: null", "ingelezen"),
    "parts of other kinds": (
        "form: {application: [1], contacts: {a: b}, environments: [x]}\norganisation: 1\nkeys: x",
        "ingelezen",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_form_is_refused_or_shown_as_text(filled: Filled, name: str) -> None:
    """Nothing of it runs, nothing of a private key stays."""
    content, said = HOSTILE[name]
    filled.open("<img src=x onerror=alert(1)>.yaml", content)
    expect(filled.page.locator("#opened")).to_contain_text(said)
    assert filled.page.locator("img, #opened b").count() == 0
    assert str(private_key("ec", kty="EC", crv="P-256")["d"]) not in filled.page.content()
    assert filled.mistakes()


LONG = {
    "organisation": {"name": "b" * 189, "ovo": "OVO1"},
    "form": {**filled_in()["form"], "application": "x" * 70, "contacts": ["y" * 300]},
}


@pytest.mark.parametrize("width", [400, 1180])
def test_it_is_for_everybody(filled: Filled, width: int) -> None:
    """In both languages, empty, with mistakes and done, in light and in dark: axe finds nothing, and nothing lies
    beyond the edge."""
    page = filled.page
    page.set_viewport_size({"width": width, "height": 900})
    look_at(page, f"empty-nl-{width}")
    filled.open("x.yaml", LONG)
    assert filled.mistakes()
    look_at(page, f"mistakes-nl-{width}")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Connection form (aansluitingsformulier)")
    assert filled.mistakes()
    look_at(page, f"mistakes-en-{width}")
    filled.open("aansluiting-loket.yaml", filled_in())
    assert filled.mistakes() == []
    look_at(page, f"done-en-{width}")
    page.get_by_role("button", name="Nederlands").click()
    assert filled.mistakes() == []
    for product in page.locator("details").all():
        product.evaluate("node => { node.open = true; }")
    page.emulate_media(color_scheme="dark")
    look_at(page, f"done-nl-dark-{width}")


def look_at(page: Page, name: str) -> None:
    shot(page, f"form-page-{name}")
    edges = page.evaluate(
        "[...document.querySelectorAll('main *:not(.away)')].map(node => node.getBoundingClientRect().right)"
    )
    width = page.evaluate("document.documentElement.clientWidth")
    assert max(edges) <= width
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    accessible(page)


def test_nothing_else_runs_and_nothing_is_requested(browser: Browser, html: str, tmp_path: Path) -> None:
    """By the policy, also where a network is there; in the file there is no address that could be requested."""
    assert "unsafe" not in html
    assert not re.search(r"<[^>]* (on[a-z]+|src|action)=", html.partition('<script type="application/json"')[0])
    assert "sourceMappingURL" not in html
    file = tmp_path / "page.html"
    file.write_text(html.replace("</main>", "<script>document.title = 'ran'</script></main>"))
    page = browser.new_context(locale="nl-BE").new_page()
    page.goto(file.as_uri())
    assert page.title() == "Aansluitingsformulier"
    refused = "fetch('https://vlaanderen.example/').then(() => 'sent', () => 'refused')"
    assert page.evaluate(refused) == "refused"
    assert page.evaluate("try { document.body.innerHTML = '<b>x</b>'; 'set' } catch { 'refused' }") == "refused"


def test_what_is_not_ours_is_as_npm_has_it() -> None:
    """Behind its licence, which the page then has too."""
    licence, ours, code = (ASSETS / "js-yaml.min.js").read_text().partition("*/\n")
    assert (ROOT / "LICENSES/MIT-js-yaml.txt").read_text().strip() in licence + ours
    assert hashlib.sha256(code.encode()).hexdigest() == JS_YAML


def test_each_text_is_used() -> None:
    """By the template, a script or the mail; a name that is put together counts for all it may be."""
    used = "".join(file.read_text() for file in ASSETS.iterdir() if file.name != "js-yaml.min.js")
    used += "".join(file.read_text() for file in (ROOT / "acmidm").rglob("*.py"))
    together = tuple(
        f"{kind}."
        for kind in ("field", "choice", "where", "label", "environment", "algorithm", "format", "mistakes", "refused")
    )
    own: dict[str, Any] = {**texts("form_page", Language.NL).templates}
    for name in own.keys() - texts("common", Language.NL).templates.keys():
        assert name.startswith(together) or re.search(rf"""[."']{re.escape(name)}["']""", used), name
