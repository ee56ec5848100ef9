"""A stack whose clients people made by hand goes on with the same clients once their authority is a
Keycloak."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.support.command_line import CommandLine
from tests.support.engine import Project
from tests.support.forms import PLAIN, write_form
from tests.support.keycloak_platform import Platform
from tests.support.portal import public_jwk

HAND = {"authority": "by_hand", "confirmedFolder": "confirmed/tni/acmidm"}
OF_AN_API = ("managementUrl", "operatorClientId", "operatorPrivateKeyFile")


@pytest.mark.exhaustive
def test_the_same_client_with_our_marks(platform: Platform, project: Project) -> None:
    """Its client-ID stays, no client is made, and nothing differs afterwards."""
    platform.clear()
    realm, file = platform.realm, project.folder / f"Pulumi.{project.stack}.yaml"
    form = write_form(project.forms, scopes=(PLAIN,), keys=("key-1",))
    with_api = file.read_text()
    config = yaml.safe_load(with_api)["config"]
    by_hand = {
        name: value for name, value in config.items() if name.partition(":")[2] not in OF_AN_API
    }
    file.write_text(
        yaml.safe_dump(
            {"config": {**by_hand, **{f"acmidm:{name}": value for name, value in HAND.items()}}}
        )
    )

    client_id = f"made-by-hand-{form.application}"
    jwks = json.dumps({"keys": [public_jwk(form.keys["key-1"])]})
    realm.administrator.post(
        f"/{realm.name}/clients",
        {
            "clientId": client_id,
            "name": "Loket van Gent",
            "clientAuthenticatorType": "client-jwt",
            "serviceAccountsEnabled": True,
            "standardFlowEnabled": False,
            "fullScopeAllowed": False,
            "attributes": {"use.jwks.string": "true", "jwks.string": jwks},
            "defaultClientScopes": [],
            "optionalClientScopes": [PLAIN],
        },
    )
    for _ in range(2):
        for order in CommandLine(project).json("orders", "list", "--stack", "tni")["orders"]:
            made = ("--client-id", client_id) if order["act"] == "create" else ()
            said = project.acmidm(
                "orders", "done", order["order"], *made, "--stack", "tni", "--by", "a@b.example"
            )
            assert said.code == 0, said.output
    project.apply()
    assert project.client_id(form) == client_id

    before = realm.client_ids()
    file.write_text(with_api)
    moved = project.recover()
    assert moved.code == 0, moved.output
    assert "is managed at another type of authority than before, keycloak" in moved.output
    assert (project.client_id(form), realm.client_ids()) == (client_id, before)
    attributes = realm.client(client_id)["attributes"]
    assert attributes["acmidm.software_id"] == f"acmidm/tni/{form.key}"
    assert attributes["acmidm.managed_by"] == "acmidm/tni"
    assert CommandLine(project).run("drift").code == 0
