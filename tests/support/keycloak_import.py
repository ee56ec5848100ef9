"""Clients that a careful administrator made in a realm years ago, and the sheet that lists them."""

from __future__ import annotations

import csv
from typing import Any

from joserfc.jwk import ECKey

from tests.support.engine import Project
from tests.support.forms import PLAIN, SEND
from tests.support.keycloak import TestRealm

HEADINGS = ["KBOnummer", "Klant", "TAN", "URI TEST", "URI PRD", "CliëntID TEST", "CliëntID PRD"]
MADE_BY_HAND = {
    "leuven-loket": ("Stad Leuven - mijn-loket", (SEND, PLAIN)),
    "wingene-1": ("Gemeente Wingene - loket", (PLAIN,)),
}
"""Per client its name and its scopes."""
SHEET = (
    ("0207521503", "Stad Leuven", "leuven-loket"),
    ("0207495470", "Gemeente Wingene", "wingene-1"),
)
"""Per client the organisation's KBO number, its name, and the client-ID."""
OWN = {"software_id", "managed_by", "organisation", "application", "contacts"}
"""What this project keeps in attributes, for Keycloak has no field for it."""


def made_by_hand(
    realm: TestRealm, client_id: str, name: str, *scopes: str, keys: tuple[ECKey, ...]
) -> dict[str, Any]:
    """A client with its scopes, and nothing that Keycloak offers beside."""
    realm.add_client(
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
    realm.withdraw(client_id, "service_account", "default")
    realm.set_keys(client_id, keys)
    return realm.client(client_id)


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
