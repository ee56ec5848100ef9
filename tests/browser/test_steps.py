"""The guide's steps 4, 5, 8 and 9 as a person does them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from beheerportaal.users import set_right
from story.person import client_path
from tests.browser.conftest import Desk
from tests.support.browser import accessible
from tests.support.portal import RunningPortal, new_key, public_jwk, register_client
from tests.support.registry import NOT_DECLARED


def registered(operator: httpx.Client, **more: object) -> tuple[str, str]:
    """A client with a name of its own: its client-ID and that name."""
    document = register_client(operator, **{"scopes": ["dv_notificaties_schrijven"], **more})  # type: ignore[arg-type]
    name = f"Stad Gent: {document['client_id'][:8]}"
    path = f"/management/v1/clients/{document['client_id']}"
    declared = {key: value for key, value in document.items() if key not in NOT_DECLARED}
    operator.put(path, json={**declared, "client_name": name}, headers={"If-Match": "*"}).raise_for_status()
    return document["client_id"], name


def test_log_on_look_and_upload(portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk]) -> None:
    """Steps 4 and 5: after the upload the application gets a token with that key; before it, none."""
    client_id, name = registered(operator)
    key = new_key("loket-2026")
    someone = desk()
    someone.log_on()
    expect(someone.page.get_by_role("heading", name="Mijn OAuth Clients")).to_be_visible()
    someone.open(name)
    expect(someone.page.get_by_text("Er is nog geen sleutel")).to_be_visible()
    expect(someone.page.get_by_role("rowheader", name="dv_notificaties_schrijven")).to_be_visible()
    someone.page.get_by_label("JSON Web Key").fill(json.dumps(public_jwk(key)))
    someone.page.get_by_role("button", name="Sleutel opladen").click()
    expect(someone.page.get_by_role("status").filter(has_text="De sleutel is opgeladen")).to_be_visible()
    expect(someone.page.get_by_role("rowheader", name="loket-2026")).to_contain_text(key.thumbprint())
    assert portal.client_token(key, client_id)
    someone.page.get_by_role("button", name="Afmelden").click()
    expect(someone.page.get_by_text("U bent afgemeld")).to_be_visible()
    assert someone.complaints == []


def test_a_chosen_file_is_read_and_uploaded(
    portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk], tmp_path: Path
) -> None:
    """Its text stands in the field first, to be looked at; the file itself is never sent."""
    client_id, name = registered(operator)
    key = new_key("from-a-file")
    file = tmp_path / "loket.jwk.json"
    file.write_text(json.dumps(public_jwk(key)))
    someone = desk()
    someone.log_on()
    someone.open(name)
    someone.page.get_by_label("Bestand").set_input_files(file)
    expect(someone.page.get_by_text("Het bestand is ingelezen")).to_be_visible()
    expect(someone.page.get_by_label("JSON Web Key")).to_have_value(file.read_text())
    someone.page.get_by_role("button", name="Sleutel opladen").click()
    expect(someone.page.get_by_role("rowheader", name="from-a-file")).to_be_visible()
    assert portal.client_token(key, client_id)


def test_without_javascript(portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk], tmp_path: Path) -> None:
    """The same steps; a private key then gets as far as the server, which refuses it."""
    client_id, name = registered(operator)
    key = new_key("plain")
    someone = desk(java_script_enabled=False)
    someone.log_on()
    someone.open(name)
    private = tmp_path / "private.json"
    private.write_text(json.dumps(key.as_dict(private=True)))
    someone.page.get_by_label("Bestand").set_input_files(private)
    someone.page.get_by_role("button", name="Sleutel opladen").click()
    assert "wel verstuurd" in someone.summary
    public = tmp_path / "public.json"
    public.write_text(json.dumps(public_jwk(key)))
    someone.page.get_by_label("Bestand").set_input_files(public)
    someone.page.get_by_role("button", name="Sleutel opladen").click()
    expect(someone.page.get_by_text("De sleutel is opgeladen")).to_be_visible()
    assert portal.client_token(key, client_id)


@pytest.mark.parametrize("way", ["text", "file", "set", "symmetric", "broken", "pem"])
def test_a_private_key_never_leaves_the_browser(operator: httpx.Client, desk: Callable[..., Desk], tmp_path: Path, way: str) -> None:
    """No request is made, the field is emptied, and the reason is told where the keyboard then is."""
    _, name = registered(operator)
    members = new_key("secret").as_dict(private=True)
    secret = str(members["d"])
    text = {
        "set": json.dumps({"keys": [members]}),
        "symmetric": json.dumps({"kty": "oct", "kid": "k", "k": secret}),
        "broken": json.dumps(members)[:-1],
        "pem": f"-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----",
    }.get(way, json.dumps(members))
    someone = desk()
    someone.log_on()
    someone.open(name)
    someone.page.wait_for_load_state("networkidle")
    before = list(someone.sent)
    if way == "file":
        file = tmp_path / "private.json"
        file.write_text(text)
        someone.page.get_by_label("Bestand").set_input_files(file)
    else:
        someone.page.get_by_label("JSON Web Key").fill(text)
        someone.page.get_by_role("button", name="Sleutel opladen").click()
    expect(someone.page.get_by_role("alert")).to_contain_text("Hij is niet verstuurd")
    expect(someone.page.get_by_role("alert")).to_be_focused()
    expect(someone.page.get_by_label("JSON Web Key")).to_have_value("")
    accessible(someone.page)
    assert someone.sent == before
    someone.page.get_by_role("alert").get_by_role("link").click()
    expect(someone.page.get_by_label("JSON Web Key")).to_be_focused()
    assert not any(secret in request for request in someone.sent)


def test_without_the_right_one_learns_whom_to_ask(portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk]) -> None:
    """Steps 4 and 8: once the Lokale Beheerder has granted it, the same page shows the clients."""
    _, name = registered(operator)
    someone = desk(api_beheerder=False)
    someone.log_on()
    expect(someone.page.get_by_role("heading", level=1)).to_have_text("U hebt het recht API-beheerder niet")
    for words in ("Lokale Beheerder in uw organisatie", "keuze 5"):
        expect(someone.page.get_by_text(words)).to_be_visible()
    expect(someone.page.get_by_role("link", name="+32 2 553 1700")).to_have_attribute("href", "tel:+3225531700")
    accessible(someone.page)
    set_right(portal.settings.database, someone.name, api_beheerder=True)
    someone.page.reload()
    expect(someone.page.get_by_role("link", name=name)).to_be_visible()


def test_two_people_at_once(operator: httpx.Client, desk: Callable[..., Desk]) -> None:
    """The second one is told, keeps the text, and can go on."""
    client_id, name = registered(operator)
    first, second = desk(), desk()
    for someone, kid in ((first, "of-the-first"), (second, "of-the-second")):
        someone.log_on()
        someone.open(name)
        someone.page.get_by_label("JSON Web Key").fill(json.dumps(public_jwk(new_key(kid))))
    first.page.get_by_role("button", name="Sleutel opladen").click()
    expect(first.page.get_by_text("De sleutel is opgeladen")).to_be_visible()
    second.page.get_by_role("button", name="Sleutel opladen").click()
    assert f"Intussen wijzigde {first.name} de sleutels" in second.summary
    expect(second.page.get_by_role("rowheader", name="of-the-first")).to_be_visible()
    accessible(second.page)
    second.page.get_by_role("button", name="Sleutel opladen").click()
    expect(second.page.get_by_text("De sleutel is opgeladen")).to_be_visible()
    keys = operator.get(f"/management/v1/clients/{client_id}/jwks").json()["keys"]
    assert [key["kid"] for key in keys] == ["of-the-first", "of-the-second"]
    assert second.page.url.startswith(f"{second.portal.origin}{client_path(client_id)}")
