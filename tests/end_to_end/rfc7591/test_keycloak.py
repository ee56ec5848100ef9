"""The same adapter on a second authority: Keycloak's registration endpoint, which keeps none of our
marks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from acmidm_sandbox.keycloak.admin import Admin
from acmidm_sandbox.keycloak.server import Server
from tests.support.engine import Project, details
from tests.support.forms import PLAIN, SEND, write_form
from tests.support.keycloak import TestRealm, make_registering_realm
from tests.support.keycloak_platform import Platform, running_platform
from tests.support.portal import new_key


@pytest.fixture
def realm(platform: Platform) -> TestRealm:
    return platform.realm


@pytest.fixture(scope="module")
def platform(
    administrator: Admin, keycloak_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("products")
    with running_platform(
        keycloak_server, administrator, folder, make=make_registering_realm
    ) as running:
        yield running


@pytest.fixture
def project(platform: Platform, tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.secrets.append(str(platform.realm.operator_key.as_dict(private=True)["d"]))
    made.prepare(platform.realm.registration_settings(platform.products_url, tmp_path))
    return made


def test_from_the_first_run_to_the_last(project: Project, realm: TestRealm) -> None:
    """What it does not keep is no drift; a change by hand is, and is healed; a removal is known for
    one."""
    form = write_form(project.forms, scopes=(SEND, PLAIN), keys=("key-1", "key-2"))
    project.apply()
    project.in_sync()
    assert project.acmidm("drift").code == 0
    client_id = project.client_id(form)
    assert realm.scopes(client_id) >= {SEND, PLAIN}
    assert [key["kid"] for key in realm.keys(client_id)] == ["key-1", "key-2"]
    assert realm.request_token(form.keys["key-1"], client_id, scope=SEND).status_code == 200

    realm.grant(client_id, "dv_ar_adres_beheer")
    realm.set_keys(client_id, [*form.keys.values(), new_key("slipped-in")])
    realm.change(client_id, name="Anders")
    assert details(project.steps("--refresh")) == {
        f"OAuthClient {form.key}": ("update", ["client_name"]),
        f"ClientScopes {form.key}": ("update", ["scopes.dv_ar_adres_beheer"]),
        f"ClientJwks {form.key}": ("update", ['jwks["slipped-in"]']),
    }
    outcome = project.acmidm("drift", "--heal")
    assert outcome.code == 0, outcome.output
    assert [key["kid"] for key in realm.keys(client_id)] == ["key-1", "key-2"]
    assert "dv_ar_adres_beheer" not in realm.scopes(client_id)

    form.request()["jwks"].pop(0)
    form.request()["scopes"] = {}
    form.request()["products"] = {}
    form.document["contacts"] = ["nieuw@stad-gent.example"]
    form.save()
    project.apply()
    project.in_sync()
    assert realm.request_token(form.keys["key-2"], client_id, scope=SEND).status_code == 400
    assert realm.request_token(form.keys["key-1"], client_id).status_code in (400, 401)

    realm.remove(client_id)
    project.apply("--refresh")
    again = project.client_id(form)
    assert again != client_id
    project.succeed("destroy", "--yes")
    assert again not in realm.client_ids()
