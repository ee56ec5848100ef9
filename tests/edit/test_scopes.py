"""``acmidm new --from`` a sheet of scopes: one change of many forms, all or none, and no line but
those that it is about."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml
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


SHEET = Path("scopes.csv")
HEADING = "OVO-code;Toepassing;Scope"


def add(*rows: str, heading: str = HEADING, options: Sequence[str] = ()) -> Result:
    SHEET.write_text("\n".join([heading, *rows]) + "\n")
    try:
        return CliRunner().invoke(app, ["new", "--from", str(SHEET), *options])
    finally:
        SHEET.unlink()


BOTH = ("OVO000001;aalst", "OVO000002;brugge")


@pytest.mark.usefixtures("place")
def test_each_form_of_a_sheet_gains_its_scope() -> None:
    """Comments and all other lines stay; a second time nothing is left to do."""
    before = contents()
    heading = "OVO-code;Toepassing;Scope;Reden;Referentie"
    rows = [f"{row};{SCOPE};because;SD-1" for row in BOTH]
    result = add(*rows, heading=heading)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "row 2: onboardings/aalst/aalst.yaml\nrow 3: onboardings/brugge/brugge.yaml\n2 rows were"
        " written. All of it is valid.\nNext: "
    )
    more = f"      {SCOPE}: {{reason: because, reference: SD-1}}\n"
    for name in ("aalst", "brugge"):
        text = FORM.format(name=name).replace("    # below\n", f"{more}    # below\n")
        assert Path(f"onboardings/{name}/{name}.yaml").read_text() == text
        before.pop(f"onboardings/{name}/{name}.yaml")
    assert before.items() <= contents().items()
    after = contents()
    result = add(*rows, heading=heading)
    assert (result.exit_code, contents()) == (0, after)
    assert "row 3: all of it is there already, and stays as it is\n0 rows" in result.stdout


@pytest.mark.usefixtures("place")
def test_a_scope_of_a_sheet_may_have_a_last_day() -> None:
    """Written as people do, and not one that has passed: then nothing is written."""
    heading, before = f"{HEADING};Tot", contents()
    refused = add(f"{BOTH[0]};{SCOPE};31/12/2020", f"{BOTH[1]};{SCOPE};soon", heading=heading)
    assert (refused.exit_code, contents()) == (2, before)
    assert "2020-12-31 has passed; give a last day" in refused.stderr
    assert '"soon" is no day' in refused.stderr
    rows = (f"{BOTH[0]};{SCOPE};31/12/2998", f"{BOTH[1]};{SCOPE};2998-12-31")
    result = add(*rows, heading=heading)
    assert result.exit_code == 0, result.output
    for name in ("aalst", "brugge"):
        text = Path(f"onboardings/{name}/{name}.yaml").read_text()
        assert f"      {SCOPE}: {{until: 2998-12-31}}\n" in text


def test_one_sheet_has_several_scopes_and_environments(place: Workspace) -> None:
    """Production too, and what all rows share as options; two rows may be about one form."""
    place.write_form(
        "application: x\ncontacts: [api@stad.example]\nenvironments: {prod: {}, tni: {}}\n",
        "gent/x",
    )
    result = add(
        f"OVO002067;;{SCOPE};prod",
        f"OVO002067;;{SCOPE}, dv_register_test;TNI",
        heading="OVO-code;Toepassing;Scope;Omgeving",
        options=("--application", "x"),
    )
    assert result.exit_code == 0, result.output
    written = yaml.safe_load(Path("onboardings/gent/x.yaml").read_text())
    assert written["environments"] == {
        "prod": {"scopes": {SCOPE: {}}},
        "tni": {"scopes": {SCOPE: {}, "dv_register_test": {}}},
    }


def test_nothing_is_written_where_one_row_is_refused(place: Workspace) -> None:
    """All that is wrong is said, with the row of each; a form with mistakes is named."""
    place.write_form(FORM.format(name="aalst").replace("{}", "{nonsense: 1}"), "aalst/aalst")
    before = contents()
    rows = [f"{row};{SCOPE}" for row in BOTH]
    result = add(*rows, f"OVO009999;x;{SCOPE}", f"OVO002067;y;{SCOPE}", f"OVO002067;x;{SCOPE}")
    assert (result.exit_code, contents()) == (2, before)
    *said, last = result.stderr.splitlines()
    assert [line.partition(": ")[0] for line in said] == ["row 2", "row 4", "row 5", "row 6"]
    assert "onboardings/aalst/aalst.yaml" in said[0]
    assert 'no organisation has the code "OVO009999"' in said[1]
    assert 'onboardings/gent has no form of "y"' in said[2]
    assert "gent/x is not on tni" in said[3]
    assert last.startswith("nothing was written")


@pytest.mark.usefixtures("place")
def test_rows_with_mistakes_are_left_out_on_request() -> None:
    """Also those whose form would be wrong among all forms."""
    rows = (f"OVO000001;aalst;{SCOPE}", "OVO000002;brugge;dv_dosis_schrijven")
    result = add(*rows, options=("--skip-wrong",))
    assert result.exit_code == 1, result.output
    assert result.stdout.startswith("row 2: onboardings/aalst/aalst.yaml\n1 row was written")
    assert 'row 3: column C (Scope): scope "dv_dosis_schrijven" belongs' in result.stderr
    assert "dv_dosis_schrijven" not in Path("onboardings/brugge/brugge.yaml").read_text()


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("heading", "row", "sentence"),
    [
        (
            "OVO-code;Toepassing;Scope",
            "OVO000001;aalst;",
            "column C (Scope): is missing; give a scope",
        ),
        (HEADING, f"ovo000009;aalst;{SCOPE}", 'no organisation has the code "ovo000009"; correct'),
        (HEADING, f"OVO000001;;{SCOPE}", "(Toepassing): is missing; give the name"),
        (HEADING, "OVO000001;aalst;dv_register_lesen", "did you mean"),
        (HEADING, f"OVO000001;aalst;={SCOPE}", "formula"),
        (
            "OVO-code;Toepassing;Scope;Omgeving",
            f"OVO000001;aalst;{SCOPE};test",
            '(Omgeving): "test" is none of them; choose',
        ),
        (
            "OVO-code;Toepassing;Scope;Omgeving",
            f"OVO000001;aalst;{SCOPE};prod",
            "aalst/aalst is not on prod yet; bring it there first: acmidm promote",
        ),
        (
            "OVO-code;Toepassing;Scope;Omgeving",
            "OVO002067;x;dv_register_test;prod",
            'column C (Scope): scope "dv_register_test" is not offered on prod; it is on tni',
        ),
        (
            "KBOnummer;OVO-code;Toepassing;Scope",
            f"0207451227;OVO000001;aalst;{SCOPE}",
            'row 2: column A (KBOnummer): "0207451227" is that of gent; give the codes',
        ),
        (
            "OVO-code;Toepassing;Scope;Mandaat tot",
            f"OVO000001;aalst;{SCOPE};2099-01-01",
            'there is a column "Mandaat tot": mandates go with --supplier',
        ),
        ("OVO-code;Scope", f"OVO000001;{SCOPE}", "--application: is missing"),
    ],
)
def test_what_cannot_be_done_is_said(
    heading: str, row: str, sentence: str, place: Workspace
) -> None:
    place.write_organisation("name: Stad Gent\novo: OVO002067\nkbo: 0207.451.227\n")
    before = contents()
    result = add(row, heading=heading)
    assert (result.exit_code, contents()) == (2, before), result.output
    assert sentence in result.stderr


@pytest.mark.usefixtures("place")
def test_options_that_are_of_no_row_are_refused() -> None:
    refused = add(f"{BOTH[0]};{SCOPE}", options=("--contact", "api@stad.example"))
    assert refused.exit_code == 2
    assert refused.stderr.startswith("--from a spreadsheet without --supplier adds scopes")


@pytest.mark.usefixtures("place")
def test_an_empty_option_names_no_application() -> None:
    refused = add(f"OVO000001;{SCOPE}", heading="OVO-code;Scope", options=("--application", ""))
    assert refused.exit_code == 2
    assert refused.stderr.startswith("row 2: --application: is missing; give the name")


@pytest.mark.usefixtures("place")
def test_a_form_that_no_editor_can_change_is_named() -> None:
    """By its row, as all that is wrong with a row, which may be left out."""
    form = Path("onboardings/aalst/aalst.yaml")
    form.write_bytes(form.read_bytes().replace(b"\n", b"\r\n", 1))
    before = contents()
    rows = [f"{row};{SCOPE}" for row in BOTH]
    refused = add(*rows)
    assert (refused.exit_code, contents()) == (2, before)
    assert refused.stderr.startswith("row 2: onboardings/aalst/aalst.yaml: ")
    assert add(*rows, options=("--skip-wrong",)).exit_code == 1
    assert contents().keys() == before.keys()
    assert SCOPE in Path("onboardings/brugge/brugge.yaml").read_text()


@pytest.mark.usefixtures("place")
def test_a_row_with_several_scopes_is_named_once() -> None:
    refused = add(f"OVO000001;aalst;{SCOPE},dv_dosis_schrijven")
    assert refused.stderr.startswith("row 2: column C (Scope): scope")


@pytest.mark.usefixtures("place")
def test_two_rows_that_contradict_each_other_are_refused() -> None:
    """The later one would else win without a word; the same row twice is one."""
    before = contents()
    rows = [f"{BOTH[0]};{SCOPE};{reason}" for reason in ("one", "two")]
    refused = add(*rows, heading=f"{HEADING};Reden")
    assert (refused.exit_code, contents()) == (2, before)
    assert refused.stderr.startswith(
        f"row 3: row 2 gives aalst/aalst scope {SCOPE} with another reason or reference; keep one"
    )
    assert add(rows[0], rows[0], heading=f"{HEADING};Reden").exit_code == 0
    assert "{reason: one}" in Path("onboardings/aalst/aalst.yaml").read_text()


def test_a_form_that_leaves_gets_no_scope(place: Workspace) -> None:
    """Nothing more of it would be made. A row that it has already is no mistake."""
    text = FORM.format(name="aalst")
    place.write_form(f"{text}retire: 2020-01-01\n", "aalst/aalst")
    before = contents()
    result = add(f"OVO000001;aalst;{SCOPE}")
    assert (result.exit_code, contents()) == (2, before), result.output
    assert "row 2: onboardings/aalst/aalst.yaml leaves: nothing more of it is made" in result.stderr
    result = add("OVO000001;aalst;dv_register_test")
    assert (result.exit_code, contents()) == (0, before), result.output
    place.write_form(f"{text}retire: 2999-01-01\n", "aalst/aalst")
    assert add(f"OVO000001;aalst;{SCOPE}").exit_code == 0
