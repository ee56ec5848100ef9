"""Key pairs that the page makes, in a real browser: what is saved, what is kept, and what is asked
before a key is lost."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwcrypto.jwk import JWK
from playwright.sync_api import Dialog, expect

from acmidm_onboarding.values.jwk import public_jwk
from tests.form_page.cases import KEY, filled_in
from tests.form_page.conftest import SENTENCE, Filled
from tests.support.browser import accessible, click_now, shot
from tests.support.engine import ROOT


@pytest.mark.parametrize(
    ("algorithm", "form"),
    [("ES256", "encrypted"), ("ES256", "pkcs8"), ("ES256", "jwk"), ("RS256", "encrypted")],
)
def test_the_private_key_is_one_that_software_reads(
    filled: Filled, algorithm: str, form: str
) -> None:
    """Its public half is in the file, as ``acmidm keys`` would write it; of the private half
    nothing is left in the page."""
    filled.open("aansluiting-loket.yaml", {**filled_in(), "keys": {}})
    sentence = "wachtwoordzin é €"
    name, text = filled.make_key(algorithm, form, sentence)
    secret = sentence.encode() if form == "encrypted" else None
    assert name == f"loket-tni.private.{'jwk.json' if form == 'jwk' else 'pem'}"
    own = (
        JWK.from_json(text)
        if form == "jwk"
        else JWK.from_pyca(load_pem_private_key(text.encode(), secret))
    )
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
        "wie het bestand leest, kan zich als de applicatie aanmelden"
        in filled.page.locator("#key-state").inner_text()
    )
    assert warned is (form != "encrypted")


def test_no_file_is_made_while_a_key_is(filled: Filled) -> None:
    """It would have no key, or the one before, beside the private key of the new one."""
    page = filled.page
    filled.open("aansluiting-loket.yaml", {**filled_in(), "keys": {}})
    page.locator("#format").select_option("jwk")
    page.evaluate(MADE_WHEN_RELEASED)
    with page.expect_download():
        page.locator("#make-key").click()
        click_now(page.locator("button[type=submit]"))
        expect(page.locator("#mistakes")).to_be_hidden()
        page.evaluate("release()")
    [key] = filled.made()["keys"].values()
    assert key["kid"] in page.locator("#key-state").inner_text()


MADE_WHEN_RELEASED = """() => {
    const make = crypto.subtle.generateKey.bind(crypto.subtle);
    crypto.subtle.generateKey = async (...given) => {
        await new Promise((release) => Object.assign(globalThis, { release }));
        return make(...given);
    };
}"""


def test_a_passphrase_is_long_and_typed_twice(filled: Filled) -> None:
    page = filled.page
    page.locator("#passphrase").fill("kort")
    page.locator("#make-key").click()
    expect(page.get_by_role("alert")).to_contain_text(
        "Wachtwoordzin: de wachtwoordzin heeft minder dan 12 tekens"
    )
    page.locator("#passphrase").fill(SENTENCE)
    page.locator("#make-key").click()
    expect(page.get_by_role("alert")).to_contain_text("de twee wachtwoordzinnen verschillen")
    expect(page.locator("#again")).to_be_focused()


def test_a_file_without_a_key_is_a_choice(filled: Filled) -> None:
    """The result says whether there is a key; it goes away as soon as anything changes. A form that
    exists keeps its key without a question."""
    filled.open("aansluiting-loket.yaml", {**filled_in(), "keys": {}})
    [mistake] = filled.mistakes()
    assert "er is nog geen sleutel" in mistake
    done = filled.page.locator("#done")
    expect(done).to_be_empty()
    filled.page.get_by_label(
        "Maak het bestand zonder sleutel. U laadt uw publieke sleutel later zelf op"
    ).check()
    assert "keys" not in filled.made()
    expect(done).to_contain_text("Het bestand heeft geen publieke sleutel.")
    filled.page.locator("#name").press("x")
    expect(done).to_be_empty()
    filled.made()
    filled.page.get_by_text("Productie. Pas na").click()
    expect(done).to_be_empty()
    filled.open("mijn.jwk.json", json.dumps(KEY))
    filled.made()
    expect(done).to_contain_text(public_jwk(KEY).thumbprint)
    filled.page.reload()
    filled.open("organisation.yaml", (ROOT / "onboardings/stad-gent/organisation.yaml").read_text())
    filled.open("mijn-gent.yaml", (ROOT / "onboardings/stad-gent/mijn-gent.yaml").read_text())
    filled.made()
    expect(done).to_contain_text("De aansluiting houdt die van het formulier dat u opende.")


def test_a_key_shows_its_thumbprint_and_where_its_kid_is_another_name(filled: Filled) -> None:
    """RFC 7638, of what is in the file: the sender confirms that, and a kid may be any text."""
    thumbprint = public_jwk(KEY).thumbprint
    state, done = filled.page.locator("#key-state"), filled.page.locator("#done")
    filled.open("aansluiting-loket.yaml", filled_in())
    expect(state).to_contain_text(f"Vingerafdruk van de publieke sleutel: {thumbprint}")
    expect(state).to_contain_text('De kid is "sent", en dat is een andere naam')
    filled.made()
    expect(done).to_contain_text(f"Vingerafdruk van de publieke sleutel: {thumbprint}")
    expect(done).to_contain_text('De kid is "sent", en dat is een andere naam')
    shot(filled.page, "form-page-kid")
    own = {"loket-tni.jwk.json": {**KEY, "kid": thumbprint}}
    filled.open("aansluiting-loket.yaml", {**filled_in(), "keys": own})
    expect(state).to_contain_text(thumbprint)
    expect(state).not_to_contain_text("een andere naam")


def test_a_key_that_has_ended_is_refused_and_not_green(filled: Filled) -> None:
    """Nor one whose end is no moment. A new pair takes its place."""
    state = filled.page.locator("#key-state .notice")
    for exp, said in ((1_600_000_000, "eindigde op 13 september 2020"), (1e20, "exp")):
        ended = {"loket-tni.jwk.json": {**KEY, "exp": exp}}
        filled.open("aansluiting-loket.yaml", {**filled_in(), "keys": ended})
        expect(state).to_have_class("notice bad")
        [mistake] = filled.mistakes()
        assert said in mistake
        expect(state).to_contain_text(said)
        expect(state).not_to_contain_text("geldig tot")
    accessible(filled.page)
    shot(filled.page, "form-page-ended")
    filled.page.once("dialog", lambda dialog: dialog.accept())
    filled.make_key()
    expect(state).to_have_class("notice good")
    assert filled.mistakes() == []


def test_who_asks_for_production_reads_that_proof_is_wanted(filled: Filled) -> None:
    done = filled.page.locator("#done")
    filled.open("aansluiting-loket.yaml", filled_in())
    filled.made()
    expect(done).not_to_contain_text("bewijs van de testomgeving")
    filled.page.get_by_text("Productie. Pas na").click()
    filled.without_key()
    filled.made()
    expect(done).to_contain_text("Productie vraagt bewijs van de testomgeving (TNI)")


def test_each_environment_keeps_its_key(filled: Filled) -> None:
    filled.open("aansluiting-loket.yaml", filled_in())
    state = filled.page.locator("#key-state")
    expect(state).to_contain_text(public_jwk(KEY).thumbprint)
    filled.page.get_by_text("Productie. Pas na").click()
    expect(state).to_have_text("Het bestand heeft geen publieke sleutel.")
    filled.make_key()
    expect(state).to_contain_text("loket-prod.private.pem")
    filled.page.get_by_text("Testomgeving (TNI)").click()
    assert filled.made()["keys"] == {"loket-tni.jwk.json": KEY}
    filled.page.get_by_text("Productie. Pas na").click()
    assert list(filled.made()["keys"]) == ["loket-prod.jwk.json"]


def test_a_second_pair_is_asked_for(filled: Filled) -> None:
    """It replaces the first in the file. Whether the first works then depends on whether it was
    sent, which the page cannot know. What is made is in view, also on a telephone."""
    filled.page.set_viewport_size({"width": 400, "height": 700})
    filled.make_key()
    state = filled.page.locator("#key-state")
    expect(state).to_be_in_viewport(ratio=1)
    expect(state).to_contain_text("Private sleutel, in uw map Downloads: sleutel-tni.private.pem")
    accessible(filled.page)
    first = state.inner_text()
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    filled.page.once("dialog", refuse)
    filled.page.locator("#format").select_option("jwk")
    filled.page.locator("#make-key").click()
    assert "Hebt u die sleutel al gemaild, dan blijft hij werken, naast de nieuwe." in asked[0]
    assert "Anders werkt de private sleutel die erbij hoort niet." in asked[0]
    assert state.inner_text() == first
    filled.page.once("dialog", lambda dialog: dialog.accept())
    filled.make_key()
    assert state.inner_text() != first
