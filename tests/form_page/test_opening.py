"""What somebody opens on the page, in a real browser: nothing of a form is lost, and what is
hostile is refused, or shown as text."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, expect
from typer.testing import CliRunner

from acmidm.cli import app
from tests.form_page.cases import KEY, filled_in
from tests.form_page.conftest import KEEPING, Filled
from tests.support.browser import READ_WHEN_RELEASED, click_now
from tests.support.engine import ROOT
from tests.support.offered import catalogue_folder
from tests.support.secret_texts import JWT, SECRETS
from tests.support.terminal import contents
from tests.support.workspace import Workspace, private_key


@pytest.mark.usefixtures("workspace")
def test_each_form_of_ours_can_be_opened_and_nothing_of_it_is_lost(filled: Filled) -> None:
    """A person opens a form and its organisation, and mails what the page makes: that changes
    nothing of the form."""
    for folder in ("onboardings", "catalogue"):
        shutil.rmtree(folder)
        shutil.copytree(ROOT / folder, folder)
    forms = [
        file for file in Path("onboardings").glob("*/*.yaml") if "application:" in file.read_text()
    ]
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
    """What the page does not know is named, and is not in the file; production is filled in by
    production's part."""
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
    scopes = filled.page.locator("[name=scope]:checked").evaluate_all(
        "all => all.map((one) => one.value)"
    )
    assert set(scopes) == set(form["environments"]["prod"]["scopes"])
    filled.open("mijn.jwk.json", json.dumps(KEY))
    document = filled.made()
    assert document["keys"] == {"mijn-gent-prod.jwk.json": KEY}
    assert set(document["form"]) == {"application", "contacts", "environments"}


def test_nothing_is_made_while_a_file_is_opened(filled: Filled) -> None:
    """Who presses a button before a slow disk has given the file gets no file without what is in
    it.

    A file that the browser cannot read is refused.
    """
    page = filled.page
    document = yaml.safe_dump(filled_in())
    page.evaluate(READ_WHEN_RELEASED)
    choose(page, document)
    click_now(page.locator("button[type=submit]"))
    expect(page.locator("#mistakes")).to_be_hidden()
    page.evaluate("release()")
    expect(page.locator("#opened")).to_contain_text("ingelezen")
    assert filled.made()["form"] == filled_in()["form"]
    choose(page, document)
    page.evaluate("fail()")
    expect(page.locator("#opened")).to_contain_text("geen bestand van deze pagina")


def choose(page: Page, content: str) -> None:
    page.locator("#file").set_input_files(
        {"name": "loket.yaml", "mimeType": "", "buffer": content.encode()}
    )


OF_GENT = """\
application: mijn-gent
contacts: [api-beheer@stad-gent.example]
{}environments: {{tni: {{{}scopes: {{dv_organisatieregister_info: {{}}}}}}}}
"""
"""A form without public keys: with what it says of them, for all environments and for one."""
WITHOUT_KEY = "Het bestand heeft geen publieke sleutel."
KEPT: dict[str, str] = {
    OF_GENT.format("keys_of: leverancier\n", ""): (
        "De aansluiting houdt de sleutels van haar leverancier."
    ),
    OF_GENT.format("", "jwks_uri: https://keys.gent.example/jwks.json, "): (
        "De aansluiting houdt die van het adres in het formulier dat u opende."
    ),
    OF_GENT.format("token_endpoint_auth_method: client_secret_basic\n", ""): (
        "De aansluiting houdt haar client secret."
    ),
}


def test_a_form_that_has_no_key_of_its_own_keeps_what_it_has(
    filled: Filled, workspace: Workspace
) -> None:
    """A supplier's keys, those at an address, a secret: no key is made, and the file for a further
    scope is a change of that form."""
    workspace.offer(catalogue_folder())
    workspace.write_supplier()
    file, state = workspace.forms / "gent/mijn-gent.yaml", filled.page.locator("#key-state")
    for form, said in KEPT.items():
        file.write_text(form)
        filled.page.reload()
        filled.page.evaluate(KEEPING)
        filled.open("organisation.yaml", "name: Stad Gent\novo: OVO002067\n")
        filled.open("mijn-gent.yaml", form)
        expect(state.locator("p"), form).to_have_text([WITHOUT_KEY, said])
        expect(filled.page.locator("#key-making"), form).to_be_hidden()
        expect(filled.page.locator("#without-key"), form).to_be_hidden()
        filled.page.locator("[value=dv_metadata_read]").evaluate("box => { box.checked = true; }")
        assert filled.mistakes() == [], form
        Path("aansluiting.yaml").write_text(filled.page.evaluate("kept"))
        result = CliRunner().invoke(app, ["new", "--from", "aansluiting.yaml"])
        assert result.exit_code == 0, (form, result.output)
        expected = yaml.safe_load(form)
        expected["environments"]["tni"]["scopes"]["dv_metadata_read"] = {}
        assert yaml.safe_load(file.read_text()) == expected
        assert workspace.sentences() == []
    filled.open("ander.yaml", OF_GENT.format("", ""))
    expect(state).to_have_text(WITHOUT_KEY)
    expect(filled.page.locator("#key-making")).to_be_visible()


HOSTILE: dict[str, tuple[str, str]] = {
    "a private key in PEM": (SECRETS["PEM"], "bevat een private sleutel"),
    "a private JSON Web Key": (
        json.dumps(private_key("ec", kty="EC", crv="P-256")),
        "bevat een private sleutel",
    ),
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
    "a tag": (
        "application: !!js/function 'function () { alert(1) }'",
        "geen bestand van deze pagina",
    ),
    "markup": (
        'application: "<img src=x onerror=alert(1)>"\nenvironments: {tni: {scopes: {"<b>": {}}}}',
        "<b>",
    ),
    "a prototype": (
        "application: {__proto__: {x: 1}}\n__proto__: {form: 1}\nenvironments: null",
        "ingelezen",
    ),
    "parts of other kinds": (
        "form: {application: [1], contacts: {a: b}, environments: [x]}\norganisation: 1\nkeys: x",
        "ingelezen",
    ),
}


def test_a_file_that_is_no_form_is_refused_or_shown_as_text(filled: Filled) -> None:
    """Nothing of it runs, nothing of a private key stays."""
    secret = str(private_key("ec", kty="EC", crv="P-256")["d"])
    for name, (content, said) in HOSTILE.items():
        filled.open("<img src=x onerror=alert(1)>.yaml", content)
        expect(filled.page.locator("#opened"), name).to_contain_text(said)
        assert filled.page.locator("img, #opened b").count() == 0, name
        assert secret not in filled.page.content(), name
        assert filled.mistakes(), name
