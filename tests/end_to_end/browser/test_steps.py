"""The guide's steps 4, 5 and 9 as a person does them, and the mails that are read."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import expect

from story.person import client_path
from tests.end_to_end.browser.conftest import Desk, registered
from tests.sandbox.mails import deliver, mail
from tests.support.browser import accessible
from tests.support.portal import RunningPortal, new_key, public_jwk


def test_log_on_look_and_upload(
    portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """Steps 4 and 5: with the key of a chosen file the application gets a token, and so does a
    public key in PEM."""
    client_id, name = registered(operator)
    key = new_key("loket-2026")
    file = tmp_path / "loket.jwk.json"
    file.write_text(json.dumps(public_jwk(key)))
    someone = desk()
    someone.log_on()
    expect(someone.page.get_by_role("heading", name="Mijn OAuth Clients")).to_be_visible()
    someone.open(name)
    expect(someone.page.get_by_text("Er is nog geen sleutel")).to_be_visible()
    expect(someone.page.get_by_text("dv_notificaties_import")).to_be_visible()
    someone.page.get_by_label("Bestand").set_input_files(file)
    someone.page.get_by_role("button", name="Sleutel opladen").click()
    expect(
        someone.page.get_by_role("status").filter(has_text="De sleutel is opgeladen")
    ).to_be_visible()
    expect(someone.page.get_by_role("rowheader", name="loket-2026")).to_contain_text(
        key.thumbprint()
    )
    assert portal.client_token(key, client_id)
    second = new_key()
    someone.upload(second.as_pem(private=False).decode())
    expect(someone.page.get_by_role("rowheader", name=second.thumbprint())).to_be_visible()
    someone.page.get_by_role("button", name="Afmelden").click()
    expect(someone.page.get_by_text("U bent afgemeld")).to_be_visible()
    assert someone.complaints == []


def test_a_private_key_is_refused(
    operator: httpx.Client, desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """As a file and as text; the page does not repeat it."""
    client_id, _ = registered(operator)
    members = new_key("secret").as_dict(private=True)
    file = tmp_path / "private.json"
    file.write_text(json.dumps(members))
    someone = desk(java_script_enabled=False)
    someone.be_logged_on()
    for given in (json.dumps(members), file):
        someone.page.goto(someone.portal.origin + client_path(client_id))
        someone.upload(given)
        assert "niet bewaard" in someone.summary
        expect(someone.page.get_by_label("JSON Web Key")).to_have_value("")
    assert operator.get(f"/management/v1/clients/{client_id}/jwks").json()["keys"] == []


def test_the_mailbox_from_the_menu_to_a_mail(
    portal: RunningPortal, desk: Callable[..., Desk]
) -> None:
    """Found in the menu, and read; nothing of it is fetched from elsewhere."""
    subject = f"Uw OAuth client-ID voor mijn-gent: {uuid.uuid4()}"
    message = mail(
        subject=subject, text="De client-ID is:\n\n    8f6a2b1e-4c1f-4f0e-9a2f-6f1f0a5f7f11\n"
    )
    message.add_alternative(
        "<h1>Nooit getoond</h1><img src='https://elders.example/x.png'>", subtype="html"
    )
    deliver(portal, message)
    someone = desk()
    page = someone.page
    someone.be_logged_on()
    page.goto(portal.origin)
    page.get_by_role("link", name="Postvak", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Postvak")
    page.get_by_role("link", name=subject).click()
    expect(page.get_by_text("8f6a2b1e-4c1f-4f0e-9a2f-6f1f0a5f7f11")).to_be_visible()
    assert "Nooit getoond" not in page.content()
    accessible(page)
    page.get_by_role("navigation", name="Waar u bent").get_by_role("link", name="Postvak").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Postvak")
    assert someone.complaints == []
    assert not any("elders.example" in one for one in someone.sent)
