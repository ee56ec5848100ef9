"""A client that people make and connect at the pages, each before a window of their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from story.person import MENU, client_path
from tests.end_to_end.browser.conftest import Desk, look_at
from tests.support.browser import accessible, shot, tab_to
from tests.support.forms import DOSIS, NOTIFICATIES
from tests.support.portal import RunningPortal, new_key, public_jwk
from tests.support.portal_operator import APIS, TEAM, PortalOperator

GENT = "OVO002067"


@pytest.fixture(scope="module")
def people(browser: Browser, portal: RunningPortal) -> PortalOperator:
    return PortalOperator(browser, portal.settings)


@pytest.mark.exhaustive
def test_people_alone_connect_an_application(
    portal: RunningPortal, operator: httpx.Client, people: PortalOperator, tmp_path: Path
) -> None:
    """From nothing to a client whose calls of a product work, then without one API, then gone; what
    is refused is told to whoever plays them."""
    client_id = people.create_client(GENT, "Mijn loket", organisation_name="Stad Gent")
    key = new_key("loket-2026")
    file = tmp_path / "loket.jwk.json"
    file.write_text(json.dumps(public_jwk(key)))
    people.upload_key(client_id, file)
    dosis, notificaties = (
        people.referentie(scope) for scope in ("dv_dosis_schrijven", "dv_notificaties_import")
    )
    for referentie in (dosis, notificaties):
        people.request_coupling(client_id, referentie)
    with pytest.raises(AssertionError, match="al aangevraagd"):
        people.request_coupling(client_id, dosis)
    people.approve(client_id, dosis, ["dv_dosis_schrijven"], default=["dv_dosis_schrijven"])
    people.refuse(client_id, notificaties, "Nog niet getest")
    people.register_product(client_id, "dosis", DOSIS)
    path = f"/management/v1/clients/{client_id}"
    people.change_client(client_id, "Mijn loket, voor dossiers", ["loket@stad.example"])
    document = operator.get(path).json()
    assert document["contacts"] == ["loket@stad.example"]
    assert (document["client_name"], document["organisation"]["name"]) == (
        "Mijn loket, voor dossiers",
        "Stad Gent",
    )
    scopes = operator.get(f"{path}/scopes").json()
    assert scopes["default"] == ["dv_dosis_schrijven"]
    assert "dv_notificaties_import" not in scopes["scopes"]
    assert (
        operator.get(f"/products/v1/dosis/configurations/{client_id}").json()["configuration"]
        == DOSIS
    )
    token = portal.client_token(key, client_id, "dosis")
    with portal.operator(token) as client:
        assert client.get("/api/v2/dosis/bronnen/uris").json() == [DOSIS["bron_uri"]]
        people.disconnect(client_id, dosis)
        assert client.get("/api/v2/dosis/bronnen/uris").status_code == 403
        people.remove_product(client_id, "dosis")
        people.remove_key(client_id, "loket-2026")
        assert operator.get(f"{path}/jwks").json()["keys"] == []
        people.remove_client(client_id)
        assert client.get("/api/v2/dosis/bronnen/uris").status_code == 401
    assert operator.get(path).status_code == 404


@pytest.mark.exhaustive
def test_every_page_is_for_everybody(
    portal: RunningPortal, people: PortalOperator, desk: Callable[..., Desk]
) -> None:
    """Of each of the three kinds of people: see ``look_at``. A client has a coupling, a request
    that waits, one that was refused, and a product."""
    gent, owner, team = (
        desk(),
        desk(organisation=TEAM),
        desk(api_beheerder=False, aansluitingenteam=True),
    )
    for who in (gent, owner, team):
        who.be_logged_on()
    new, apis = f"/portaal/nl{MENU}/nieuw", portal.settings.apis
    long_name = "Een client met een lange naam, die ook smal leesbaar blijft"
    made = gent.send(new, client_name=long_name, contacts="api-beheer@stad.example")
    client_id = made.headers["location"].rpartition("/")[2].partition("?")[0]
    own = client_path(client_id)
    scopes = ("dv_dosis_schrijven", "dv_notificaties_import", "dv_wr_geschetsteweg_beheer")
    dosis, notificaties, roads = (people.referentie(scope) for scope in scopes)
    for referentie in (dosis, notificaties, roads):
        gent.send(f"{own}/koppelen", own, referentie=referentie)
    coupling, request, refused = (
        f"{APIS}/{apis[referentie].client_id}/{client_id}"
        for referentie in (dosis, roads, notificaties)
    )
    owner.send(coupling, besluit="grant", **{"scope.dv_dosis_schrijven": "on"})
    reason = "De naam van de client is niet de naam die deze API voorschrijft"
    owner.send(refused, besluit="refuse", refusal=reason)
    fields = {
        f"veld-{name}": "\r\n".join(value) if isinstance(value, list) else str(value)
        for name, value in NOTIFICATIES.items()
    }
    team.send(f"{own}/producten/notificaties", **fields)
    for who, name, path in (
        (gent, "new-client", new),
        (gent, "change-client", f"{own}/aanpassen"),
        (gent, "own-client", own),
        (owner, "apis", APIS),
        (owner, "coupling", coupling),
        (owner, "request", request),
        (team, "all-clients", f"/portaal/nl{MENU}"),
        (team, "client-of-another", own),
        (team, "configuration", f"{own}/producten/notificaties"),
    ):
        look_at(who.page, name, portal.origin + path)
    assert [*gent.complaints, *owner.complaints, *team.complaints] == []
    for who, path, button in (
        (gent, new, "Client aanmaken"),
        (gent, own, "Koppelen"),
        (owner, request, "Goedkeuren"),
        (owner, request, "Weigeren"),
        (team, f"{own}/producten/dosis", "Configuratie bewaren"),
    ):
        who.page.goto(portal.origin + path)
        who.page.get_by_role("button", name=button, exact=True).click()
        expect(who.page.get_by_role("alert")).to_be_visible()
        accessible(who.page)
        shot(who.page, f"refused-{button.lower().replace(' ', '-')}")


@pytest.mark.exhaustive
def test_the_keyboard_is_enough(
    portal: RunningPortal, operator: httpx.Client, desk: Callable[..., Desk]
) -> None:
    """A client is made, coupled and removed without a mouse, by two people."""
    gent, owner = desk(), desk(organisation=TEAM)
    page, theirs = gent.page, owner.page
    for who in (gent, owner):
        who.be_logged_on()
        who.page.goto(portal.origin)
    expect(page.get_by_role("heading", level=1)).to_have_text("Mijn OAuth Clients")
    tab_to(page, "Nieuwe OAuth client aanmaken")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nieuwe OAuth client aanmaken")
    tab_to(page, "Client")
    page.keyboard.type("Getypt")
    tab_to(page, "Contact")
    page.keyboard.type("getypt@stad.example")
    tab_to(page, "Client aanmaken")
    page.keyboard.press("Enter")
    expect(page.get_by_text("De client is aangemaakt")).to_be_visible()
    client_id = page.url.rpartition("/")[2].partition("?")[0]
    tab_to(page, "Referentie")
    page.keyboard.type("Wegenregister")
    page.keyboard.press("Enter")
    expect(page.get_by_text("De koppeling is aangevraagd")).to_be_visible()
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Mijn OAuth Clients")
    tab_to(theirs, "Mijn API's")
    theirs.keyboard.press("Enter")
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Mijn API's")
    tab_to(theirs, "Getypt")
    theirs.keyboard.press("Enter")
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Getypt en Wegenregister")
    tab_to(theirs, "dv_wr_geschetsteweg_beheer")
    theirs.keyboard.press("Space")
    tab_to(theirs, "Goedkeuren")
    theirs.keyboard.press("Enter")
    expect(theirs.get_by_text("De scopes zijn toegekend")).to_be_visible()
    assert (
        "dv_wr_geschetsteweg_beheer"
        in operator.get(f"/management/v1/clients/{client_id}/scopes").json()["scopes"]
    )
    tab_to(page, "Client verwijderen")
    page.keyboard.press("Enter")
    tab_to(page, "Ik begrijp dat de applicatie daarna niet meer werkt")
    page.keyboard.press("Space")
    tab_to(page, "Client verwijderen")
    page.keyboard.press("Enter")
    expect(page.get_by_text("De client is verwijderd")).to_be_visible()
    assert operator.get(f"/management/v1/clients/{client_id}").status_code == 404
