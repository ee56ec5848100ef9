"""A client that people make, couple, configure and remove at the pages: what each of them may, and
what is told."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import httpx
import pytest

from acmidm_sandbox.beheerportaal.store.clients import couplings_of
from acmidm_sandbox.beheerportaal.store.opening import open_database
from story.person import MENU, PortalVisitor, client_path
from tests.sandbox.web import GENT, person
from tests.support.portal import (
    API_IDS,
    RunningPortal,
    new_key,
    public_jwk,
    put_current,
    register_client,
)

OWNER = "OVO002949"
NEW = f"/portaal/nl{MENU}/nieuw"
APIS = "/portaal/nl/toegangsbeheer/api-en-clientbeheer/mijn-apis"
DOSIS = {"veld-bron_uri": "urn://gent/loket", "veld-product_ids": "10244\r\n10245\r\n"}


def somebody_of(portal: RunningPortal, organisation: str = GENT, **rights: Any) -> PortalVisitor:
    return person(portal, f"hand-{uuid.uuid4().hex[:8]}", [organisation], **rights)


@pytest.fixture(scope="module")
def gent(portal: RunningPortal) -> PortalVisitor:
    """Manages the clients of Stad Gent."""
    return somebody_of(portal, organisation_name="Stad Gent")


@pytest.fixture(scope="module")
def owner(portal: RunningPortal) -> PortalVisitor:
    """Manages the APIs of Digitaal Vlaanderen."""
    return somebody_of(portal, OWNER)


@pytest.fixture(scope="module")
def team(portal: RunningPortal) -> PortalVisitor:
    """Is of the Aansluitingenteam, and manages no clients."""
    return somebody_of(portal, OWNER, api_beheerder=False, aansluitingenteam=True)


@pytest.fixture
def client_id(operator: httpx.Client) -> str:
    return str(register_client(operator)["client_id"])


def send(who: PortalVisitor, path: str, form: str = "", **fields: str) -> httpx.Response:
    """Sends the form of a page, which is at ``form`` where it is not at the same address."""
    return who.http.post(path, data={**who.fields(form or path), **fields})


def coupling(client_id: str, referentie: str = "dosis") -> str:
    return f"{APIS}/{API_IDS[referentie]}/{client_id}"


def couple(who: PortalVisitor, client_id: str, referentie: str = "dosis") -> httpx.Response:
    return send(
        who, f"{client_path(client_id)}/koppelen", client_path(client_id), referentie=referentie
    )


def scopes_of(operator: httpx.Client, client_id: str) -> Mapping[str, list[str]]:
    scopes: dict[str, list[str]] = operator.get(f"/management/v1/clients/{client_id}/scopes").json()
    return scopes


def trail_of(operator: httpx.Client, client_id: str) -> list[tuple[str, str]]:
    items = operator.get("/management/v1/audit", params={"client_id": client_id}).json()["items"]
    return [(entry["action"], entry["actor"]) for entry in reversed(items)]


def test_from_a_name_to_a_dossier(
    portal: RunningPortal,
    operator: httpx.Client,
    gent: PortalVisitor,
    owner: PortalVisitor,
    team: PortalVisitor,
) -> None:
    """A client that people alone made, coupled and configured gets a token and posts; the trail
    names each of them, and no stack has a mark on it."""
    made = send(gent, NEW, client_name="Mijn loket", contacts="a@stad.example\r\nb@stad.example")
    client_id = made.headers["location"].rpartition("/")[2].partition("?")[0]
    document = operator.get(f"/management/v1/clients/{client_id}").json()
    assert document["organisation"] == {"name": "Stad Gent", "ovo": GENT, "kbo": None}
    assert document["contacts"] == ["a@stad.example", "b@stad.example"]
    marks = ("software_id", "managed_by", "incarnation")
    assert [document[mark] for mark in marks] == [None] * 3
    key = new_key("loket-2026")
    assert gent.upload(client_id, json.dumps(public_jwk(key))).status_code == 303
    assert couple(gent, client_id).status_code == 303
    assert "Wacht op goedkeuring" in gent.http.get(client_path(client_id)).text
    assert client_id in owner.http.get(APIS).text
    ticked = {"scope.dv_dosis_schrijven": "on", "default.dv_dosis_schrijven": "on"}
    assert send(owner, coupling(client_id), besluit="grant", **ticked).status_code == 303
    waiting, told, _ = owner.http.get(APIS).text.partition("Gekoppelde clients")
    assert told
    assert client_id not in waiting
    assert scopes_of(operator, client_id) == {
        "scopes": ["dv_dosis_schrijven", "vo_info"],
        "default": ["dv_dosis_schrijven"],
    }
    assert "Gekoppeld" in gent.http.get(client_path(client_id)).text
    assert send(team, f"{client_path(client_id)}/producten/dosis", **DOSIS).status_code == 303
    configuration = operator.get(f"/products/v1/dosis/configurations/{client_id}").json()
    assert configuration["configuration"] == {
        "bron_uri": "urn://gent/loket",
        "product_ids": ["10244", "10245"],
    }
    with portal.operator(portal.client_token(key, client_id, "dosis")) as client:
        assert client.get("/api/v2/dosis/bronnen/uris").json() == ["urn://gent/loket"]
    assert trail_of(operator, client_id) == [
        ("client.created", f"user:{gent.name}"),
        ("jwks.replaced", f"user:{gent.name}"),
        ("coupling.requested", f"user:{gent.name}"),
        ("scopes.replaced", f"user:{owner.name}"),
        ("product.replaced", f"user:{team.name}"),
    ]


def test_a_refusal_is_told_and_can_be_asked_again(
    operator: httpx.Client, gent: PortalVisitor, owner: PortalVisitor, client_id: str
) -> None:
    """With its reason, which is asked for; a refused request is gone from the list until it is made
    anew."""
    couple(gent, client_id)
    assert "is al aangevraagd" in couple(gent, client_id).text
    assert (
        "reden van de weigering"
        in send(owner, coupling(client_id), besluit="refuse", refusal=" ").text
    )
    assert (
        send(owner, coupling(client_id), besluit="refuse", refusal="Naam klopt <niet>").status_code
        == 303
    )
    page = gent.http.get(client_path(client_id)).text
    assert "Naam klopt &lt;niet&gt;" in page
    assert owner.http.get(coupling(client_id)).status_code == 404
    assert scopes_of(operator, client_id)["scopes"] == ["vo_info"]
    assert couple(gent, client_id).status_code == 303
    assert owner.http.get(coupling(client_id)).status_code == 200
    assert trail_of(operator, client_id)[-2][0] == "coupling.refused"


def test_scopes_are_changed_and_taken_away(
    operator: httpx.Client, gent: PortalVisitor, owner: PortalVisitor, client_id: str
) -> None:
    """Those of the owner's API alone; a coupling that ends leaves the scopes of others."""
    scopes = {"scopes": ["dv_dosis_schrijven", "dv_magda"], "default": ["dv_magda"]}
    put_current(operator, f"/management/v1/clients/{client_id}/scopes", scopes).raise_for_status()
    assert "al aan deze API gekoppeld" in couple(gent, client_id).text
    path = coupling(client_id)
    assert "minstens één scope" in send(owner, path, besluit="grant").text
    ticked = {
        "scope.dv_dosis_schrijven": "on",
        "default.dv_dosis_schrijven": "on",
        "scope.dv_magda": "on",
    }
    assert send(owner, path, besluit="grant", **ticked).status_code == 303
    assert scopes_of(operator, client_id)["default"] == ["dv_dosis_schrijven", "dv_magda"]
    assert send(owner, path, besluit="disconnect").status_code == 303
    assert scopes_of(operator, client_id) == {
        "scopes": ["dv_magda", "vo_info"],
        "default": ["dv_magda"],
    }
    assert send(owner, path, besluit="disconnect").status_code == 404


def test_a_configuration_is_changed_and_removed(
    operator: httpx.Client, team: PortalVisitor, client_id: str
) -> None:
    """A stack's marks stay on it; mistakes are told at their fields."""
    path, page = (
        f"/products/v1/dosis/configurations/{client_id}",
        f"{client_path(client_id)}/producten/dosis",
    )
    refused = send(team, page, **{"veld-bron_uri": "urn://gent/x"})
    assert refused.status_code == 422
    assert re.findall('href="#(veld-[^"]+)"', refused.text) == ["veld-product_ids"]
    assert 'value="urn://gent/x"' in refused.text
    assert "niet te zien is" in send(team, page, **{**DOSIS, "veld-bron_uri": "\u202eurn"}).text
    declared = {
        "configuration": {"bron_uri": "urn://gent/x", "product_ids": ["1"]},
        "managed_by": "acmidm/tni",
    }
    operator.put(path, json=declared, headers={"If-None-Match": "*"}).raise_for_status()
    assert "urn://gent/x" in team.http.get(page).text
    assert send(team, page, **DOSIS).status_code == 303
    assert operator.get(path).json()["managed_by"] == "acmidm/tni"
    sender = {"code": "OVO001992", "name": "Stad Aalst", "bron_uri": ["urn://aalst/loket"]}
    for line, status in (("Stad Aalst", 422), ('{"code": 1}', 422), (json.dumps(sender), 303)):
        answer = send(team, page, **{**DOSIS, "veld-afzenders": line})
        wrong = set(re.findall('href="#(veld-[^"]+)"', answer.text))
        assert (answer.status_code, wrong) == (
            status,
            {"veld-afzenders"} if status == 422 else set(),
        )
    assert operator.get(path).json()["configuration"]["afzenders"] == [sender]
    assert "urn://aalst/loket" in team.http.get(page).text
    assert send(team, page, besluit="remove").status_code == 303
    assert operator.get(path).status_code == 404
    assert team.http.get(f"{client_path(client_id)}/producten/nothing").status_code == 404


def test_a_name_and_contacts_are_changed(
    operator: httpx.Client, gent: PortalVisitor, client_id: str
) -> None:
    """All else stays, a stack's mark too."""
    path, page = f"/management/v1/clients/{client_id}", f"{client_path(client_id)}/aanpassen"
    before = operator.get(path).json()
    said = {"client_name": "Anders", "contacts": "c@stad.example"}
    assert 'href="#contacts"' in send(gent, page, **{**said, "contacts": "c"}).text
    assert send(gent, page, **said).status_code == 303
    assert operator.get(path).json() == {
        **before,
        "client_name": "Anders",
        "contacts": ["c@stad.example"],
    }


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"client_name": " ", "contacts": "a@stad.example"}, "client_name"),
        ({"client_name": "x" * 256, "contacts": "a@stad.example"}, "client_name"),
        ({"client_name": "Loket\u202e", "contacts": "a@stad.example"}, "client_name"),
        ({"client_name": "Loket", "contacts": ""}, "contacts"),
        ({"client_name": "Loket", "contacts": "a@stad.example stad"}, "contacts"),
    ],
)
def test_what_makes_no_client(gent: PortalVisitor, fields: dict[str, str], place: str) -> None:
    """Is told at its field, and can be corrected."""
    refused = send(gent, NEW, **fields)
    assert refused.status_code == 422
    assert f'href="#{place}"' in refused.text
    assert fields["contacts"] in refused.text


def test_who_may_do_what(
    portal: RunningPortal,
    operator: httpx.Client,
    gent: PortalVisitor,
    owner: PortalVisitor,
    team: PortalVisitor,
    client_id: str,
) -> None:
    """What is another's is not there at all, to read or to change: another organisation's client or
    API, and what only the Aansluitingenteam does. The team in turn makes no clients, and neither
    keys nor couplings for them."""
    aalst, athumi = somebody_of(portal, "OVO001992"), somebody_of(portal, "OVO009999")
    both = somebody_of(portal, OWNER, aansluitingenteam=True)
    couple(gent, client_id)
    own, page = client_path(client_id), f"{client_path(client_id)}/producten/dosis"
    granted = {"besluit": "grant", "scope.dv_dosis_schrijven": "on"}
    for who, path, fields in (
        (aalst, f"{own}/verwijderen", {"bevestigd": "ja"}),
        (aalst, f"{own}/koppelen", {"referentie": "dosis"}),
        (
            aalst,
            f"{own}/aanpassen",
            {"client_name": "Loket", "contacts": "a@stad.example"},
        ),
        (
            both,
            f"{own}/aanpassen",
            {"client_name": "Loket", "contacts": "a@stad.example"},
        ),
        (both, f"{own}/koppelen", {"referentie": "dosis"}),
        (both, f"{own}/sleutels", {"jwk": json.dumps(public_jwk(new_key()))}),
        (
            team,
            f"{own}/aanpassen",
            {"client_name": "Loket", "contacts": "a@stad.example"},
        ),
        (gent, coupling(client_id), granted),
        (athumi, coupling(client_id), granted),
        (athumi, coupling(client_id, "magda"), granted),
        (owner, coupling(client_id, "notificaties"), granted),
        (gent, page, {**DOSIS}),
        (owner, page, {**DOSIS}),
        (owner, f"{own}/verwijderen", {"bevestigd": "ja"}),
        (team, NEW, {"client_name": "Loket", "contacts": "a@stad.example"}),
        (team, f"{own}/sleutels", {"jwk": json.dumps(public_jwk(new_key()))}),
        (team, f"{own}/koppelen", {"referentie": "dosis"}),
        (team, coupling(client_id), granted),
    ):
        assert who.http.post(path, data=fields).status_code == 404, path
    assert [action for action, _ in trail_of(operator, client_id)] == [
        "client.created",
        "coupling.requested",
    ]
    assert "geen API met deze Referentie" in couple(gent, client_id, "nothing").text
    listed = athumi.http.get(APIS).text
    assert client_id not in listed
    assert "Er zijn er nu geen." in listed, "no request waits"
    own_of_team = client_path(
        register_client(operator, organisation={"name": "DV", "ovo": OWNER})["client_id"]
    )
    for path in (own, own_of_team):
        assert "Sleutel opladen" not in team.http.get(path).text
    assert "Sleutel opladen" in owner.http.get(own_of_team).text
    assert (
        "Mijn API" in owner.http.get(own_of_team).text,
        "Mijn API" in team.http.get(own_of_team).text,
    ) == (
        True,
        False,
    )


def test_a_client_goes_after_a_confirmation(
    portal: RunningPortal, operator: httpx.Client, gent: PortalVisitor, team: PortalVisitor
) -> None:
    """By its organisation or the Aansluitingenteam; its tokens end, and its requests are
    forgotten."""
    key = new_key()
    for who in (gent, team):
        client_id = str(register_client(operator, keys=[key])["client_id"])
        couple(gent, client_id)
        token = portal.client_token(key, client_id)
        path = f"{client_path(client_id)}/verwijderen"
        assert send(who, path).headers["location"] == client_path(client_id)
        assert operator.get(f"/management/v1/clients/{client_id}").status_code == 200, (
            "it was not confirmed"
        )
        gone = send(who, path, bevestigd="ja")
        assert "De client is verwijderd" in who.http.get(gone.headers["location"]).text
        assert operator.get(f"/management/v1/clients/{client_id}").status_code == 404
        with portal.operator(token) as client:
            assert client.get("/api/v2/dosis/bronnen/uris").status_code == 401
        with closing(open_database(portal.settings.database)) as store, store.read() as session:
            assert couplings_of(session, client_id) == {}
        assert trail_of(operator, client_id)[-1] == ("client.removed", f"user:{who.name}")
