"""Somebody without Git, with a browser: from the page of the form to a token, by the key that the
browser made."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc.jwk import RSAKey
from playwright.sync_api import Browser, Page

from acmidm_onboarding.values.jwk import public_jwk
from tests.support.engine import Outcome, Project
from tests.support.fixtures import portal, project
from tests.support.portal import RunningPortal, sign_assertion

__all__ = ["portal", "project"]

SENTENCE = "paard batterij nietje"


def saved(page: Page, button: str, folder: Path) -> Path:
    """The file that somebody gets who presses a button."""
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name=button).click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


@pytest.mark.exhaustive
def test_from_the_page_to_a_token_and_one_scope_more(
    browser: Browser, portal: RunningPortal, project: Project, tmp_path: Path
) -> None:
    """The page is the sandbox's; its file is all that anybody gets. The team takes it in, checks
    it, deploys it."""

    def take_in(file: Path) -> None:
        for words in (("new", "--from", str(file)), ("validate",), ("deploy", "--stack", "tni")):
            outcome: Outcome = project.acmidm(*words)
            assert outcome.code == 0, outcome.output

    home = tmp_path / "home"
    page = browser.new_page(locale="nl-BE")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(portal.origin)
    page.get_by_role("link", name="Vul het aansluitingsformulier in.").click()
    policy = page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "'self'" not in policy
    page.get_by_label("Naam van de organisatie").fill("Gemeente Voorbeeldem")
    page.get_by_label("OVO-code").fill("OVO099999")
    page.get_by_label("Korte naam van de applicatie").fill("e-loket")
    page.get_by_label("E-mailadressen van het team").fill("digitalisering@voorbeeldem.example")
    page.get_by_text("Notificaties", exact=True).click()
    page.get_by_label("Notificaties versturen via de API van Notificaties").check()
    page.get_by_label("Merkcode").fill("gemeente-voorbeeldem")
    page.locator("[id='notificaties.product_ids']").fill("10311")
    for label in ("Wachtwoordzin", "Wachtwoordzin, nog een keer"):
        page.get_by_label(label, exact=True).fill(SENTENCE)
    private = saved(page, "Maak het paar en bewaar de private sleutel", home)
    file = saved(page, "Maak het bestand", home)
    assert complaints == []
    take_in(file)
    connections = project.outputs()["connections"]
    client_id = connections["OVO099999/e-loket"]["acmidm"]["client_id"]
    opened = load_pem_private_key(private.read_bytes(), SENTENCE.encode())
    key = RSAKey.import_key(opened.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    kid = public_jwk(key.as_dict(private=False)).thumbprint
    assertion = sign_assertion(key, client_id, portal.audience, header={"alg": "RS256", "kid": kid})
    audience = portal.settings.products["notificaties"].client_id
    answer = portal.request_token(assertion, audience=audience, scope="dv_notificaties_import")
    assert answer.status_code == 200, answer.text
    page.reload()
    page.locator("#file").set_input_files(file)
    page.get_by_text("Organisatieregister", exact=True).click()
    page.get_by_label("Organisaties lezen").check()
    take_in(saved(page, "Maak het bestand", home))
    form = (project.forms / "gemeente-voorbeeldem/e-loket.yaml").read_text()
    assert "dv_organisatieregister_info: {}" in form
    assert project.outputs()["connections"]["OVO099999/e-loket"]["acmidm"]["client_id"] == client_id
