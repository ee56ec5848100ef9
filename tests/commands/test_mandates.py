"""``acmidm mandates``: who acts for whom, from either side."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from acmidm.cli import app
from tests.support.workspace import MANDATE, Workspace

TODAY = datetime.now(UTC).date()


@pytest.fixture
def acting(workspace: Workspace) -> Workspace:
    """A supplier that acts for Gent in its one form, did for Aalst, and will soon no more for
    Zele."""
    workspace.write_supplier()
    for folder, code, days in (("aalst", "OVO000002", -1), ("zele", "OVO000003", 20)):
        workspace.write_organisation(f"name: Stad {folder.title()}\novo: {code}\n", folder)
        mandate = MANDATE.replace("2999-12-31", f"{TODAY + timedelta(days=days)}, reference: =1+1")
        workspace.write(f"onboardings/{folder}/mandates.yaml", mandate)
    return workspace


def shown(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["mandates", *words])
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.usefixtures("acting")
def test_by_supplier_with_those_that_it_acts_for() -> None:
    soon, past = TODAY + timedelta(days=20), TODAY - timedelta(days=1)
    assert shown().splitlines() == [
        "3 mandates",
        "",
        "Leverancier  acts for Stad Gent, Stad Zele",
        f"  Stad Aalst: mijn-gent, ENDED {past} (=1+1)",
        "  Stad Gent: mijn-gent, until 2999-12-31",
        f"  Stad Zele: mijn-gent, until {soon} (20 days left) (=1+1)",
    ]


@pytest.mark.parametrize(
    ("words", "organisations"),
    [
        ((), ["Stad Aalst", "Stad Gent", "Stad Zele"]),
        (("gent",), ["Stad Aalst", "Stad Gent", "Stad Zele"]),
        (("zele",), ["Stad Zele"]),
        (("lever", "stad", "aal"), ["Stad Aalst"]),
        (("--supplier", "leverancier", "zele"), ["Stad Zele"]),
        (("--supplier", "gent"), []),
        (("niemand",), []),
    ],
)
@pytest.mark.usefixtures("acting")
def test_what_is_searched_for(words: tuple[str, ...], organisations: list[str]) -> None:
    """The application has the name of Gent."""
    found = json.loads(shown(*words, "--output", "json"))["mandates"]
    assert [one["organisation"] for one in found] == organisations


@pytest.mark.usefixtures("acting")
def test_a_row_each_for_a_spreadsheet() -> None:
    """What somebody wrote is no formula."""
    rows = list(csv.DictReader(shown("--output", "csv").splitlines()))
    assert [row["organisation"] for row in rows] == ["Stad Aalst", "Stad Gent", "Stad Zele"]
    assert rows[0]["reference"] == "'=1+1"


@pytest.mark.usefixtures("acting")
def test_a_supplier_that_is_not_there() -> None:
    assert "onboardings/derde has no organisation.yaml" in shown("--supplier", "derde", code=2)
