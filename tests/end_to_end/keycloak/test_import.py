"""Clients that people made in a realm: listed, imported from a spreadsheet, taken over without a
change but whose they are."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from joserfc.jwk import ECKey

from acmidm_sandbox.keycloak.admin import Admin
from acmidm_sandbox.keycloak.server import Server
from tests.support.command_line import CommandLine
from tests.support.engine import Project, place_of
from tests.support.forms import NOTIFICATIES, PLAIN, SEND, write_form
from tests.support.keycloak_by_hand import map_roles
from tests.support.keycloak_platform import Platform, running_platform
from tests.support.portal import new_key

HEADINGS = ["KBOnummer", "Klant", "TAN", "URI TEST", "URI PRD", "CliëntID TEST", "CliëntID PRD"]
GENT, WINGENE = "0207451227", "0207495470"
OWN = {"software_id", "managed_by", "organisation", "application", "contacts"}
"""What this project keeps in attributes, for Keycloak has no field for it."""


@pytest.fixture(scope="module")
def shared(
    keycloak_server: Server, administrator: Admin, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """A realm that no other tests put clients into: all of it is listed here."""
    with running_platform(
        keycloak_server, administrator, tmp_path_factory.mktemp("products")
    ) as running:
        yield running


@pytest.fixture
def platform(shared: Platform) -> Iterator[Platform]:
    before = shared.realm.client_ids()
    yield shared
    for client_id in shared.realm.client_ids() - before:
        shared.realm.remove(client_id)


def made_by_hand(
    platform: Platform, client_id: str, name: str, *scopes: str, keys: tuple[ECKey, ...]
) -> dict[str, Any]:
    """A client as a careful administrator makes it: with its scopes, and nothing that Keycloak
    offers beside."""
    platform.realm.add_client(
        client_id,
        name=name,
        description=name.partition(" - ")[0],
        publicClient=False,
        clientAuthenticatorType="client-jwt",
        standardFlowEnabled=False,
        fullScopeAllowed=False,
        defaultClientScopes=[],
        optionalClientScopes=list(scopes),
    )
    platform.realm.withdraw(client_id, "service_account", "default")
    platform.realm.set_keys(client_id, keys)
    return platform.realm.client(client_id)


def write_sheet(project: Project, *rows: tuple[str, str, str]) -> str:
    """KBO number, customer and client-ID on TNI, as people keep them. The file's name."""
    with (project.folder / "klanten.csv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(HEADINGS)
        writer.writerows(
            [kbo, customer, "T-1", "https://test.example", "", client_id, ""]
            for kbo, customer, client_id in rows
        )
    return "klanten.csv"


def without_own_attributes(client: dict[str, Any]) -> dict[str, Any]:
    attributes = {
        name: value
        for name, value in client["attributes"].items()
        if not name.startswith("acmidm.")
    }
    scopes = {
        kind: sorted(client[kind]) for kind in ("defaultClientScopes", "optionalClientScopes")
    }
    return {**client, **scopes, "attributes": attributes}


def test_import_then_up_changes_nothing_but_our_own_attributes(
    platform: Platform, project: Project
) -> None:
    """Two organisations, a product, a supplier's key that both use: the adoption is empty but for
    what says whose they are."""
    acmidm, key, common = CommandLine(project), new_key("gent-1"), new_key("leverancier-1")
    before = {
        "gent-loket": made_by_hand(
            platform, "gent-loket", "Stad Gent - mijn-loket", SEND, PLAIN, keys=(key, common)
        ),
        "wingene-1": made_by_hand(
            platform, "wingene-1", "Gemeente Wingene - loket", PLAIN, keys=(key, common)
        ),
    }
    platform.configure("gent-loket", "notificaties", NOTIFICATIES)
    sheet = write_sheet(
        project, (GENT, "Stad Gent", "gent-loket"), (WINGENE, "Gemeente Wingene", "wingene-1")
    )
    options = (
        "--tni",
        "tni",
        "--contact",
        "koppelingen@leverancier.example",
        "--supplier",
        "leverancier",
    )
    done = acmidm.run("import", sheet, *options, "--until", "2999-12-31")
    assert done.code == 0, done.output
    assert "2 rows: 2 forms written, 0 declared already, 0 things not placed" in done.stdout
    assert {client_id: platform.realm.client(client_id) for client_id in before} == before, (
        "importing itself writes nothing"
    )
    assert yaml.safe_load((project.forms / "stad-gent/organisation.yaml").read_text())[
        "adopts"
    ] == ["gent-loket"]
    assert (
        "on tni has no code of an organisation there, and adopts in stad-gent/organisation.yaml has"
        " it: see whether it is Stad" in done.stdout
    )
    form = yaml.safe_load((project.forms / "stad-gent/mijn-loket.yaml").read_text())
    assert form["environments"]["tni"]["adopt"] == {"acmidm": "gent-loket"}
    assert set(form["environments"]["tni"]["scopes"]) == {SEND, PLAIN}
    assert set(form["environments"]["tni"]["products"]) == {"notificaties"}

    shown = {place_of(step["urn"]): step["newState"]["inputs"] for step in project.steps()}
    assert len(shown) == 7
    for place, inputs in shown.items():
        before_adoption = inputs["adopt"]["before"]
        if place.startswith("OAuthClient"):
            assert {
                name for name, value in before_adoption.items() if inputs[name] != value
            } <= OWN, place
        else:
            assert all(
                has.keys() == inputs[name].keys() for name, has in before_adoption.items()
            ), place
    project.apply()
    project.in_sync()
    for client_id, client in before.items():
        assert without_own_attributes(platform.realm.client(client_id)) == without_own_attributes(
            client
        )
    assert (
        platform.realm.request_token(key, "gent-loket", scope=f"{SEND} {PLAIN}").status_code == 200
    )
    assert acmidm.json("drift", "--stack", "tni")["undeclared"] == []


def test_what_keycloak_gives_to_clients_made_in_its_console_is_named(
    platform: Platform, project: Project
) -> None:
    """Taking such a client over would take something away, so that no form is written unseen: each
    scope is named."""
    platform.realm.add_client(
        "console", name="Stad Gent - loket", description="Stad Gent", publicClient=False
    )
    done = CommandLine(project).run(
        "import",
        write_sheet(project, (GENT, "Stad Gent", "console")),
        "--tni",
        "tni",
        "--contact",
        "a@b.example",
    )
    assert done.code == 1
    assert list(project.forms.rglob("*.yaml")) == []
    for scope in ("console-dedicated", "profile", "roles", "service_account"):
        assert f'has the scope "{scope}", which is not in the catalogue' in done.stderr


def test_drift_lists_what_no_form_declares(platform: Platform, project: Project) -> None:
    """The client made by hand, and, a danger, a copy of the declared one; not itself, an operator,
    or what Keycloak makes in each realm.

    The operator of drift is often another than the one that deploys: neither is for a form to take
    over.
    """
    platform.clear()
    form = write_form(project.forms, scopes=(PLAIN,))
    project.apply()
    (attributes,) = (
        client["attributes"]
        for client in map(platform.realm.client, platform.realm.client_ids())
        if client["attributes"].get("acmidm.application") == form.application
    )
    platform.realm.add_client("a-copy", name="Stad Gent - kopie", attributes=attributes)
    made_by_hand(platform, "forgotten", "Stad Gent - vergeten", PLAIN, keys=())
    made_by_hand(platform, "deploying-operator", "Onboarding", keys=())
    map_roles(platform.realm, "deploying-operator", "manage-clients")
    report = CommandLine(project).json("drift", "--stack", "tni", code=1)
    listed = [
        {client["client_id"]: client["client_name"] for client in report[name]}
        for name in ("undeclared", "left_behind")
    ]
    assert listed == [{"forgotten": "Stad Gent - vergeten"}, {"a-copy": "Stad Gent - kopie"}]
    assert report["clients"] == 1
