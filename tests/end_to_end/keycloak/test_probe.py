"""``acmidm probe`` against a real Keycloak, whose answers nobody here wrote: the mistakes that
exist there."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from joserfc.jwk import ECKey

from acmidm_onboarding.forms.loading import read_onboardings
from acmidm_onboarding.values.terms import Environment
from tests.support.connection import Connection
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, SEND, write_form
from tests.support.keycloak_platform import Platform
from tests.support.offered import catalogue_folder
from tests.support.portal import metadata, new_key


@dataclass
class OnKeycloak(Connection):
    """The same connection, whose client is in a realm."""

    place: Platform

    def set_keys(self, *keys: ECKey | dict[str, Any]) -> None:
        self.place.realm.set_keys(self.client_id, [key for key in keys if isinstance(key, ECKey)])


@pytest.fixture
def connection(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OnKeycloak:
    monkeypatch.chdir(tmp_path)
    config = {
        "environment": "tni",
        "catalogueFolder": str(catalogue_folder()),
        **platform.realm.settings(platform.products_url, tmp_path),
    }
    Path("Pulumi.tni.yaml").write_text(
        yaml.safe_dump({"config": {f"acmidm:{name}": value for name, value in config.items()}})
    )
    form = write_form(tmp_path / "onboardings", scopes=(SEND, DOSSIERS))
    key_file = Path("private.jwk.json")
    key_file.write_text(json.dumps(form.keys["key-1"].as_dict(private=True)))
    adapter = platform.realm.adapter()
    client_id = adapter.register(metadata(), None, {}, {}).client_id
    adapter.replace_scopes(client_id, {}, {SEND: False, DOSSIERS: False})
    made = OnKeycloak(platform.portal, form, "acmidm", client_id, key_file, platform)
    made.set_keys(form.keys["key-1"])
    platform.configure(client_id, "notificaties", NOTIFICATIES)
    platform.configure(client_id, "dosis", DOSIS)
    return made


def test_a_connection_that_works(connection: OnKeycloak) -> None:
    """With kid and without; what was proven is recorded."""
    result = connection.probe("--send-test-message", "--record")
    assert (result.code, result.found) == (0, [])
    [found] = (
        read_onboardings([connection.form.path], catalogue_folder())
        .valid()
        .connections(Environment.TNI)
    )
    assert found.evidence_file.evidence is not None
    assert (found.evidence_file.evidence.scopes, found.evidence_file.evidence.products) == (
        frozenset({SEND, DOSSIERS}),
        frozenset({"notificaties", "dosis"}),
    )


def test_mistakes(connection: OnKeycloak) -> None:
    """Each as it is on the embedded authority, told by Keycloak's own answers."""
    realm, client_id = connection.place.realm, connection.client_id
    realm.withdraw(client_id, DOSSIERS)
    assert connection.probe().found == ["scope:not granted"]
    realm.grant(client_id, DOSSIERS)

    with connection.place.products() as http:
        http.delete(
            f"/dosis/configurations/{client_id}", headers={"If-Match": "*"}
        ).raise_for_status()
    assert connection.probe().found == ["product:unconfigured"]

    assert connection.probe(client_id=str(uuid.uuid4())).found == ["client:refused"]

    connection.set_keys(new_key("another"))
    assert connection.probe().found == ["key:not registered"]

    connection.form.add_key("key-2")
    connection.form.save()
    connection.set_keys(*connection.form.keys.values())
    found = []
    for key in connection.form.keys.values():
        connection.key_file.write_text(json.dumps(key.as_dict(private=True)))
        assert connection.probe().found == ["product:unconfigured"]
        found.append(connection.probe("--kid", "").found)
    # Keycloak tries the first key alone: which one that is nobody chose.
    assert sorted(found) == [
        ["kid:several", "kid:missing"],
        ["kid:several", "product:unconfigured"],
    ]
