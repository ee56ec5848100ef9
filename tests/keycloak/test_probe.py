"""``acmidm probe`` against a real Keycloak, whose answers nobody here wrote: the mistakes that exist there."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from joserfc.jwk import ECKey
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm_onboarding.model.form import Environment
from acmidm_onboarding.model.loading import load_onboardings
from tests.support.forms import DOSIS, DOSSIERS, NOTIFICATIES, SEND, FormFile, write_form
from tests.support.keycloak_platform import Platform
from tests.support.offered import catalogue_folder
from tests.support.portal import metadata, new_key, public_jwk


@dataclass
class Connection:
    """A connection that works, which a test breaks in one way."""

    platform: Platform
    form: FormFile
    client_id: str
    key_file: Path

    def probe(self, *words: str, client_id: str | None = None) -> tuple[int, list[str], dict[str, Any]]:
        """Run the command: its code, the ids of what is wrong, and the report."""
        given = ("--private-key", str(self.key_file), "--client-id", client_id or self.client_id, "--output", "json")
        done = CliRunner().invoke(app, ["probe", str(self.form.path), "--stack", "tni", *given, *words])
        assert done.output.startswith("{"), (done.output, done.exception)
        assert "eyJ" not in done.output
        report = json.loads(done.output)
        return done.exit_code, [finding["id"] for step in report["steps"] for finding in step["findings"]], report

    def set_keys(self, *keys: ECKey) -> None:
        adapter = self.platform.realm.adapter()
        found = {str(key.kid): public_jwk(key) for key in keys}
        adapter.replace_jwks(self.client_id, adapter.read_jwks(self.client_id), found)


@pytest.fixture
def connection(platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.chdir(tmp_path)
    config = {
        "environment": "tni",
        "catalogueFolder": str(catalogue_folder()),
        **platform.realm.settings(platform.products_url, tmp_path),
    }
    Path("Pulumi.tni.yaml").write_text(yaml.safe_dump({"config": {f"acmidm:{name}": value for name, value in config.items()}}))
    form = write_form(tmp_path / "onboardings", scopes=(SEND, DOSSIERS))
    key = form.keys["key-1"]
    Path("private.jwk.json").write_text(json.dumps(key.as_dict(private=True)))
    adapter = platform.realm.adapter()
    client_id = adapter.register(metadata(), None).client_id
    adapter.replace_jwks(client_id, {}, {"key-1": public_jwk(key)})
    adapter.replace_scopes(client_id, {}, {SEND: False, DOSSIERS: False})
    with httpx.Client(headers={"authorization": f"Bearer {platform.realm.tokens().current()}"}) as operator:
        for product, configuration in (("notificaties", NOTIFICATIES), ("dosis", DOSIS)):
            url = f"{platform.products_url}/{product}/configurations/{client_id}"
            operator.put(url, json={"configuration": configuration}, headers={"If-None-Match": "*"}).raise_for_status()
    return Connection(platform, form, client_id, Path("private.jwk.json"))


def test_a_connection_that_works(connection: Connection) -> None:
    """With kid and without; what was proven is recorded."""
    assert connection.probe("--send-test-message", "--record")[:2] == (0, [])
    [found] = load_onboardings([connection.form.path], catalogue_folder()).connections(Environment.TNI)
    assert found.evidence is not None
    assert (found.evidence.scopes, found.evidence.products) == (frozenset({SEND, DOSSIERS}), frozenset({"notificaties", "dosis"}))


def test_mistakes(connection: Connection, platform: Platform) -> None:
    """Each as it is on the embedded authority, told by Keycloak's own answers."""
    realm, client_id = platform.realm, connection.client_id
    realm.withdraw(client_id, DOSSIERS)
    assert connection.probe()[1] == ["scope:not granted"]
    realm.grant(client_id, DOSSIERS)

    with httpx.Client(headers={"authorization": f"Bearer {realm.tokens().current()}"}) as operator:
        url = f"{platform.products_url}/dosis/configurations/{client_id}"
        operator.delete(url, headers={"If-Match": "*"}).raise_for_status()
    assert connection.probe()[1] == ["product:unconfigured"]

    assert connection.probe(client_id=str(uuid.uuid4()))[1] == ["client:refused"]

    connection.set_keys(new_key("another"))
    assert connection.probe()[1] == ["key:not registered"]

    connection.form.add_key("key-2")
    connection.form.save()
    connection.set_keys(*connection.form.keys.values())
    found = {}
    for kid in ("key-1", "key-2"):
        connection.key_file.write_text(json.dumps(connection.form.keys[kid].as_dict(private=True)))
        assert connection.probe()[1] == ["product:unconfigured"]
        found[kid] = connection.probe("--kid", "")[1]
    # Keycloak tries the first key alone: which one that is nobody chose.
    assert sorted(map(tuple, found.values())) == [("kid:several", "kid:missing"), ("kid:several", "product:unconfigured")]
