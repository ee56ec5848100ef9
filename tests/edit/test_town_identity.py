"""A row of the towns' sheet is about one organisation or is refused; what ended does not come back
by the same sheet."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.terminal import contents
from tests.support.towns_sheet import AALST, GENT, HEADINGS, SCOPE, new, place, read, sheet
from tests.support.workspace import Workspace, public_key

__all__ = ["place"]

TODAY = datetime.now(UTC).date()
LATER = (*GENT[:3], "2100-12-31", "SD-9")


def refused(*rows: tuple[str, ...], headings: tuple[str, ...] = HEADINGS) -> str:
    """What is said of rows that are not written."""
    file = sheet(*rows, headings=headings)
    before = contents()
    result = new(file)
    assert (result.exit_code, contents()) == (2, before), result.output
    return result.stderr


@pytest.fixture
def connected(place: Workspace) -> Workspace:
    """Gent and Aalst have a form and a mandate each."""
    assert new(sheet(GENT, AALST)).exit_code == 0
    return place


def renewed(*rows: tuple[str, ...]) -> str:
    result = new(sheet(*rows))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.usefixtures("connected")
def test_a_row_of_two_organisations_prolongs_no_mandate() -> None:
    """Its codes are those of one organisation, also where the form is there."""
    said = refused((AALST[0], "OVO002067", "Stad Gent", *LATER[3:]))
    assert 'row 2: column A (KBOnummer): "0207437468" is that of stad-aalst; give' in said


@pytest.mark.usefixtures("connected")
def test_another_spelling_of_its_name_is_said() -> None:
    """Which is no reason to refuse a row: its codes say who it is."""
    assert 'row 2: gent is "Stad Gent" here, and not "Gent": see whether' in renewed(LATER)


@pytest.mark.usefixtures("connected")
def test_a_mandate_that_goes_on_is_said_with_both_days() -> None:
    said = renewed(LATER)
    assert "row 2: the mandate of Stad Gent until 2099-12-31 goes on until 2100-12-31" in said


def end(mandates: str, until: date) -> None:
    """End the mandate of Gent."""
    file = Path("onboardings/gent/mandates.yaml")
    file.write_text(file.read_text().replace(mandates, f"{until}"))


@pytest.mark.usefixtures("connected")
def test_a_mandate_that_ended_does_not_come_back_by_the_same_sheet() -> None:
    """Under what was agreed then; another agreement is a new mandate."""
    end("2099-12-31", TODAY - timedelta(days=1))
    said = refused(GENT)
    assert "row 2: the mandate of Stad Gent ended on" in said
    assert "Mandaatreferentie" in said
    assert "row 2: the mandate" in refused((*GENT[:4], ""))
    renewed(LATER)
    assert len(read("onboardings/gent/mandates.yaml")["mandates"]) == 2
    end("2100-12-31", TODAY - timedelta(days=1))
    assert "row 2: the mandate" in refused(GENT), "nor by the reference before the last"


@pytest.mark.usefixtures("connected")
@pytest.mark.parametrize("row", [GENT, LATER])
def test_a_mandate_that_was_taken_out_does_not_come_back_by_a_sheet(row: tuple[str, ...]) -> None:
    """Its form is still there. What it was agreed by, nothing here knows any more."""
    for text in ("mandates: []\n", None):
        file = Path("onboardings/gent/mandates.yaml")
        file.unlink() if text is None else file.write_text(text)
        said = refused(row)
        assert "row 2: onboardings/gent/verenigingen.yaml has no mandate any more" in said
        assert "onboardings/gent/mandates.yaml" in said


@pytest.mark.usefixtures("connected")
def test_a_form_that_leaves_gets_no_longer_mandate() -> None:
    file = Path("onboardings/gent/verenigingen.yaml")
    file.write_text(f"retire: 2020-01-01\n{file.read_text()}")
    assert "onboardings/gent/verenigingen.yaml leaves" in refused(LATER)


@pytest.mark.usefixtures("place")
def test_whose_names_a_new_town_claims_is_said(place: Workspace) -> None:
    place.write_organisation(
        "name: Stad Gent\novo: OVO002067\nspeaks_for: {merk_code: [stad-gent]}\n"
    )
    result = new(
        sheet((*AALST, "stad-gent"), headings=(*HEADINGS, "notificaties.merk_code")),
        *("--product", "notificaties", "--set", "notificaties.product_ids=10244"),
    )
    assert result.exit_code == 0, result.output
    assert "row 2: stad-aalst is new, and its organisation.yaml lets it speak as" in result.stdout
    assert "row 2: stad-aalst would speak in the name of another: merk_code stad-gent, of gent" in (
        result.stdout
    )


FORM, MANDATES = "onboardings/gent/verenigingen.yaml", "onboardings/gent/mandates.yaml"
NO_MANDATE = "and not those of leverancier"
GONE = {
    "with another supplier": (
        {"keys_of: leverancier": "keys_of: andere"},
        {"supplier: leverancier": "supplier: andere"},
        [f"row 2: {FORM} has the keys of andere now", NO_MANDATE],
    ),
    "with another supplier, and this one's mandate": (
        {"keys_of: leverancier": "keys_of: andere"},
        {},
        [f"{FORM} has the keys of andere now", NO_MANDATE],
    ),
    "with keys of its own": (
        {"keys_of: leverancier\n": "", "    scopes:": "    jwks: [own.jwk.json]\n    scopes:"},
        {"supplier: leverancier": "supplier: andere"},
        [f"row 2: {FORM} has the keys of gent now", NO_MANDATE],
    ),
    "with keys in the portal": (
        {"keys_of: leverancier\n": ""},
        {"supplier: leverancier": "supplier: andere"},
        [f"row 2: {FORM} has the keys of gent now", NO_MANDATE],
    ),
    "under another name": (
        {"application: verenigingen": "application: clubs\nformerly: verenigingen"},
        {"- verenigingen": "- clubs", "[verenigingen]": "[clubs]"},
        ["the application verenigingen is called clubs now"],
    ),
    "under another name, and with another supplier": (
        {
            "application: verenigingen": "application: clubs\nformerly: verenigingen",
            "keys_of: leverancier": "keys_of: andere",
        },
        {"supplier: leverancier": "supplier: andere"},
        ["verenigingen is called clubs now", "has the keys of andere now", NO_MANDATE],
    ),
    "with a mistake": (
        {f"{SCOPE}: ": "dv_nergens: "},
        {},
        [f"row 2: {FORM} has mistakes of its own, and was not changed"],
    ),
}


def change(file: str, changes: dict[str, str]) -> None:
    text = Path(file).read_text()
    for old, new_text in changes.items():
        text = text.replace(old, new_text)
    Path(file).write_text(text)


@pytest.mark.parametrize("name", GONE)
def test_a_town_that_the_supplier_lost_is_not_said_to_be_well(
    connected: Workspace, name: str
) -> None:
    """Also with a later day: it is dropped by no row in silence. Nor does the name of the file
    matter."""
    connected.write_organisation("name: Andere\n", "andere")
    connected.write("onboardings/andere/keys.yaml", "tni: [andere.jwk.json]\n")
    connected.write_key(public_key("andere"), "andere/andere")
    connected.write_key(public_key("own"), "gent/own")
    of_form, of_mandates, sentences = GONE[name]
    change(FORM, of_form)
    change(MANDATES, of_mandates)
    for row in (GENT, LATER):
        said = refused(row)
        assert all(sentence in said for sentence in sentences), said
    Path(FORM).rename("onboardings/gent/clubs.yaml")
    said = refused(LATER)
    assert all(one.replace("verenigingen.yaml", "clubs.yaml") in said for one in sentences), said


@pytest.mark.usefixtures("place")
def test_a_row_with_an_earlier_code_makes_no_second_organisation(place: Workspace) -> None:
    """Its organisation has another code by now, and its forms may be there already."""
    place.write_organisation(
        'name: Stad Gent\novo: OVO002067\nformerly: [OVO001992, "0207437468"]\n'
    )
    said = refused((*AALST[:2], "Gent en Aalst", *AALST[3:]))
    now = 'earlier, and has "OVO002067" now; give that code'
    assert f'row 2: column A (KBOnummer): gent had "0207437468" {now}' in said
    assert f'row 2: column B (OVO-code): gent had "OVO001992" {now}' in said
    assert "stad-gent" not in said
