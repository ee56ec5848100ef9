"""From forms to connections: what they hold, and that the way a form is written makes no difference."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import yaml

from components.model.connection import Connection
from components.model.form import AuthMethod, Environment, Platform
from tests.unit.model.workspace import FORM, Workspace, public_key


def tni(workspace: Workspace) -> Connection:
    [connection] = workspace.load().connections(Environment.TNI)
    return connection


def shuffled(value: object, source: random.Random) -> object:
    """The same mapping with its keys in another order, at every depth; lists stay as they are."""
    if isinstance(value, dict):
        items = [(key, shuffled(part, source)) for key, part in value.items()]
        source.shuffle(items)
        return dict(items)
    return value


def test_a_connection_holds_what_the_form_asks(workspace: Workspace) -> None:
    connection = tni(workspace)
    assert connection.name == "gent/mijn-gent"
    assert connection.client_name == "Stad Gent - mijn-gent"
    assert connection.software_id == "acmidm/tni/OVO002067/mijn-gent"
    assert connection.organisation.kbo == "0207451227"
    assert connection.scopes == {"dv_notificaties_schrijven": "requested", "dv_dosis_schrijven": "dossiers (SD-4711)"}
    assert list(connection.keys) == ["tni"]
    assert connection.products["dosis"] == {"bron_uri": "urn://gent/mijn-gent"}
    assert not connection.uses_secret


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_keys_and_the_style_of_the_file_make_no_difference(seed: int, workspace: Workspace) -> None:
    before = tni(workspace)
    workspace.write_form(yaml.safe_dump(shuffled(yaml.safe_load(FORM), random.Random(seed)), sort_keys=False, indent=4 + seed))  # noqa: S311
    assert tni(workspace) == before


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("\n", " # a comment\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("[api-beheer@stad-gent.example]", "\n- api-beheer@stad-gent.example\n- api-beheer@stad-gent.example"),
        lambda text: text.replace('"0207.451.227"', "0207451227"),
        lambda text: text.replace('"10244", "10245"', '"10245", "10244"'),
        lambda text: text.replace("dv_notificaties_schrijven: {}", "dv_notificaties_schrijven:"),
        lambda text: text.replace("reason: dossiers", 'reason: "dossiers\\n"'),
        lambda text: text.replace("platforms: [acmidm]\n", ""),
    ],
    ids=["comments", "line ends", "contacts", "KBO number", "order of a set", "nothing", "spaces of a reason", "default"],
)
def test_what_means_the_same_is_the_same(edit: Callable[[str], str], workspace: Workspace) -> None:
    before = tni(workspace)
    workspace.write_form(edit(FORM))
    assert tni(workspace) == before


def test_renaming_a_key_file_makes_no_difference(workspace: Workspace) -> None:
    before = tni(workspace)
    workspace.write_key(public_key("tni"), "gent/renamed")
    workspace.write_form(FORM.replace("tni.jwk", "renamed.jwk"))
    assert tni(workspace) == before


def test_the_order_of_keys_makes_no_difference(workspace: Workspace) -> None:
    workspace.write_key(public_key("other"), "gent/other")
    workspace.write_form(FORM.replace("[tni.jwk.json]", "[tni.jwk.json, other.jwk.json]"))
    before = tni(workspace)
    workspace.write_form(FORM.replace("[tni.jwk.json]", "[other.jwk.json, tni.jwk.json]"))
    assert tni(workspace) == before


def test_each_platform_is_a_connection_and_names_its_scopes_itself(workspace: Workspace) -> None:
    workspace.write_form("""\
organisation: {name: Stad Gent, ovo: OVO002067}
application: mijn-gent
contacts: [a@stad.example]
platforms: [acmidm, geosecure]
environments: {tni: {scopes: {dv_dosis_schrijven: {}}, products: {dosis: {bron_uri: x}}}}
""")
    assert {connection.platform: list(connection.scopes) for connection in workspace.load().connections(Environment.TNI)} == {
        Platform.ACMIDM: ["dv_dosis_schrijven"],
        Platform.GEOSECURE: ["DosisImport"],
    }


@pytest.mark.parametrize("method", [AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST])
def test_another_authentication_method_takes_a_secret(method: AuthMethod, workspace: Workspace) -> None:
    text = FORM.replace("private_key_jwt", method).replace("    jwks: [tni.jwk.json]\n", "").replace("    jwks: [prod.jwk.json]\n", "")
    workspace.write_form(text)
    assert tni(workspace).uses_secret


def test_an_organisation_without_ovo_code_goes_by_its_kbo_number(workspace: Workspace) -> None:
    workspace.write_form(FORM.replace("  ovo: OVO002067\n", ""))
    assert tni(workspace).software_id == "acmidm/tni/0207451227/mijn-gent"


def test_the_catalogue_knows_what_providers_assign(workspace: Workspace) -> None:
    catalogue = workspace.load().catalogue
    assert catalogue.assigned_by_provider(Platform.ACMIDM) == {"vo_info"}
    assert catalogue.assigned_by_provider(Platform.GEOSECURE) == frozenset()
