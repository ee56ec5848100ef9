"""From forms to connections: what they have, and that the way a form is written makes no
difference."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import yaml
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm.desk.reminders.due import due
from acmidm.desk.status import row_of
from acmidm.desk.views import Status
from acmidm_onboarding.values.client import Grant
from acmidm_onboarding.values.declaration import Declaration
from acmidm_onboarding.values.terms import AuthMethod, Environment, Platform
from tests.desk.samples import progress
from tests.support.changed import changed
from tests.support.workspace import (
    FORM,
    ORGANISATION,
    SPEAKS_FOR,
    WITHOUT_KEYS,
    Workspace,
    public_key,
)


def tni(workspace: Workspace) -> Declaration:
    [connection] = workspace.load().connections(Environment.TNI)
    return connection


def shuffled(value: object, source: random.Random) -> object:
    """The same mapping with its keys in another order, at every depth; lists stay as they are."""
    if isinstance(value, dict):
        items = [(key, shuffled(part, source)) for key, part in value.items()]
        source.shuffle(items)
        return dict(items)
    return value


def test_a_connection_has_what_the_form_declares(workspace: Workspace) -> None:
    connection = tni(workspace)
    assert (connection.key, connection.resource_name, connection.form.path) == (
        "OVO002067/mijn-gent",
    ) * 2 + ("gent/mijn-gent",)
    assert connection.metadata.client_name == "Stad Gent - mijn-gent"
    assert connection.software_id == "acmidm/tni/OVO002067/mijn-gent"
    assert connection.declared_by.kbo == "0207451227"
    assert connection.scopes == {
        "dv_notificaties_import": Grant("requested"),
        "dv_dosis_schrijven": Grant("dossiers (SD-4711)"),
    }
    assert list(connection.keys.declared or ()) == ["tni"]
    assert connection.configurations["dosis"] == {"bron_uri": "urn://gent/mijn-gent"}
    assert not connection.uses_secret


@pytest.mark.parametrize("day", ["2027-12-31", '"2027-12-31"', "0001-01-01", "9999-12-31"])
def test_a_scope_may_have_a_last_day(workspace: Workspace, day: str) -> None:
    """The first and the last of the calendar too, which nothing that counts days stumbles over."""
    workspace.write_form(FORM.replace("{reason: dossiers,", f"{{until: {day}, reason: dossiers,"))
    connection, until = tni(workspace), day.strip('"')
    assert connection.scopes["dv_dosis_schrijven"] == Grant("dossiers (SD-4711)", until=until)
    now = datetime(2026, 11, 25, tzinfo=UTC)
    row = row_of("tni", connection, now)
    assert [f"{ends.until}" for ends in row.scopes_until] == [until]
    report = Status(checked_at=now, stacks=("tni",), connections=(row,))
    assert report.as_document()
    assert due([progress(row)], {}, now) == ()
    assert CliRunner().invoke(app, ["validate"]).exit_code == 0


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_keys_and_the_style_of_the_file_make_no_difference(
    seed: int, workspace: Workspace
) -> None:
    before = tni(workspace)
    form = shuffled(yaml.safe_load(FORM), random.Random(seed))  # noqa: S311
    workspace.write_form(yaml.safe_dump(form, sort_keys=False, indent=4 + seed))
    assert tni(workspace) == before


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("\n", " # a comment\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace(
            "[api-beheer@stad-gent.example]",
            "\n- api-beheer@stad-gent.example\n- api-beheer@stad-gent.example",
        ),
        lambda text: text.replace('"10244", "10245"', '"10245", "10244"'),
        lambda text: text.replace("dv_notificaties_import: {}", "dv_notificaties_import:"),
        lambda text: text.replace("reason: dossiers", 'reason: "dossiers\\n"'),
        lambda text: text.replace("platforms: [acmidm]\n", ""),
        lambda text: text.replace("tni.jwk", "renamed.jwk"),
    ],
    ids=[
        "comments",
        "line ends",
        "contacts",
        "order of a set",
        "nothing",
        "spaces of a reason",
        "default",
        "a key file",
    ],
)
def test_what_means_the_same_is_the_same(edit: Callable[[str], str], workspace: Workspace) -> None:
    before = tni(workspace)
    workspace.write_key(public_key("tni"), "gent/renamed")
    workspace.write_form(edit(FORM))
    assert tni(workspace) == before


def test_the_order_of_keys_makes_no_difference(workspace: Workspace) -> None:
    workspace.write_key(public_key("other"), "gent/other")
    workspace.write_form(FORM.replace("[tni.jwk.json]", "[tni.jwk.json, other.jwk.json]"))
    before = tni(workspace)
    workspace.write_form(FORM.replace("[tni.jwk.json]", "[other.jwk.json, tni.jwk.json]"))
    assert tni(workspace) == before


def test_each_platform_is_a_connection_and_names_its_scopes_itself(workspace: Workspace) -> None:
    workspace.write_form("""\
application: mijn-gent
contacts: [a@stad.example]
platforms: [acmidm, geosecure]
environments: {tni: {scopes: {dv_dosis_schrijven: {}}, products: {dosis: {bron_uri: "urn://gent/x"}}}}
""")
    acmidm, geosecure = workspace.load().connections(Environment.TNI)
    assert (list(acmidm.scopes), list(geosecure.scopes)) == (
        ["dv_dosis_schrijven"],
        ["DosisImport"],
    )
    assert (acmidm.resource_name, geosecure.resource_name) == (
        "OVO002067/mijn-gent",
        "OVO002067/mijn-gent/geosecure",
    )
    assert acmidm.key == geosecure.key


@pytest.mark.parametrize("method", [AuthMethod.CLIENT_SECRET_BASIC, AuthMethod.CLIENT_SECRET_POST])
def test_another_authentication_method_takes_a_secret(
    method: AuthMethod, workspace: Workspace
) -> None:
    """And owns the empty set of keys."""
    workspace.write_form(WITHOUT_KEYS.replace("private_key_jwt", method))
    assert (tni(workspace).uses_secret, tni(workspace).keys.declared) == (True, {})


def test_without_jwks_the_organisation_uploads_its_keys(workspace: Workspace) -> None:
    """In that environment; the other one keeps its declared keys."""
    workspace.write_form(FORM.replace("    jwks: [tni.jwk.json]\n", ""))
    [prod] = workspace.load().connections(Environment.PROD)
    assert tni(workspace).keys.declared is None
    assert prod.keys.declared


@pytest.mark.parametrize("written", ['"0207.451.227"', "0207451227", "0207 451 227"])
def test_an_organisation_without_ovo_code_is_named_by_its_kbo_number(
    written: str, workspace: Workspace
) -> None:
    workspace.write_organisation(f"name: Stad Gent\nkbo: {written}\n{SPEAKS_FOR}")
    assert tni(workspace).software_id == "acmidm/tni/0207451227/mijn-gent"


def test_the_names_of_folder_and_file_name_nothing(workspace: Workspace) -> None:
    before = tni(workspace)
    (workspace.forms / "gent").rename(workspace.forms / "stad-gent")
    (workspace.forms / "stad-gent/mijn-gent.yaml").rename(workspace.forms / "stad-gent/ander.yaml")
    assert changed(tni(workspace), path=before.form.path) == before
    assert tni(workspace).form.path == "stad-gent/ander"


NAMING = """\
product: {name}
title: New
owner: athumi
source: the tests
coupling:
  source: the tests
  client_name: {{tni: "{name} beta {{organisation}} client", prod: "{name} of {{organisation}}"}}
scopes: {{{name}_x: {{title: New, verified: true, source: the tests}}}}
"""


def test_a_client_has_the_name_that_the_owner_of_an_api_expects(workspace: Workspace) -> None:
    """In each environment its own. Where another owner expects another one, validation says so."""
    for name in ("elys", "other"):
        workspace.write(f"catalogue/{name}.yaml", NAMING.format(name=name))
    form = FORM.replace(
        "dv_notificaties_import: {}", "dv_notificaties_import: {}\n      elys_x: {}"
    )
    workspace.write_form(form)
    clients = [workspace.load().connections(environment)[0] for environment in Environment]
    names = {client.environment: client.metadata.client_name for client in clients}
    assert names == {
        Environment.TNI: "elys beta Stad Gent client",
        Environment.PROD: "elys of Stad Gent",
    }
    assert "is called" not in CliRunner().invoke(app, ["validate"]).output
    workspace.write_form(form.replace("elys_x: {}", "elys_x: {}\n      other_x: {}", 1))
    assert CliRunner().invoke(app, ["validate"]).output.splitlines()[1:] == [
        'gent/mijn-gent: its client is called "elys beta Stad Gent client", and another API expects'
        ' "other beta Stad Gent client"; connect that API by a form of its own, or agree on one'
        " name with both owners"
    ]


@pytest.mark.parametrize(
    ("organisation", "form", "formerly"),
    [
        ("", "", []),
        ("", "formerly: loket\n", ["OVO002067/loket"]),
        ("", "formerly: [loket, mijn-gent, e-loket]\n", ["OVO002067/loket", "OVO002067/e-loket"]),
        ("formerly: 0207.451.227\n", "", ["0207451227/mijn-gent"]),
        (
            "formerly: [OVO000001, OVO002067]\n",
            "formerly: loket\n",
            ["OVO002067/loket", "OVO000001/mijn-gent", "OVO000001/loket"],
        ),
    ],
)
def test_earlier_keys_are_those_of_earlier_codes_and_applications(
    organisation: str, form: str, formerly: list[str], workspace: Workspace
) -> None:
    workspace.write_organisation(ORGANISATION + organisation)
    workspace.write_form(form + FORM)
    assert list(tni(workspace).form.formerly) == formerly


def test_a_form_retires_all_of_it_or_parts(workspace: Workspace) -> None:
    """One day is for each platform; a product that is named brings its scopes, by the platform's
    names."""
    both = FORM.replace("[acmidm]", "[acmidm, geosecure]").replace(
        "      dv_notificaties_import: {}\n", ""
    )
    both = both[: both.index("  prod:")]
    both = both[: both.index("      notificaties:")] + both[both.index("      dosis:") :]
    day = "2027-03-31"
    workspace.write_form("retire: 2027-03-31\n" + both)
    assert [one.form.retire for one in workspace.load().connections(Environment.TNI)] == [
        {"acmidm": day, "geosecure": day}
    ] * 2
    workspace.write_form("retire: {dosis: 2027-03-31}\n" + both)
    acmidm, geosecure = workspace.load().connections(Environment.TNI)
    assert (acmidm.form.retire, geosecure.form.retire) == ({"dosis": day}, {"dosis": day})
    assert (
        acmidm.product_scopes["dosis"] >= set(acmidm.scopes),
        geosecure.product_scopes["dosis"] >= set(geosecure.scopes),
    ) == (
        True,
        True,
    )
    assert not acmidm.is_leaving("dosis"), "that is for a run to say, by what the state has"


def test_the_catalogue_knows_what_providers_assign(workspace: Workspace) -> None:
    catalogue = workspace.load().catalogue
    assert catalogue.assigned_by_provider(Platform.ACMIDM) == {"vo_info"}
    assert catalogue.assigned_by_provider(Platform.GEOSECURE) == frozenset()
