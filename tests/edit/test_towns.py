"""``acmidm new --from`` with a spreadsheet: a form and a mandate per row, or a sentence for each
mistake and nothing written."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from acmidm_onboarding.values.terms import Environment
from story.offstage import TOWN_COLUMNS, towns
from tests.support.terminal import contents
from tests.support.towns_sheet import AALST, GENT, HEADINGS, SCOPE, WINGENE, new, place, read, sheet
from tests.support.workspace import Workspace, private_key

__all__ = ["place"]

NOTIFICATIES = ("--product", "notificaties", "--set", "notificaties.product_ids=10244")


@pytest.mark.parametrize("kind", ["towns.csv", "towns.xlsx"])
def test_a_form_and_a_mandate_for_each_row(place: Workspace, kind: str) -> None:
    """An organisation that has a folder is found by its KBO number, whatever the row calls it; a
    new one gets its file; a second run writes nothing."""
    before = contents()
    result = new(sheet(AALST, GENT, file=kind))
    assert result.exit_code == 0, result.output
    written = {
        *(
            f"onboardings/stad-aalst/{name}.yaml"
            for name in ("organisation", "verenigingen", "mandates")
        ),
        *(f"onboardings/gent/{name}.yaml" for name in ("verenigingen", "mandates")),
    }
    assert contents().keys() - before.keys() == {*written, kind}
    assert read("onboardings/stad-aalst/organisation.yaml") == {
        "name": "Stad Aalst",
        "ovo": "OVO001992",
        "kbo": "0207.437.468",
    }
    form = read("onboardings/gent/verenigingen.yaml")
    assert (form["keys_of"], form["environments"]) == (
        "leverancier",
        {"tni": {"scopes": {SCOPE: {}}}},
    )
    [mandate] = read("onboardings/stad-aalst/mandates.yaml")["mandates"]
    assert (
        mandate["supplier"],
        mandate["applications"],
        str(mandate["until"]),
        mandate["reference"],
    ) == (
        "leverancier",
        ["verenigingen"],
        "2099-12-31",
        "SD-1",
    )
    [key] = {key.kid for one in place.load().forms for key in one.keys[Environment.TNI]}
    assert key == "verenigingen-tni"
    before = contents()
    result = new(kind)
    assert (result.exit_code, contents()) == (0, before), result.output
    assert "row 3: all of it is there already, and stays as it is" in result.stdout


@pytest.mark.parametrize(
    ("headings", "row", "sentences"),
    [
        (HEADINGS, ("0207.437.469", *AALST[1:]), ["row 2: column A (KBOnummer): "]),
        (
            HEADINGS,
            (*AALST[:2], "", *AALST[3:]),
            ['row 2: column C (Klant): "name" is missing; add it'],
        ),
        (HEADINGS, (*AALST[:3], "soon", ""), ['row 2: column D (Mandaat tot): "soon" is no day']),
        (
            HEADINGS,
            (*AALST[:3], "31/12/2020", ""),
            ["column D (Mandaat tot): 2020-12-31 has passed; give"],
        ),
        (
            HEADINGS,
            (*AALST[:3], "", ""),
            ["column D (Mandaat tot): is missing; give the last day of the mandate"],
        ),
        (
            HEADINGS,
            (*AALST[:3], "", "=A1"),
            ["is missing; give", "column E (Mandaatreferentie) has a formula"],
        ),
        (
            HEADINGS,
            ("", "OVO009999", "Gent!", *AALST[3:]),
            ['row 2: column C (Klant): another organisation here is called "Gent!"'],
        ),
        (
            HEADINGS,
            (*GENT[:1], "OVO009999", *GENT[2:]),
            ['row 2: column A (KBOnummer): "0207451227" is the KBO number of gent too'],
        ),
        (
            (*HEADINGS, "CliëntID TEST"),
            (*AALST, "a-1"),
            ["row 2: column F (CliëntID TEST) has a client already; acmidm import takes it over"],
        ),
        ((*HEADINGS, "Contact"), (*AALST, "me"), ["row 2: column F (Contact): "]),
        (
            (*HEADINGS, "Scope"),
            (*AALST, "dv_verenigingsregister_beher"),
            ["row 2: column F (Scope): scope", "did you"],
        ),
    ],
)
def test_what_is_wrong_is_said_by_row_and_column(
    place: Workspace, headings: tuple[str, ...], row: tuple[str, ...], sentences: list[str]
) -> None:
    """All of it at once, and nothing is written, for the other rows neither."""
    file = sheet(
        row,
        (*("0207.495.470", "OVO002277", "Wingene", "2099-12-31", "")[: len(HEADINGS)],),
        headings=headings,
    )
    before = contents()
    result = new(file)
    assert (result.exit_code, contents()) == (2, before), result.output
    for sentence in sentences:
        assert sentence in result.stderr, result.stderr
    assert result.stderr.endswith(
        "nothing was written; correct the rows, or leave them out with --skip-wrong\n"
    )
    result = new(file, "--scope", SCOPE, "--skip-wrong")
    assert result.exit_code == 1, result.output
    assert all(sentence in result.stderr for sentence in sentences)
    assert contents().keys() - before.keys() == {
        f"onboardings/wingene/{name}.yaml" for name in ("organisation", "verenigingen", "mandates")
    }
    assert place.sentences() == []


def test_what_only_shows_among_all_forms(place: Workspace) -> None:
    """A row is left out for what the loader says of its files; a name that another row has too
    stops both."""
    place.write_organisation("name: Stad Aalst!\novo: OVO009999\n", "another")
    file = sheet(
        AALST,
        ("", "OVO000001", "Dorp", "2099-12-31", ""),
        ("", "OVO000002", "Dorp", "2099-12-31", ""),
    )
    result = new(file)
    assert result.exit_code == 2, result.output
    assert 'row 2: column C (Klant): "Stad Aalst" looks like' in result.stderr
    assert "row 4: row 3 is about the same organisation; keep one of them" in result.stderr


@pytest.mark.usefixtures("place")
def test_values_of_a_product_are_a_column_each() -> None:
    """What is the same for all is an option; a new organisation may say what its row says, and its
    owners approve."""
    file = sheet(
        (*AALST, "stad-aalst", "@stad-aalst/team", "x"),
        headings=(*HEADINGS, "notificaties.merk_code", "Eigenaar", "TAN"),
    )
    result = new(file, *NOTIFICATIES)
    assert result.exit_code == 0, result.output
    configuration = read("onboardings/stad-aalst/verenigingen.yaml")["environments"]["tni"][
        "products"
    ]["notificaties"]
    assert (configuration["merk_code"], configuration["product_ids"]) == ("stad-aalst", ["10244"])
    organisation = read("onboardings/stad-aalst/organisation.yaml")
    assert (organisation["owners"], organisation["speaks_for"]["merk_code"]) == (
        ["@stad-aalst/team"],
        ["stad-aalst"],
    )
    assert "the file has columns that were not read: TAN" in result.stdout


@pytest.mark.usefixtures("place")
def test_options_say_what_cells_could() -> None:
    """Several owners with commas, as in a cell; an empty option says nothing, as an empty cell."""
    nothing = [part for name in ("name", "ovo", "kbo") for part in (f"--{name}", "")]
    result = new(sheet(GENT, AALST), "--scope", SCOPE, "--owner", "@a/b,@c/d", *nothing)
    assert result.exit_code == 0, result.output
    assert read("onboardings/stad-aalst/organisation.yaml")["owners"] == ["@a/b", "@c/d"]


@pytest.mark.usefixtures("place")
def test_a_new_organisation_without_a_name_stops_no_later_row() -> None:
    """The name of a later one is compared with those of the rows before it."""
    result = new(sheet((*AALST[:2], "", *AALST[3:]), ("", "", *WINGENE[2:])))
    assert result.exit_code == 2, result.output
    assert 'row 2: column C (Klant): "name" is missing; add it' in result.stderr
    assert "row 3: column B (OVO-code): no code is given" in result.stderr


def test_a_mandate_is_added_to_those_that_there_are(place: Workspace) -> None:
    """Comments stay. One that ends later renews that of a form that is there, whose text stays."""
    mine = (
        "mandates:\n  # the other one\n  - {supplier: leverancier, applications: [other], until:"
        " 2099-01-01}  # ok\n"
    )
    place.write("onboardings/gent/mandates.yaml", mine)
    assert new(sheet(GENT)).exit_code == 0
    text = Path("onboardings/gent/mandates.yaml").read_text()
    assert text.startswith(mine)
    form = Path("onboardings/gent/verenigingen.yaml").read_text()
    assert new(sheet((*GENT[:3], "2100-06-30", "SD-9"))).exit_code == 0
    mandates = read("onboardings/gent/mandates.yaml")["mandates"]
    assert [str(mandate["until"]) for mandate in mandates] == [
        "2099-01-01",
        "2099-12-31",
        "2100-06-30",
    ]
    assert Path("onboardings/gent/verenigingen.yaml").read_text() == form
    assert place.sentences() == []


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("new", "--from", "towns.csv"), "mandates go with --supplier FOLDER"),
        (("new", "--supplier", "leverancier"), "--from goes with --supplier"),
        (
            ("new", "--from", "towns.csv", "--supplier", "nobody"),
            '"nobody"; make onboardings/nobody/organisation.yaml',
        ),
        (
            ("new", "--from", "towns.csv", "--supplier", "gent"),
            "acmidm keys new --supplier gent --environment tni",
        ),
        (("new", "--from", "no.csv", "--supplier", "leverancier"), "no.csv cannot be read"),
    ],
)
def test_wrong_use_is_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    sheet(AALST)
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr


def test_forty_rows_of_the_story_are_written_in_one_go(place: Workspace) -> None:
    result = new(sheet(*towns(40), headings=TOWN_COLUMNS))
    assert result.exit_code == 0, result.output
    assert "40 rows were written. All of it is valid." in result.stdout
    assert len(place.load().forms) == 40
    assert (
        json.dumps(read("onboardings/voorbeeldgemeente-040/mandates.yaml"), default=str).count(
            "MANDAAT-040"
        )
        == 1
    )


@pytest.mark.parametrize(
    "cell",
    [
        json.dumps(private_key("hostile", kty="EC", crv="P-256")),
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln",
        "a\u2028b",
        "\x1b[31mred",
        "x" * 40_000,
        "../../etc",
        "leverancier",
        ": - [{}%s{0}",
    ],
)
def test_a_hostile_cell_is_refused_or_harmless(place: Workspace, cell: str) -> None:
    """In any column: a sentence without the secret, or files in the folder of forms that are
    valid."""
    headings = (*HEADINGS, "Contact", "Toepassing", "Eigenaar")
    sound = (*AALST, "a@b.example", "verenigingen", "@a/b")
    for column in range(len(headings)):
        with Path("towns.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([headings, (*sound[:column], cell, *sound[column + 1 :])])
        before = contents()
        result = new("towns.csv")
        assert isinstance(result.exception, SystemExit | None), result.exc_info
        assert json.loads(cell)["d"] not in result.output if cell.startswith("{") else True
        made = contents().keys() - before.keys()
        assert (made == set(), place.sentences()) == (result.exit_code != 0, [])
        assert all(file.startswith("onboardings/") for file in made)
        for file in made:
            Path(file).unlink()
        for folder in {Path(file).parent for file in made} - {place.forms}:
            folder.rmdir()
