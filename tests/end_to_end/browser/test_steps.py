"""The guide's steps 4, 5 and 9 as a person does them, and the mails that are read."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import Route, expect

from story.person import client_path
from tests.end_to_end.browser.conftest import Desk, registered
from tests.sandbox.mails import deliver, mail
from tests.support.browser import READ_WHEN_RELEASED, accessible, click_now
from tests.support.portal import RunningPortal, new_key, public_jwk


def test_log_on_look_and_upload(
    portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """Steps 4 and 5: a chosen file's text stands in the field first, to be looked at; with that key
    the application then gets a token.

    So does a public key in PEM. Also where the file is chosen before the page's script has come.
    """
    client_id, name = registered(operator)
    key = new_key("loket-2026")
    file = tmp_path / "loket.jwk.json"
    file.write_text(json.dumps(public_jwk(key)))
    someone = desk()
    someone.log_on()
    expect(someone.page.get_by_role("heading", name="Mijn OAuth Clients")).to_be_visible()
    scripts: list[Route] = []

    def keep_waiting(route: Route) -> None:
        scripts.append(route)

    someone.page.route("**/portal.js*", keep_waiting)
    someone.open(name)
    expect(someone.page.get_by_text("Er is nog geen sleutel")).to_be_visible()
    expect(someone.page.get_by_role("rowheader", name="dv_notificaties_import")).to_be_visible()
    someone.page.get_by_label("Bestand").set_input_files(file)
    scripts[0].continue_()
    expect(someone.page.get_by_text("Het bestand is ingelezen")).to_be_visible()
    expect(someone.page.get_by_label("JSON Web Key")).to_have_value(file.read_text())
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


def test_nothing_is_sent_while_a_file_is_read(
    portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """Who presses the button before a slow disk has given the file is not refused for an empty
    field; once it is read, the button sends it.

    A file that the browser cannot read is said to be no key.
    """
    client_id, _ = registered(operator)
    key = new_key("slow")
    file = tmp_path / "slow.jwk.json"
    file.write_text(json.dumps(public_jwk(key)))
    someone = desk()
    someone.be_logged_on()
    page = someone.page
    page.goto(someone.portal.origin + client_path(client_id))
    button = page.get_by_role("button", name="Sleutel opladen")
    page.evaluate(READ_WHEN_RELEASED)
    page.get_by_label("Bestand").set_input_files(file)
    click_now(button)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.evaluate("release()")
    expect(page.get_by_text("Het bestand is ingelezen")).to_be_visible()
    expect(page.get_by_label("JSON Web Key")).to_be_focused()
    button.click()
    expect(page.get_by_text("De sleutel is opgeladen")).to_be_visible()
    assert portal.client_token(key, client_id)
    page.evaluate(READ_WHEN_RELEASED)
    page.get_by_label("Bestand").set_input_files(file)
    page.evaluate("fail()")
    expect(page.get_by_role("alert")).to_contain_text("geen sleutel gegeven")
    assert someone.complaints == []


def test_without_javascript(
    portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """The same steps; a private key then gets as far as the server, which refuses it."""
    client_id, name = registered(operator)
    key = new_key("plain")
    someone = desk(java_script_enabled=False)
    someone.log_on()
    someone.open(name)
    file = tmp_path / "key.json"
    file.write_text(json.dumps(key.as_dict(private=True)))
    someone.upload(file)
    assert "wel verstuurd" in someone.summary
    file.write_text(json.dumps(public_jwk(key)))
    someone.upload(file)
    expect(someone.page.get_by_text("De sleutel is opgeladen")).to_be_visible()
    assert portal.client_token(key, client_id)


def test_a_private_key_never_leaves_the_browser(
    operator: httpx.Client, desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """No request is made, the field is emptied, and the reason is told where the keyboard then is:
    whatever has one."""
    client_id, _ = registered(operator)
    members = new_key("secret").as_dict(private=True)
    secret = str(members["d"])
    file = tmp_path / "private.json"
    file.write_text(json.dumps(members))
    ways: dict[str, str | Path] = {
        "text": json.dumps(members),
        "file": file,
        "set": json.dumps({"keys": [members]}),
        "symmetric": json.dumps({"kty": "oct", "kid": "k", "k": secret}),
        "broken": json.dumps(members)[:-1],
        "pem": f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----",
    }
    someone = desk()
    someone.be_logged_on()
    for way, given in ways.items():
        someone.page.goto(someone.portal.origin + client_path(client_id))
        before, alert = _sent(someone), someone.page.get_by_role("alert")
        if isinstance(given, Path):  # no button is pressed
            someone.page.get_by_label("Bestand").set_input_files(given)
        else:
            someone.upload(given)
        expect(alert, way).to_contain_text("Hij is niet verstuurd")
        expect(alert, way).to_be_focused()
        expect(someone.page.get_by_label("JSON Web Key"), way).to_have_value("")
        assert _sent(someone) == before, way
    accessible(someone.page)
    alert.get_by_role("link").click()
    expect(someone.page.get_by_label("JSON Web Key")).to_be_focused()
    assert not any(secret in request for request in someone.sent)


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


def _sent(someone: Desk) -> list[str]:
    """What was requested but the page's own files, some of which Chromium fetches late."""
    files = f"GET {someone.portal.origin}/portaal/static/"
    return [request for request in someone.sent if not request.startswith(files)]
