"""An authority of somebody else: a package with an entry point is all that it takes, and all that
there is to name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import yaml

from acmidm.report.former_secrets import former_secrets
from acmidm.report.kinds import Kind
from acmidm.report.three_views import ActualPlatform
from acmidm.report.undeclared import clients_of
from acmidm_onboarding.authorities.connected import connected
from acmidm_onboarding.authorities.errors import Rejected
from acmidm_onboarding.authorities.port import RegisteredClient
from acmidm_onboarding.authority_types import installed_authorities
from acmidm_onboarding.forms.catalogue_files import load_catalogue
from acmidm_onboarding.resources.client_scopes import ClientScopesProvider
from acmidm_onboarding.resources.oauth_client import OAuthClientProvider
from acmidm_onboarding.settings import InvalidSettings, declared_keys, full_key, read_settings
from acmidm_onboarding.settings.trusted_hosts import TRUSTED_HOSTS
from acmidm_onboarding.stack_files import stacks_in
from acmidm_onboarding.values.problems import Failure
from acmidm_onboarding.values.terms import Environment, Platform
from tests.conformance.conftest import tried
from tests.resources.world import World, adopting, client_inputs, outs
from tests.support import fault_proxy
from tests.support.engine import ROOT, settings_of
from tests.support.fault_proxy import FaultProxy
from tests.support.offered import offered
from tests.support.portal import metadata, running_portal
from tests.support.samples import COMPARISON
from tests.support.third_party import SETTINGS as OF_DICTIONARY
from tests.support.third_party import dictionary_site
from tests.support.tls_server import running_tls_server
from tests.support.workspace import FORM, Workspace

pytestmark = pytest.mark.tool

Install = Callable[[str, str], None]
VALUE = "their_dictionary:DICTIONARY"
SETTINGS = {**OF_DICTIONARY, "environment": "tni", "retryDeadlineSeconds": "0"}
PRODUCT = """\
product: dosis
title: DOSIS
owner: Digitaal Vlaanderen
source: the tests
scopes:
  dv_dosis_schrijven: {title: Write, verified: false, source: the tests}
"""

CONFIGURATION = """\
configuration:
  $schema: https://json-schema.org/draft/2020-12/schema
  type: object
"""


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The wheel of the dictionary, for the length of a test."""
    monkeypatch.syspath_prepend(dictionary_site())
    installed_authorities.cache_clear()
    yield
    registers().clear()
    installed_authorities.cache_clear()


def registers() -> dict[str, dict[str, RegisteredClient]]:
    found: dict[str, dict[str, RegisteredClient]] = import_module("their_dictionary").REGISTERS
    return found


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """What pip leaves of one more package, of which little is right."""

    def installed(name: str, value: str) -> None:
        folder = tmp_path / "site" / f"their_{name}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: their-{name}\nVersion: 1.0\n"
        )
        (folder / "entry_points.txt").write_text(
            f"[acmidm_onboarding.authorities]\n{name} = {value}\n"
        )
        monkeypatch.syspath_prepend(tmp_path / "site")
        installed_authorities.cache_clear()

    return installed


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A run on a stack whose clients are in a dictionary, and whose products have no API that is
    configured."""
    catalogue = tmp_path / "theirs"
    catalogue.mkdir()
    (catalogue / "dosis.yaml").write_text(PRODUCT)
    return World(
        {
            full_key(key): value
            for key, value in {**SETTINGS, "catalogueFolder": str(catalogue)}.items()
        }
    )


def test_its_settings_are_read_by_its_own_model() -> None:
    settings = read_settings(SETTINGS.get, {}, SETTINGS).platforms[Platform.ACMIDM]
    assert settings.model_dump()["register_name"] == "third-party"
    assert {"registerName", "geosecure:registerName"} <= declared_keys().keys()
    with pytest.raises(InvalidSettings, match="setting acmidm:registerName is missing"):
        read_settings({**SETTINGS, "registerName": ""}.get, {})


def test_the_address_of_the_products_is_wanted_where_some_are_configured(tmp_path: Path) -> None:
    """An authority that is not over HTTP may have no such API, and a catalogue no such product."""
    without = {key: value for key, value in SETTINGS.items() if key != "productsUrl"}
    settings = read_settings(without.get, {}, without)
    folder = tmp_path / "catalogue"
    folder.mkdir()
    (folder / "dosis.yaml").write_text(PRODUCT)
    connected(settings, load_catalogue(folder))

    (folder / "dosis.yaml").write_text(PRODUCT + CONFIGURATION)
    with pytest.raises(InvalidSettings) as caught:
        connected(settings, load_catalogue(folder))
    assert str(caught.value) == (
        "setting acmidm:productsUrl is missing, and products are configured there; set it with"
        " pulumi config set acmidm:productsUrl"
    )


def test_a_key_of_another_type_is_refused() -> None:
    with pytest.raises(InvalidSettings) as caught:
        read_settings({**SETTINGS, "managementUrl": "https://beheer.example"}.get, {})
    assert (
        str(caught.value)
        == "setting acmidm:managementUrl is none that this type of authority reads; remove it with"
        " pulumi config rm acmidm:managementUrl"
    )


def test_an_unknown_authority_is_refused_with_those_that_are_installed(tmp_path: Path) -> None:
    """Also where it looks like a module: a pull request changes a stack's file, and loads nothing
    by it."""
    assert "dictionary" in installed_authorities()
    for name in ("dictionry", VALUE, "their_dictionary"):
        with pytest.raises(InvalidSettings) as caught:
            read_settings({**SETTINGS, "authority": name}.get, {})
        assert (
            str(caught.value) == "setting acmidm:authority is not known; it is"
            f" {' or '.join(map(repr, installed_authorities()))}; set it with pulumi config set"
            " acmidm:authority"
        )
    (tmp_path / "Pulumi.tni.yaml").write_text(
        "config: {acmidm:environment: tni, acmidm:authority: dictionry}\n"
    )
    with pytest.raises(
        InvalidSettings, match=r'"dictionry" is not known; did you mean "dictionary"'
    ):
        stacks_in(tmp_path)


def test_forms_and_reviews_ask_what_it_can_do(workspace: Workspace) -> None:
    workspace.write_form(
        FORM.replace("jwks: [tni.jwk.json]", "jwks_uri: https://gent.example/jwks.json")
    )
    for authority, mistakes in (("dictionary", 0), ("beheerportaal", 1)):
        workspace.write(
            "Pulumi.tni.yaml",
            f"config: {{acmidm:environment: tni, acmidm:authority: {authority}}}\n",
        )
        said = workspace.sentences(served=stacks_in(workspace.root).served)
        assert (
            len([sentence for sentence in said if "takes no keys from an address" in sentence])
            == mistakes
        ), said
        assert all(" dictionary, " in sentence for sentence in said)
    stack = {"environment": "tni", "authority": "dictionary"}
    assert (
        former_secrets([stack])[Environment.TNI, Platform.ACMIDM] == "the one before ends at once"
    )


def test_resources_are_made_read_and_removed_there(world: World) -> None:
    client = outs(world.provider(OAuthClientProvider).create(client_inputs("loket")))
    client_id = client["client_id"]
    scopes = {"client_id": client_id, "platform": "acmidm", "default_scopes": {}}
    scopes |= {"scopes": {"dv_dosis_schrijven": "dossiers"}}
    owner = {name: client[name] for name in ("software_id", "managed_by")}
    world.provider(ClientScopesProvider).create({**scopes, **owner})
    found = registers()["third-party"][client_id]
    assert (found.metadata.application, found.scopes) == (
        "loket",
        {"dv_dosis_schrijven": False},
    )
    refreshed = world.provider(OAuthClientProvider).read(client_id, client)
    assert outs(refreshed)["client_name"] == client["client_name"]
    world.provider(OAuthClientProvider).delete(client_id, client)
    assert registers()["third-party"] == {}


@pytest.mark.parametrize(
    "marks", [(), ("software_id", "managed_by")], ids=["adopted", "by its key"]
)
def test_no_form_gets_the_operators_own_client(
    world: World, monkeypatch: pytest.MonkeyPatch, marks: tuple[str, ...]
) -> None:
    """Though the adapter reserves nobody: whoever has that client locks the stack out."""
    theirs = import_module("their_dictionary")
    monkeypatch.setattr(theirs.Dictionary, "reserved", lambda _self, _client_id: None)
    operator, inputs = str(OF_DICTIONARY["operatorClientId"]), client_inputs("loket")
    of_nobody = {"software_id": None, "managed_by": None}
    found = metadata("loket", **of_nobody | {name: inputs[name] for name in marks})
    there = RegisteredClient(operator, found, scopes={}, jwks={})
    registers()["third-party"] = {operator: there}
    provider = world.provider(OAuthClientProvider)
    checked = provider.check({}, adopting(operator, inputs)).inputs or {}
    assert "is an operator's own" in checked["adopt"].get("refused", "")
    taking = {**inputs, "adopt": {"client_id": operator, "before": inputs}}
    for write in (
        partial(provider.delete, operator, inputs),
        partial(provider.create, inputs if marks else taking),
        partial(provider.update, operator, inputs, {**inputs, "contacts": ["a@gent.example"]}),
    ):
        with pytest.raises(Rejected, match="is an operator's own"):
            write()
    assert registers()["third-party"] == {operator: there}


def test_what_is_there_is_listed_and_compared(world: World) -> None:
    client_id = outs(world.provider(OAuthClientProvider).create(client_inputs("loket")))[
        "client_id"
    ]
    settings = read_settings(lambda key: world.config.get(full_key(key)), {})
    platforms = connected(settings, load_catalogue(settings.catalogue_folder))
    [(platform, registered, reserved)] = clients_of(platforms)
    assert (platform, registered.client_id, reserved) == (Platform.ACMIDM, client_id, None)
    known = registered.as_client(("OVO002067/loket", platform, Environment.TNI), {}, frozenset())
    platforms[platform].authority.replace_scopes(client_id, {}, {"dv_dosis_schrijven": False})
    listed = {one.client_id: one for one in platforms[platform].authority.clients()}
    changes = COMPARISON.between(
        known, ActualPlatform(listed, {}).client_and_products(known, client_id, ())[0]
    )
    assert changes is not None
    assert [(change.kind, change.subject) for change in changes.changes] == [
        (Kind.SCOPE_GRANTED, "dv_dosis_schrijven")
    ]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "broken",
            "no.such.module:BROKEN",
            "of their-broken cannot be loaded (No module named 'no'); install its",
        ),
        (
            "other",
            VALUE,
            "of their-other is no AuthorityType of that name; correct its entry point",
        ),
        ("keycloak", VALUE, "has the name of another; uninstall one of the two"),
    ],
)
def test_an_unusable_package_is_named(
    install: Install, name: str, value: str, sentence: str
) -> None:
    install(name, value)
    with pytest.raises(Failure) as caught:
        installed_authorities()
    assert f"authority {name} " in str(caught.value)
    assert sentence in str(caught.value)


def run_suite(
    folder: Path, site: Path, settings: Mapping[str, object], *words: str
) -> subprocess.CompletedProcess[str]:
    """As ``docs/authorities.md`` says it to others: by the file of a stack."""
    file = stack_file(folder, settings)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *words, "--stack-file", file],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(site), TRUSTED_HOSTS: "id.invalid"},
        capture_output=True,
        text=True,
        check=False,
    )


def stack_file(folder: Path, settings: Mapping[str, object]) -> Path:
    file = folder / "Pulumi.theirs.yaml"
    config = {full_key(name): value for name, value in {**settings, "environment": "tni"}.items()}
    file.write_text(yaml.safe_dump({"config": config}))
    return file


PORT = "tests/conformance/test_port.py"
OVER_HTTP = """\
from dataclasses import replace

from acmidm_onboarding.authorities.beheerportaal import BEHEERPORTAAL

OVER_HTTP = replace(BEHEERPORTAAL, name="over_http")
"""


@pytest.mark.exhaustive
def test_the_suite_runs_on_a_stack_that_names_no_address(tmp_path: Path) -> None:
    """It says what it could not try."""
    done = run_suite(tmp_path, dictionary_site(), OF_DICTIONARY, PORT, "-rs")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout, done.stdout
    for reason in ("its settings have no managementUrl", "tried without product APIs"):
        assert reason in done.stdout, done.stdout


@pytest.mark.exhaustive
def test_the_suite_comes_between_by_itself(install: Install, tmp_path: Path) -> None:
    """Of an authority with an address it loses answers, writes meanwhile, tries keys and kills a
    run, though it knows nothing more of it."""
    install("over_http", "their_over_http:OVER_HTTP")
    (tmp_path / "site" / "their_over_http.py").write_text(OVER_HTTP)
    with running_portal(tmp_path / "portal", **offered()) as portal:
        key = tmp_path / "operator.jwk.json"
        key.write_text(json.dumps(portal.operator_key.as_dict(private=True)))
        settings = {**settings_of(portal), "operatorPrivateKeyFile": str(key)}
        settings["authority"] = "over_http"
        some = ("-k", "test_faults or authenticates or engine-5")
        done = run_suite(tmp_path, tmp_path / "site", settings, "tests/conformance", *some)
        with portal.operator() as http:
            left = http.get("/management/v1/clients").json()["items"]
    assert done.returncode == 0, done.stdout
    assert left == []
    assert "nothing is between" not in done.stdout, done.stdout


def test_what_comes_between_speaks_tls_with_the_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        running_tls_server(tmp_path, "localhost") as server,
        FaultProxy(f"https://localhost:{server.port}") as proxy,
    ):
        monkeypatch.setattr(fault_proxy, "TRUSTED", server.trusted)
        assert httpx.get(f"{proxy.origin}/clients").status_code == 200
    assert server.requests == ["/clients"]


@pytest.mark.exhaustive
def test_the_suite_trusts_whom_its_environment_trusts(install: Install, tmp_path: Path) -> None:
    """Else it could run on this machine alone."""
    install("over_http", "their_over_http:OVER_HTTP")
    (tmp_path / "site" / "their_over_http.py").write_text(OVER_HTTP)
    addresses = dict.fromkeys(("managementUrl", "issuer", "productsUrl"), "https://id.invalid")
    settings = {
        **addresses,
        "authority": "over_http",
        "operatorClientId": "onboarding",
        "operatorPrivateKeyFile": str(tmp_path / "no.jwk.json"),
        "retryDeadlineSeconds": 0,
    }
    done = run_suite(tmp_path, tmp_path / "site", settings, PORT, "-k", "may_come_later")
    assert "the server cannot be reached" in done.stdout, done.stdout
    assert TRUSTED_HOSTS not in done.stdout, done.stdout


def test_a_stack_on_another_type_than_is_named_is_refused(tmp_path: Path) -> None:
    """The suite would else be run on a type of its own, and pass."""
    file = stack_file(tmp_path, OF_DICTIONARY)
    options = {"--authority": ["keycloak"], "--stack-file": str(file)}
    config: Any = SimpleNamespace(getoption=options.get)
    with pytest.raises(pytest.UsageError) as refused:
        tried(config)
    assert str(refused.value) == (
        f"{file}: acmidm:authority is dictionary, and --authority is keycloak; write the type that"
        " is to be tried in both"
    )
