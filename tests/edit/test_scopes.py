"""``acmidm scopes add``: one change of many forms, all or none, and no line but those that it is
about."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from acmidm.cli import app
from tests.support.terminal import contents
from tests.support.workspace import Workspace, public_key

SCOPE = "dv_register_lezen"
FORM = """\
application: {name}  # ours
contacts: [api@stad.example]
keys_of: leverancier
environments:
  tni:  # first
    scopes:
      dv_register_test: {{}}   # for a while
    # below
"""
OTHERS = {
    "has": ("    scopes: {dv_register_lezen: {}}\n", None),
    "empty": (
        "",
        "  tni:\n    scopes:\n      dv_register_lezen: {reason: because, reference: SD-1}\n",
    ),
    "flow": (
        "    scopes: {dv_register_test: {}}\n",
        "dv_register_lezen: {reason: because, reference: SD-1}}",
    ),
}


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    """Two organisations with the keys of a supplier, each with a mandate for its application; and
    Stad Gent's own."""
    shutil.rmtree(workspace.forms)
    workspace.write_organisation("name: Leverancier\n", "leverancier")
    workspace.write(
        "onboardings/leverancier/keys.yaml", "tni: [tni.jwk.json]\nprod: [prod.jwk.json]\n"
    )
    for environment in ("tni", "prod"):
        workspace.write_key(public_key(environment), f"leverancier/{environment}")
    for number, name in enumerate(("aalst", "brugge"), 1):
        workspace.write_organisation(f"name: Stad {name}\novo: OVO00000{number}\n", name)
        mandate = f"{{supplier: leverancier, applications: [{name}], until: 2099-12-31}}"
        workspace.write(f"onboardings/{name}/mandates.yaml", f"mandates: [{mandate}]\n")
        workspace.write_form(FORM.format(name=name), f"{name}/{name}")
    workspace.write_organisation("name: Stad Gent\novo: OVO002067\n")
    workspace.write_form(
        "application: x\ncontacts: [api@stad.example]\nenvironments: {prod: {}}\n", "gent/x"
    )
    return workspace


def add(*arguments: str, scope: str = SCOPE) -> Result:
    return CliRunner().invoke(app, ["scopes", "add", scope, *arguments])


@pytest.mark.usefixtures("place")
def test_all_forms_of_a_supplier_gain_a_scope() -> None:
    """Comments and all other lines stay; a second time nothing is left to do."""
    before = contents()
    result = add("--supplier", "leverancier", "--reason", "because", "--reference", "SD-1")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        f"scope {SCOPE} for tni is in 2 forms more: aalst/aalst, brugge/brugge\n"
    )
    more = f"      {SCOPE}: {{reason: because, reference: SD-1}}\n"
    for name in ("aalst", "brugge"):
        text = FORM.format(name=name).replace("    # below\n", f"{more}    # below\n")
        assert Path(f"onboardings/{name}/{name}.yaml").read_text() == text
        before.pop(f"onboardings/{name}/{name}.yaml")
    assert before.items() <= contents().items()
    after = contents()
    result = add("--supplier", "leverancier")
    assert (result.exit_code, contents()) == (0, after)
    assert result.stdout == "2 forms have it already: aalst/aalst, brugge/brugge\n"


def test_nothing_is_written_where_one_form_is_refused(place: Workspace) -> None:
    """All that is wrong is said, with the file of each."""
    place.write_form(FORM.format(name="aalst").replace("{}", "{nonsense: 1}"), "aalst/aalst")
    before = contents()
    result = add("--organisations", "aalst", "--organisations", "brugge")
    assert (result.exit_code, contents()) == (2, before)
    assert "onboardings/aalst/aalst.yaml:" in result.stderr


@pytest.mark.usefixtures("place")
def test_forms_are_chosen_by_their_folders() -> None:
    """Those without the environment are named, and left."""
    result = add("--organisations", "[bg]*")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == [
        f"scope {SCOPE} for tni is in 1 form more: brugge/brugge",
        "1 form has no tni, and is left as it is: gent/x",
    ]
    assert add("--organisations", "gent", "--environment", "prod").exit_code == 0
    assert "prod: {scopes: {dv_register_lezen: {}}}" in Path("onboardings/gent/x.yaml").read_text()


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("arguments", "scope", "sentence"),
    [
        ((), SCOPE, "give either --supplier FOLDER or --organisations GLOB"),
        (("--supplier", "leverancier", "--organisations", "x"), SCOPE, "give either --supplier"),
        (("--supplier", "nobody"), SCOPE, 'there is no form of "nobody"; name'),
        (
            ("--supplier", "leverancier", "--environment", "test"),
            SCOPE,
            '"test" is no environment; it is tni or prod',
        ),
        (("--supplier", "leverancier"), "dv_register_lesen", "did you mean"),
        (
            ("--supplier", "leverancier", "--environment", "prod"),
            "dv_register_test",
            "is not offered on prod",
        ),
        (("--supplier", "leverancier"), "dv_dosis_schrijven", "onboardings/brugge/brugge.yaml:"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: tuple[str, ...], scope: str, sentence: str) -> None:
    before = contents()
    result = add(*arguments, scope=scope)
    assert (result.exit_code, contents()) == (2, before)
    assert sentence in result.stderr
